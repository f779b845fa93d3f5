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
	reads, writes []time.Time
}

func (n *noting) SetReadDeadline(t time.Time) error {
	n.reads = append(n.reads, t)
	return n.Conn.SetReadDeadline(t)
}

func (n *noting) SetWriteDeadline(t time.Time) error {
	n.writes = append(n.writes, t)
	return n.Conn.SetWriteDeadline(t)
}

func tracked(t *testing.T) (conn *trackedConn, inner *noting, client net.Conn) {
	client, server := net.Pipe()
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
	})
	inner = &noting{Conn: server}
	return newTrackedConn(inner, nil), inner, client
}

// TestDeadlinesAreSetWhenTheyCount has a connection set none that nothing is read or written under.
func TestDeadlinesAreSetWhenTheyCount(t *testing.T) {
	conn, inner, client := tracked(t)
	soon, later := time.Now().Add(time.Minute), time.Now().Add(time.Hour)
	go func() { _, _ = io.Copy(client, client) }() // echoes
	for range 2 {
		_ = conn.SetWriteDeadline(soon)
		_ = conn.SetReadDeadline(later)
		if _, err := conn.Write([]byte("a")); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(soon)
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetWriteDeadline(time.Time{}) // as net/http does after each answer
		_ = conn.SetReadDeadline(time.Time{})
	}
	if want := []time.Time{soon}; !slices.Equal(inner.reads, want) || !slices.Equal(inner.writes, want) {
		t.Errorf("set for reads %v, for writes %v, want %v", inner.reads, inner.writes, want)
	}
	_ = conn.SetDeadline(time.Time{}) // it is handed over
	_ = conn.SetReadDeadline(later)
	_ = conn.SetWriteDeadline(later)
	if want := []time.Time{soon, {}, later}; !slices.Equal(inner.reads, want) || !slices.Equal(inner.writes, want) {
		t.Errorf("set for reads %v, for writes %v, want %v", inner.reads, inner.writes, want)
	}
}

// TestDeadlinesEndWhatIsUnderWay sets one while a read and a write wait, as net/http does to get its
// connection back, and before they begin.
func TestDeadlinesEndWhatIsUnderWay(t *testing.T) {
	for _, before := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			conn, _, _ := tracked(t)
			expire := func() {
				_ = conn.SetReadDeadline(time.Unix(1, 0))
				_ = conn.SetWriteDeadline(time.Unix(1, 0))
			}
			if before {
				expire()
			}
			failed := make(chan error, 2)
			go func() { _, err := conn.Read(make([]byte, 1)); failed <- err }()
			go func() { _, err := conn.Write([]byte("a")); failed <- err }()
			synctest.Wait()
			if !before {
				expire()
				synctest.Wait()
			}
			for range 2 {
				select {
				case err := <-failed:
					if timeout, is := err.(net.Error); !is || !timeout.Timeout() {
						t.Errorf("got %v, want a time-out", err)
					}
				default:
					t.Error("a call goes on after its deadline")
				}
			}
		})
	}
}
