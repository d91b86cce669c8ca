package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	proxyMaxStreams     = 1000     // of one client connection
	proxyStreamWindow   = 4 << 20  // a whole CRD without waiting for the window
	proxyConnWindow     = 64 << 20 // 64 of them at once
	proxyCopyBuffer     = 64 << 10
	proxyUpstreamIdle   = 256
	proxyHandshakeLimit = 10 * time.Second
)

// proxy is the way from the clients to the API server: TLS with HTTP/2 or 1.1
// on both sides, everything streamed. It counts and records requests, and does
// to them what the fault rules say.
//
// Who the client is goes on to the API server: a token as it is, a client
// certificate as the headers of an authenticating front proxy (the API server
// trusts them from the front proxy's own certificate only), nothing as nothing.
type proxy struct {
	port    *reservedPort
	config  *tls.Config
	clients x509.VerifyOptions
	certs   *httputil.ReverseProxy // for clients with a certificate
	others  *httputil.ReverseProxy // for tokens and anonymous clients
	faults  *faultTable
	traffic *traffic

	mu     sync.Mutex
	server *http.Server // nil while closed
}

func newProxy(p *pki, port *reservedPort, upstream string, faults *faultTable, traffic *traffic) (*proxy, error) {
	serving, err := p.proxyServing.tls()
	if err != nil {
		return nil, err
	}
	front, err := p.frontProxy.tls()
	if err != nil {
		return nil, err
	}
	target := &url.URL{Scheme: "https", Host: upstream}
	buffers := &bufferPool{}
	forwarder := func(certificates []tls.Certificate) *httputil.ReverseProxy {
		return &httputil.ReverseProxy{
			Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
			Transport:     newUpstream(&tls.Config{RootCAs: p.ca.pool(), Certificates: certificates}),
			FlushInterval: -1, // a watch's events go out one by one
			BufferPool:    buffers,
			ErrorHandler:  upstreamFailed,
			ErrorLog:      log.Default(),
		}
	}
	return &proxy{
		port: port,
		config: &tls.Config{
			Certificates: []tls.Certificate{serving},
			NextProtos:   []string{"h2", "http/1.1"},
			// As at the API server: a wrong certificate is a 401, not an alert.
			ClientAuth: tls.RequestClientCert,
			ClientCAs:  p.ca.pool(),
		},
		clients: x509.VerifyOptions{Roots: p.ca.pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}},
		certs:   forwarder([]tls.Certificate{front}),
		others:  forwarder(nil),
		faults:  faults,
		traffic: traffic,
	}, nil
}

func newUpstream(config *tls.Config) *http.Transport {
	return &http.Transport{
		TLSClientConfig:     config,
		TLSHandshakeTimeout: proxyHandshakeLimit,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: proxyUpstreamIdle,
		DisableCompression:  true, // what the client asked for passes untouched
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream:     proxyStreamWindow,
			MaxReceiveBufferPerConnection: proxyConnWindow,
		},
	}
}

// upstreamFailed ends a request whose API server went away: the client's
// connection breaks, as it would without a proxy between.
func upstreamFailed(_ http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, context.Canceled) {
		log.Printf("proxy: %s %s: %v", r.Method, r.URL.Path, err)
	}
	breakConnection(r)
}

// open listens.
func (p *proxy) open() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		return nil
	}
	listener, err := p.port.listen(context.Background())
	if err != nil {
		return fmt.Errorf("fault proxy: %w", err)
	}
	p.server = &http.Server{
		Handler:   p,
		TLSConfig: p.config,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          proxyMaxStreams,
			MaxReceiveBufferPerStream:     proxyStreamWindow,
			MaxReceiveBufferPerConnection: proxyConnWindow,
		},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, clientKey{}, &client{conn: c})
		},
		ErrorLog: log.New(io.Discard, "", 0), // clients that hang up are no news
	}
	go func(server *http.Server) {
		if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			log.Printf("proxy: %v", err)
		}
	}(p.server)
	return nil
}

// close breaks every connection and refuses new ones, as a server that isn't
// there does.
func (p *proxy) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		p.server.Close()
		p.server = nil
	}
}

func (p *proxy) isOpen() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server != nil
}

// client is one connection from a client; who it is, is found out once.
type client struct {
	conn     net.Conn
	once     sync.Once
	identity identity
}

type clientKey struct{}

type identity struct {
	user   string // empty: no certificate
	groups []string
	bad    error
}

func (p *proxy) identify(r *http.Request) identity {
	c := r.Context().Value(clientKey{}).(*client)
	c.once.Do(func() {
		peers := r.TLS.PeerCertificates
		if len(peers) == 0 {
			return
		}
		options := p.clients
		options.Intermediates = x509.NewCertPool()
		for _, cert := range peers[1:] {
			options.Intermediates.AddCert(cert)
		}
		if _, err := peers[0].Verify(options); err != nil {
			c.identity.bad = err
			return
		}
		c.identity.user = peers[0].Subject.CommonName
		c.identity.groups = peers[0].Subject.Organization
	})
	return c.identity
}

// breakConnection closes the client's connection with all its streams and
// doesn't return.
func breakConnection(r *http.Request) {
	r.Context().Value(clientKey{}).(*client).conn.Close()
	panic(http.ErrAbortHandler)
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	seen := p.traffic.begin(r)
	body := &countingBody{ReadCloser: r.Body}
	r.Body = body
	answer := &countingWriter{ResponseWriter: w}
	// Also when the handler is left by a panic: that is how a connection breaks.
	defer func() { seen.end(answer.status, body.count.Load(), answer.count) }()

	if hit := p.faults.match(r); hit != nil {
		seen.fault = hit.name()
		if !p.faults.inject(hit, answer, r, p.forward) {
			return
		}
	}
	p.forward(answer, r)
}

func (p *proxy) forward(w http.ResponseWriter, r *http.Request) {
	// Only the proxy may say who somebody is.
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Remote-") {
			r.Header.Del(name)
		}
	}
	who := p.identify(r)
	switch {
	case who.bad != nil:
		writeStatus(w, apiStatus{code: http.StatusUnauthorized, message: "Unauthorized"})
	case who.user != "":
		r.Header.Set("X-Remote-User", who.user)
		r.Header["X-Remote-Group"] = who.groups
		p.certs.ServeHTTP(w, r)
	default:
		p.others.ServeHTTP(w, r)
	}
}

type bufferPool struct {
	pool sync.Pool
}

func (b *bufferPool) Get() []byte {
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, proxyCopyBuffer)
}

func (b *bufferPool) Put(buffer []byte) { b.pool.Put(&buffer) }
