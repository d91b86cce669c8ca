package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/csv"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

const (
	adminGroup     = "system:masters"
	frontProxyName = "fault-proxy"
)

// pki is everything that proves who is who in one cluster. Authorities, the
// service account key and the tokens are kept over restarts; certificates are
// signed anew at each start.
type pki struct {
	ca         *authority // serves the API, identifies its users
	frontCA    *authority // identifies the fault proxy to the API server
	workloadCA *authority // serves webhooks, signs cert-manager's certificates

	proxyServing pemPair
	frontProxy   pemPair
	admin        pemPair
	nobody       pemPair
	adminToken   string
}

// serverHosts are the names and addresses under which clients know the API.
var serverHosts = []string{
	"127.0.0.1", "localhost", "10.96.0.1",
	"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
}

func loadPKI(l layout) (*pki, error) {
	if err := os.MkdirAll(l.pki(), 0o700); err != nil {
		return nil, err
	}
	p := &pki{}
	for name, ret := range map[string]**authority{
		"ca": &p.ca, "front-proxy-ca": &p.frontCA, "workload-ca": &p.workloadCA,
	} {
		a, err := loadAuthority(l, name)
		if err != nil {
			return nil, fmt.Errorf("authority %s: %w", name, err)
		}
		*ret = a
	}
	if err := ensureServiceAccountKey(l); err != nil {
		return nil, fmt.Errorf("service account key: %w", err)
	}
	var err error
	if p.adminToken, err = ensureTokens(l); err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	return p, p.signAll(l)
}

func (p *pki) signAll(l layout) error {
	var apiServing pemPair
	for _, want := range []struct {
		ret     *pemPair
		by      *authority
		subject pkix.Name
		hosts   []string
	}{
		{&apiServing, p.ca, pkix.Name{CommonName: "kube-apiserver"}, serverHosts},
		{&p.proxyServing, p.ca, pkix.Name{CommonName: "kube-apiserver"}, serverHosts},
		{&p.frontProxy, p.frontCA, pkix.Name{CommonName: frontProxyName}, nil},
		{&p.admin, p.ca, pkix.Name{CommonName: "admin", Organization: []string{adminGroup}}, nil},
		{&p.nobody, p.ca, pkix.Name{CommonName: "nobody"}, nil},
	} {
		pair, err := want.by.sign(want.subject, want.hosts...)
		if err != nil {
			return fmt.Errorf("sign %s: %w", want.subject.CommonName, err)
		}
		*want.ret = pair
	}
	if err := writeFile(l.pkiFile("apiserver.crt"), apiServing.cert, 0o644); err != nil {
		return err
	}
	return writeFile(l.pkiFile("apiserver.key"), apiServing.key, 0o600)
}

func ensureServiceAccountKey(l layout) error {
	if _, err := os.Stat(l.pkiFile("sa.pub")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := writeFile(l.pkiFile("sa.key"), keyPEM, 0o600); err != nil {
		return err
	}
	return writeFile(l.pkiFile("sa.pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o644)
}

// ensureTokens returns the token of the user token-admin.
func ensureTokens(l layout) (string, error) {
	path := l.pkiFile("tokens.csv")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		token := randomToken()
		line := fmt.Sprintf("%s,token-admin,token-admin,%q\n", token, adminGroup)
		return token, writeFile(path, []byte(line), 0o600)
	}
	if err != nil {
		return "", err
	}
	record, err := csv.NewReader(strings.NewReader(string(data))).Read()
	if err != nil {
		return "", err
	}
	return record[0], nil
}

func randomToken() string {
	bytes := make([]byte, 16)
	if _, err := rand.Read(bytes); err != nil {
		panic(err) // the system has no random numbers
	}
	return hex.EncodeToString(bytes)
}
