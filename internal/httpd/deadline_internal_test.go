package httpd

import (
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// noting is a connection that takes note of the deadlines that are set on it.
type noting struct {
	net.Conn
	set []time.Time
}

func (n *noting) SetDeadline(t time.Time) error {
	n.set = append(n.set, t)
	return n.Conn.SetDeadline(t)
}

func (n *noting) SetWriteDeadline(t time.Time) error {
	n.set = append(n.set, t)
	return n.Conn.SetWriteDeadline(t)
}

func tracked(t *testing.T) (conn *trackedConn, inner *noting, client net.Conn) {
	client, server := net.Pipe()
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
	})
	inner = &noting{Conn: server}
	return &trackedConn{inner: inner}, inner, client
}

// TestDeadlinesAreSetWhenTheyCount has a connection set none that nothing is written under.
func TestDeadlinesAreSetWhenTheyCount(t *testing.T) {
	conn, inner, client := tracked(t)
	go func() { _, _ = io.Copy(io.Discard, client) }()
	write := func() {
		t.Helper()
		if _, err := conn.Write([]byte("a")); err != nil {
			t.Fatal(err)
		}
	}
	soon, later := time.Now().Add(time.Minute), time.Now().Add(time.Hour)
	for range 2 {
		_ = conn.SetWriteDeadline(soon)
		write()
		_ = conn.SetWriteDeadline(time.Time{}) // as net/http does after each answer
	}
	write()                           // as net/http does when it cannot read a request
	_ = conn.SetDeadline(time.Time{}) // it is handed over
	_ = conn.SetWriteDeadline(later)
	if want := []time.Time{soon, {}, {}, later}; !slices.Equal(inner.set, want) {
		t.Errorf("set were %v, want %v", inner.set, want)
	}
}

// TestDeadlinesEndWhatIsUnderWay sets one before a write begins, and one while it waits.
func TestDeadlinesEndWhatIsUnderWay(t *testing.T) {
	for _, before := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			conn, _, _ := tracked(t)
			if before {
				_ = conn.SetWriteDeadline(time.Unix(1, 0))
			}
			failed := make(chan error, 1)
			go func() { _, err := conn.Write([]byte("a")); failed <- err }()
			synctest.Wait()
			if !before {
				_ = conn.SetWriteDeadline(time.Unix(1, 0))
				synctest.Wait()
			}
			select {
			case err := <-failed:
				if timeout, is := err.(net.Error); !is || !timeout.Timeout() {
					t.Errorf("got %v, want a time-out", err)
				}
			default:
				t.Error("the write goes on after its deadline")
			}
		})
	}
}
