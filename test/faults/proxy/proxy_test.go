package proxy_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"configapi/test/faults/proxy"
)

// serveEcho returns what it receives, until the test ends.
func serveEcho(t *testing.T) (address string) { return serveName(t, "") }

func mustOpen(t *testing.T) *proxy.Link {
	t.Helper()
	l, err := proxy.Open("test", serveEcho(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func mustDial(t *testing.T, l *proxy.Link) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", l.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// echo sends a text and returns the response. It waits for at most within.
func echo(conn net.Conn, text string, within time.Duration) (string, error) {
	if _, err := conn.Write([]byte(text)); err != nil {
		return "", err
	}
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return "", err
	}
	answer := make([]byte, len(text))
	n, err := io.ReadFull(conn, answer)
	return string(answer[:n]), err
}

const patience = 10 * time.Second

func TestFaultsHoldUntilTheyAreHealed(t *testing.T) {
	for name, test := range map[string]struct {
		toxic proxy.Toxic
		check func(answer string, took time.Duration, err error) bool
	}{
		"reset": {proxy.Reset(), func(answer string, _ time.Duration, err error) bool {
			return answer == "" && err != nil && !isTimeout(err)
		}},
		"cut": {proxy.Cut(3), func(answer string, _ time.Duration, err error) bool {
			return answer == "hel" && err != nil && !isTimeout(err)
		}},
		"blackhole": {proxy.Blackhole(), func(answer string, _ time.Duration, err error) bool { return answer == "" && isTimeout(err) }},
		"latency": {proxy.Latency(50 * time.Millisecond), func(answer string, took time.Duration, err error) bool {
			return answer == "hello" && took >= 50*time.Millisecond && err == nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			link := mustOpen(t)
			before := mustDial(t, link)
			if got, err := echo(before, "well", patience); got != "well" || err != nil {
				t.Fatalf("before: got %q, %v", got, err)
			}
			heal, err := link.Infect(test.toxic)
			if err != nil {
				t.Fatal(err)
			}
			within := patience
			if name == "blackhole" {
				within = 100 * time.Millisecond // any wait will do: nothing arrives
			}
			for which, conn := range map[string]net.Conn{"made before": before, "made meanwhile": mustDial(t, link)} {
				begin := time.Now()
				got, err := echo(conn, "hello", within)
				if !test.check(got, time.Since(begin), err) {
					t.Errorf("a connection %s: got %q, %v after %v", which, got, err, time.Since(begin))
				}
			}
			if err := heal(); err != nil {
				t.Fatal(err)
			}
			if got, err := echo(mustDial(t, link), "well", patience); got != "well" || err != nil {
				t.Errorf("afterwards: got %q, %v", got, err)
			}
		})
	}
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
