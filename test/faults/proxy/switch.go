package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
)

// Switch is an address whose backend can change, like a virtual IP address. It chooses the backend
// of each new connection. Existing connections stay with theirs.
type Switch struct {
	listener net.Listener
	serving  sync.WaitGroup

	mu    sync.Mutex // guards the fields below
	to    []string
	next  int
	conns map[net.Conn]struct{}
}

// OpenSwitch returns a switch at a new port of 127.0.0.1 that has no backend: it closes connections
// at once.
func OpenSwitch() (*Switch, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the switch: %w", err)
	}
	s := &Switch{listener: listener, conns: map[net.Conn]struct{}{}}
	s.serving.Go(s.serve)
	return s, nil
}

// Address is where the switch listens.
func (s *Switch) Address() string { return s.listener.Addr().String() }

// Route sends new connections to the addresses in turn. Without addresses, connections are closed
// at once.
func (s *Switch) Route(to ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to, s.next = to, 0
}

// Close closes the switch and all its connections.
func (s *Switch) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	for conn := range s.conns {
		conn.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.serving.Wait()
	return err
}

func (s *Switch) serve() {
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			s.serving.Go(func() { s.pass(conn) })
		}
	}
}

// pass relays one connection until either side ends it.
func (s *Switch) pass(in net.Conn) {
	defer s.forget(in)
	to := s.destination(in)
	if to == "" {
		return
	}
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	if !s.routesTo(to) {
		return // the route has changed meanwhile
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(in, out) // the two ends of the connection see its errors
		in.Close()
	})
	_, _ = io.Copy(out, in)
	out.Close()
	back.Wait()
}

// destination registers a connection and returns its backend; "" means that there is none.
func (s *Switch) destination(in net.Conn) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil || len(s.to) == 0 {
		return ""
	}
	s.conns[in] = struct{}{}
	to := s.to[s.next%len(s.to)]
	s.next++
	return to
}

// routesTo reports whether new connections go to an address.
func (s *Switch) routesTo(to string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.to, to)
}

func (s *Switch) forget(in net.Conn) {
	in.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, in)
}
