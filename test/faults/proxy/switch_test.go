package proxy_test

import (
	"io"
	"net"
	"testing"
	"time"

	"configapi/test/faults/proxy"
)

// serveName sends a name to each client that connects, and then keeps the connection open. It ends
// with the test.
func serveName(t *testing.T, name string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				io.WriteString(conn, name)
				io.Copy(conn, conn)
			}()
		}
	}()
	return l.Addr().String()
}

func mustReceive(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	text := make([]byte, len(want))
	if _, err := io.ReadFull(conn, text); err != nil || string(text) != want {
		t.Fatalf("got %q, %v, want %q", text, err, want)
	}
}

func TestSwitchRoutesNewConnectionsOnly(t *testing.T) {
	s, err := proxy.OpenSwitch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", s.Address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	nowhere := dial()
	nowhere.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := nowhere.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("a switch without a backend: got %d bytes, %v, want an end", n, err)
	}
	old, next := serveName(t, "old"), serveName(t, "new")
	s.Route(old)
	first := dial()
	mustReceive(t, first, "old")
	s.Route(next)
	mustReceive(t, dial(), "new")
	if _, err := first.Write([]byte("still")); err != nil {
		t.Fatal(err)
	}
	mustReceive(t, first, "still")
	s.Route(old, next)
	mustReceive(t, dial(), "old")
	mustReceive(t, dial(), "new")
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := io.Copy(io.Discard, first); err != nil {
		t.Logf("the connection ended with %v", err)
	}
}
