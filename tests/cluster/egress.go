package main

import (
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// egress is the network inside the cluster as the API server sees it: an HTTP
// CONNECT proxy on a unix socket. A CONNECT to a Service without a ready
// endpoint is refused; otherwise TLS ends here and the Service's webhook
// answers (webhooks.go).
type egress struct {
	services *services
	webhooks *webhookTable
	ca       *authority
	outer    *http.Server // CONNECT on the unix socket
	inner    *http.Server // what is spoken inside
	accepted chan net.Conn
	closed   chan struct{}

	mu    sync.Mutex
	certs map[string]*tls.Certificate // by server name
}

func startEgress(l layout, p *pki, s *services, w *webhookTable) (*egress, error) {
	// A socket file of a killed run would make bind fail.
	if err := os.RemoveAll(l.egressSocket()); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", l.egressSocket())
	if err != nil {
		return nil, err
	}
	e := &egress{
		services: s, webhooks: w, ca: p.workloadCA,
		accepted: make(chan net.Conn), closed: make(chan struct{}),
		certs: map[string]*tls.Certificate{},
	}
	quiet := log.New(io.Discard, "", 0)
	e.outer = &http.Server{Handler: http.HandlerFunc(e.connect), ErrorLog: quiet}
	e.inner = &http.Server{
		Handler:  http.HandlerFunc(e.serve),
		ErrorLog: quiet,
		TLSConfig: &tls.Config{
			NextProtos:     []string{"h2", "http/1.1"},
			GetCertificate: e.certificate,
		},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, tunnelKey{}, c.(*tls.Conn).NetConn())
		},
	}
	go serveUntilClosed("egress", func() error { return e.outer.Serve(listener) })
	go serveUntilClosed("webhooks", func() error { return e.inner.ServeTLS(e, "", "") })
	return e, nil
}

func serveUntilClosed(what string, serve func() error) {
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		log.Printf("%s: %v", what, err)
	}
}

func (e *egress) close() {
	e.outer.Close()
	e.inner.Close()
}

// tunnel is a connection to a Service.
type tunnel struct {
	net.Conn
	service types.NamespacedName
}

type tunnelKey struct{}

// connect answers CONNECT.
func (e *egress) connect(w http.ResponseWriter, r *http.Request) {
	service, err := e.route(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		log.Printf("egress: hijack: %v", err)
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		conn.Close()
		return
	}
	select {
	case e.accepted <- &tunnel{Conn: conn, service: service}:
	case <-e.closed:
		conn.Close()
	}
}

func (e *egress) route(r *http.Request) (types.NamespacedName, error) {
	if r.Method != http.MethodConnect {
		return types.NamespacedName{}, errors.New("only CONNECT is spoken here")
	}
	host, portText, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, portText, err = net.SplitHostPort(r.URL.Host)
	}
	if err != nil {
		return types.NamespacedName{}, err
	}
	port, err := strconv.ParseInt(portText, 10, 32)
	if err != nil {
		return types.NamespacedName{}, err
	}
	service, err := e.services.atIP(host, int32(port))
	if err != nil {
		return service, err
	}
	if !e.services.isReady(service) {
		e.webhooks.refused(service)
		return service, fmt.Errorf("service %s has no ready endpoint", service)
	}
	return service, nil
}

// Accept, Close and Addr make the tunnels a net.Listener.
func (e *egress) Accept() (net.Conn, error) {
	select {
	case conn := <-e.accepted:
		return conn, nil
	case <-e.closed:
		return nil, net.ErrClosed
	}
}

func (e *egress) Close() error {
	close(e.closed)
	return nil
}

func (e *egress) Addr() net.Addr { return &net.UnixAddr{Net: "unix", Name: "egress"} }

// certificate serves any name with a certificate of the workloads' authority.
func (e *egress) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := hello.ServerName
	if name == "" {
		name = hello.Conn.(*tunnel).service.Name
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if cert := e.certs[name]; cert != nil {
		return cert, nil
	}
	pair, err := e.ca.sign(pkix.Name{CommonName: "workload"}, name)
	if err != nil {
		return nil, err
	}
	cert, err := pair.tls()
	if err != nil {
		return nil, err
	}
	e.certs[name] = &cert
	return &cert, nil
}

// serve answers one request to a Service. The API server keeps connections
// open, so it is asked again whether anybody is there.
func (e *egress) serve(w http.ResponseWriter, r *http.Request) {
	t := r.Context().Value(tunnelKey{}).(*tunnel)
	if !e.services.isReady(t.service) {
		e.webhooks.refused(t.service)
		t.Conn.Close()
		panic(http.ErrAbortHandler)
	}
	e.webhooks.serve(t.service, w, r)
}
