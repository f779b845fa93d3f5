package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
)

// Gate is an address behind which the server can change. It decides for each new connection where
// it leads, and leaves those that there are alone, as an address that moves to another machine
// does.
type Switch struct {
	listener net.Listener
	serving  sync.WaitGroup

	mu    sync.Mutex // guards what is below
	to    []string
	next  int
	conns map[net.Conn]struct{}
}

// OpenGate returns a gate at a new port of 127.0.0.1 that leads nowhere: it closes connections at
// once.
func OpenSwitch() (*Switch, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the gate: %w", err)
	}
	g := &Switch{listener: listener, conns: map[net.Conn]struct{}{}}
	g.serving.Go(g.serve)
	return g, nil
}

// Address is where the gate is.
func (g *Switch) Address() string { return g.listener.Addr().String() }

// Lead has new connections go to the addresses in turn; without any they are closed at once.
func (g *Switch) Route(to ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.to, g.next = to, 0
}

// Close ends the gate and all its connections.
func (g *Switch) Close() error {
	err := g.listener.Close()
	g.mu.Lock()
	for conn := range g.conns {
		conn.Close()
	}
	g.conns = nil
	g.mu.Unlock()
	g.serving.Wait()
	return err
}

func (g *Switch) serve() {
	for {
		conn, err := g.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			g.serving.Go(func() { g.pass(conn) })
		}
	}
}

// pass carries one connection until either side ends it.
func (g *Switch) pass(in net.Conn) {
	defer g.forget(in)
	to := g.destination(in)
	if to == "" {
		return
	}
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	if !g.routesTo(to) {
		return // elsewhere by now: the server that was meant may be up again, but for others
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(in, out) // how a connection ends is for its two ends to see
		in.Close()
	})
	_, _ = io.Copy(out, in)
	out.Close()
	back.Wait()
}

// destination keeps a connection, and says where it leads; "" is nowhere.
func (g *Switch) destination(in net.Conn) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns == nil || len(g.to) == 0 {
		return ""
	}
	g.conns[in] = struct{}{}
	to := g.to[g.next%len(g.to)]
	g.next++
	return to
}

// leads tells whether new connections go to an address.
func (g *Switch) routesTo(to string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Contains(g.to, to)
}

func (g *Switch) forget(in net.Conn) {
	in.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, in)
}
