package main

import (
	"crypto/x509/pkix"
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// kubeconfigSuffixes are the files for users of the cluster; the first one is
// plain "kubeconfig".
var kubeconfigSuffixes = []string{"", "direct", "token", "nobody", "badtoken"}

// writeKubeconfigs writes the users' files and those of the real servers,
// which never go through the fault proxy.
func writeKubeconfigs(l layout, p *pki, direct, proxied string) error {
	for suffix, config := range map[string][]byte{
		"":         certKubeconfig(p, proxied, "admin", p.admin),
		"direct":   certKubeconfig(p, direct, "admin", p.admin),
		"token":    tokenKubeconfig(p, proxied, "token-admin", p.adminToken),
		"nobody":   certKubeconfig(p, proxied, "nobody", p.nobody),
		"badtoken": tokenKubeconfig(p, proxied, "badtoken", randomToken()),
	} {
		if err := writeFile(l.kubeconfig(suffix), config, 0o600); err != nil {
			return err
		}
	}
	for _, name := range []string{"controller-manager", "scheduler"} {
		user := "system:kube-" + name
		// system:masters spares the controller manager its thirty service
		// accounts and their tokens.
		pair, err := p.ca.sign(pkix.Name{CommonName: user, Organization: []string{adminGroup}})
		if err != nil {
			return fmt.Errorf("sign %s: %w", user, err)
		}
		if err := writeFile(l.pkiFile(name+".kubeconfig"), certKubeconfig(p, direct, user, pair), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func certKubeconfig(p *pki, address, user string, pair pemPair) []byte {
	return kubeconfig(p, address, user, &clientcmdapi.AuthInfo{
		ClientCertificateData: pair.cert,
		ClientKeyData:         pair.key,
	})
}

func tokenKubeconfig(p *pki, address, user, token string) []byte {
	return kubeconfig(p, address, user, &clientcmdapi.AuthInfo{Token: token})
}

func kubeconfig(p *pki, address, user string, auth *clientcmdapi.AuthInfo) []byte {
	config := clientcmdapi.NewConfig()
	config.Clusters["cluster"] = &clientcmdapi.Cluster{
		Server:                   "https://" + address,
		CertificateAuthorityData: p.ca.pem,
	}
	config.AuthInfos[user] = auth
	config.Contexts["cluster"] = &clientcmdapi.Context{Cluster: "cluster", AuthInfo: user}
	config.CurrentContext = "cluster"
	data, err := clientcmd.Write(*config)
	if err != nil {
		panic(err) // a fixed structure
	}
	return data
}
