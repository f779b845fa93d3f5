package proxy_test

import (
	"io"
	"net"
	"testing"
	"time"

	"configapi/test/faults/proxy"
)

// serveName says a name to everybody who connects, until the test ends, and then holds the
// connection.
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

func mustHear(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	text := make([]byte, len(want))
	if _, err := io.ReadFull(conn, text); err != nil || string(text) != want {
		t.Fatalf("got %q, %v, want %q", text, err, want)
	}
}

func TestGateDecidesForNewConnectionsAlone(t *testing.T) {
	g, err := proxy.OpenSwitch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", g.Address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	nowhere := dial()
	nowhere.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := nowhere.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("a gate that leads nowhere: got %d bytes, %v, want an end", n, err)
	}
	old, next := serveName(t, "old"), serveName(t, "new")
	g.Route(old)
	first := dial()
	mustHear(t, first, "old")
	g.Route(next)
	mustHear(t, dial(), "new")
	if _, err := first.Write([]byte("still")); err != nil {
		t.Fatal(err)
	}
	mustHear(t, first, "still")
	g.Route(old, next)
	mustHear(t, dial(), "old")
	mustHear(t, dial(), "new")
	if err := g.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := io.Copy(io.Discard, first); err != nil {
		t.Logf("the connection ended with %v", err)
	}
}
