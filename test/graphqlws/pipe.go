package graphqlws

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// Serve serves a handler on in-memory connections. dial is for [Target.Dial]; stop stops the server
// and closes its connections, except hijacked ones such as websockets. All of it works in a bubble
// of testing/synctest, without the network. The connections have no buffers, so a client that does
// not read blocks the server's writes at once.
func Serve(handler http.Handler) (dial func(context.Context) (net.Conn, error), stop func()) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l) // http.ErrServerClosed
	}()
	return l.dial, func() {
		_ = server.Close() // the listener's Close returns nil
		<-served
	}
}

type pipeListener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }
