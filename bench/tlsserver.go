package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"runtime"
	"time"

	"configapi/graph"
	"configapi/internal/httpd"
	"configapi/internal/rest"
)

// serveTLS is configapi with the TLS of `configapi serve --tls-cert`: its config store on an SQLite
// store at path, its edges and its HTTP server. It runs in its own process until it is killed, and
// prints two addresses when it is ready: one without TLS, for writes, and one with TLS.
func serveTLS(path string, out io.Writer) error {
	floor := make([]byte, heapFloor)
	defer runtime.KeepAlive(floor)
	ctx := context.Background()
	store, running, err := runStore(ctx, path)
	if err != nil {
		return err
	}
	plain, plainErr := net.Listen("tcp", "127.0.0.1:0")
	secured, securedErr := net.Listen("tcp", "127.0.0.1:0")
	certificate, certErr := selfSigned()
	if err := errors.Join(plainErr, securedErr, certErr); err != nil {
		return err
	}
	opts := httpd.Options{
		Store: store, REST: rest.New(store, rest.Options{}), GraphQL: graph.NewHandler(store, graph.Options{}), MaxConnections: manyConnections,
	}
	served := make(chan error, 2)
	withoutTLS := httpd.New(opts)
	opts.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil }
	withTLS := httpd.New(opts)
	go func() { served <- withoutTLS.Serve(ctx, plain) }()
	go func() { served <- withTLS.Serve(ctx, secured) }()
	fmt.Fprintln(out, readyWord, plain.Addr(), secured.Addr())
	select {
	case err = <-running:
	case err = <-served:
	}
	return err
}

// selfSigned returns a certificate that nobody vouches for.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: key}, err
}
