package httpd

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// settings is a connection that counts how often its deadlines are set.
type settings struct {
	net.Conn
	reads, writes int
}

func (s *settings) SetReadDeadline(t time.Time) error {
	s.reads++
	return s.Conn.SetReadDeadline(t)
}

func (s *settings) SetWriteDeadline(t time.Time) error {
	s.writes++
	return s.Conn.SetWriteDeadline(t)
}

// pipe returns a tracked connection, what is below it, and its peer.
func pipe(t *testing.T) (*trackedConn, *settings, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	own := &settings{Conn: near}
	tracked := &trackedConn{inner: own, header: newHeaderReservation(nil)}
	tracked.reads.set, tracked.writes.set = own.SetReadDeadline, own.SetWriteDeadline
	return tracked, own, far
}

// TestReadEndsAtItsDeadline moves the deadline of a read in all ways. The read must end at the last
// one, whatever the connection's own deadline was meanwhile.
func TestReadEndsAtItsDeadline(t *testing.T) {
	for _, row := range []struct {
		name   string
		before []time.Duration // set one after the other, before the read; 0: none
		after  []time.Duration // likewise, every 100 ms while it is under way
		want   time.Duration
	}{
		{"one", []time.Duration{2 * time.Second}, nil, 2 * time.Second},
		{"later", []time.Duration{time.Second, 3 * time.Second}, nil, 3 * time.Second},
		{"earlier", []time.Duration{3 * time.Second, time.Second}, nil, time.Second},
		{"later meanwhile", []time.Duration{time.Second}, []time.Duration{4 * time.Second}, 4 * time.Second},
		{"earlier meanwhile", []time.Duration{4 * time.Second}, []time.Duration{time.Second}, time.Second},
		{"removed and set again", []time.Duration{time.Second, 0}, []time.Duration{0, 2 * time.Second}, 2 * time.Second},
		{"set where none was", nil, []time.Duration{time.Second}, time.Second},
		{"past", []time.Duration{time.Second, -time.Second}, nil, 0},
		{"past meanwhile", []time.Duration{time.Second}, []time.Duration{-time.Second}, 100 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, _, _ := pipe(t)
				begin := time.Now()
				move := func(to time.Duration) {
					at := begin.Add(to)
					if to == 0 {
						at = time.Time{}
					}
					if err := conn.SetReadDeadline(at); err != nil {
						t.Error(err)
					}
				}
				for _, to := range row.before {
					move(to)
				}
				for i, to := range row.after {
					time.AfterFunc(time.Duration(i+1)*100*time.Millisecond, func() { move(to) })
				}
				_, err := conn.Read(make([]byte, 1))
				if took := time.Since(begin); !errors.Is(err, os.ErrDeadlineExceeded) || took != row.want {
					t.Errorf("the read took %v: %v, want a deadline after %v", took, err, row.want)
				}
			})
		})
	}
}

// TestReadAfterItsDeadline reads again after a deadline has expired and a later one is set.
func TestReadAfterItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _, peer := pipe(t)
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("got %v, want a deadline", err)
		}
		_ = conn.SetReadDeadline(time.Time{})
		go func() {
			time.Sleep(time.Minute)
			_, _ = io.WriteString(peer, "x")
		}()
		if n, err := conn.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("got %d bytes, %v, want one", n, err)
		}
	})
}

// TestWriteGoesOnAfterAnEarlierDeadline has a peer take a part of a write, and the rest after the
// connection's own deadline, but before that of the write. The peer gets every byte once.
func TestWriteGoesOnAfterAnEarlierDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _, peer := pipe(t)
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		go func() { _, _ = io.ReadFull(peer, make([]byte, 1)) }()
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
		text, taken := strings.Repeat("0123456789", 10), make([]byte, 100)
		read := make(chan error, 1)
		go func() {
			_, err := io.ReadFull(peer, taken[:30])
			time.Sleep(5 * time.Second)
			if err == nil {
				_, err = io.ReadFull(peer, taken[30:])
			}
			read <- err
		}()
		if n, err := conn.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("wrote %d bytes: %v, want %d", n, err, len(text))
		}
		if err := <-read; err != nil || string(taken) != text {
			t.Errorf("the peer got %q, %v", taken, err)
		}
	})
}

// TestDeadlinesAreSetRarely moves deadlines as net/http and the server do for requests in quick
// succession: the connection's own are set for the first one alone.
func TestDeadlinesAreSetRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, own, peer := pipe(t)
		longAgo := time.Unix(1, 0)
		for range 1000 {
			go func() {
				_, _ = io.WriteString(peer, "request")
				_, _ = io.ReadFull(peer, make([]byte, len("answer")))
			}()
			_ = conn.SetReadDeadline(time.Now().Add(idleTimeout))
			if _, err := conn.Read(make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			_ = conn.SetReadDeadline(time.Time{})
			_ = conn.SetReadDeadline(longAgo)
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.WriteString(conn, "answer"); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetWriteDeadline(time.Time{})
			synctest.Wait()
		}
		if own.reads != 1 || own.writes != 1 {
			t.Errorf("the connection's own deadlines were set %d and %d times, want once", own.reads, own.writes)
		}
	})
}

// TestDeadlinesOfAHandedOverConnection sets all deadlines at once after SetDeadline, since the new
// owner may write to the descriptor.
func TestDeadlinesOfAHandedOverConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, own, _ := pipe(t)
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		_ = conn.SetWriteDeadline(time.Now().Add(time.Minute))
		if own.reads != 0 || own.writes != 0 {
			t.Errorf("set %d and %d times before any operation", own.reads, own.writes)
		}
		_ = conn.SetDeadline(time.Time{})
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		_ = conn.SetWriteDeadline(time.Now().Add(time.Hour))
		if own.reads != 2 || own.writes != 2 {
			t.Errorf("set %d and %d times, want twice", own.reads, own.writes)
		}
	})
}
