package httpd

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// addressed is a connection with a remote address.
type addressed struct {
	net.Conn
	remote net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.remote }

// script is a listener that returns the given connections and errors in order.
type script struct {
	steps  chan any
	once   sync.Once
	closed chan struct{}
}

func newScript() *script { return &script{steps: make(chan any, 100), closed: make(chan struct{})} }

func (s *script) Accept() (net.Conn, error) {
	select {
	case step := <-s.steps:
		if conn, is := step.(net.Conn); is {
			return conn, nil
		}
		return nil, step.(error)
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *script) Close() error   { s.once.Do(func() { close(s.closed) }); return nil }
func (s *script) Addr() net.Addr { return &net.TCPAddr{} }

// dial connects from an address.
func (s *script) dial(address string) net.Conn {
	client, server := net.Pipe()
	s.steps <- addressed{server, net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 1234))}
	return client
}

func limited(inner net.Listener, most, perAddress int, log io.Writer) (*listener, *Metrics) {
	opts := Options{MaxConnections: most, MaxConnectionsPerAddress: perAddress, Metrics: NewMetrics(), Log: slog.New(slog.NewTextHandler(log, nil))}
	return limit(inner, opts), opts.Metrics
}

// mustRefuse reads the answer to a connection over a limit.
func mustRefuse(t *testing.T, client net.Conn, says string) {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil {
		t.Fatalf("reading the refusal: %v", err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 503 || response.Header.Get("Retry-After") == "" || !response.Close || !strings.Contains(string(body), says) {
		t.Errorf("got %d %v %s, %v, want 503 that says %q", response.StatusCode, response.Header, body, err, says)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		inner := newScript()
		l, metrics := limited(inner, 3, 2, &log)
		defer l.Close()
		accepted := make(chan net.Conn, 10)
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				accepted <- conn
			}
		}()
		inner.dial("203.0.113.1")
		inner.dial("::ffff:203.0.113.1")
		first, second := <-accepted, <-accepted
		mustRefuse(t, inner.dial("203.0.113.1"), "--max-connections-per-address")
		inner.dial("203.0.113.2")
		third := <-accepted
		mustRefuse(t, inner.dial("203.0.113.3"), "--max-connections)")
		mustRefuse(t, inner.dial("127.0.0.1"), "--max-connections)")
		for range 2 { // a second Close must not count
			_ = first.Close()
		}
		inner.dial("203.0.113.1")
		fourth := <-accepted
		mustRefuse(t, inner.dial("203.0.113.9"), "--max-connections)")
		for _, conn := range []net.Conn{second, third, fourth} {
			_ = conn.Close()
		}
		for range 3 { // loopback addresses have no limit of their own
			inner.dial("127.0.0.1")
			defer (<-accepted).Close()
		}
		if got := l.limit.Count(); got != 3 {
			t.Errorf("%d connections are counted, want the 3 that are open", got)
		}
		if got := counted(t, metrics, refusedConnections); got != 3 {
			t.Errorf("counted %v refusals for the number, want 3", got)
		}
		if got := counted(t, metrics, refusedAddress); got != 1 {
			t.Errorf("counted %v refusals for the address, want 1", got)
		}
		if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "limit=address") {
			t.Errorf("logged %s, want one line, since no time has passed", log.String())
		}
	})
}

func counted(t *testing.T, m *Metrics, why refusal) float64 {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.Metric {
			if family.GetName() == "configapi_refusals_total" && metric.Label[0].GetValue() == refusalNames[why] {
				return metric.Counter.GetValue()
			}
		}
	}
	t.Fatal("there is no such metric")
	return 0
}

// TestRefusedConnectionsDelayNoOther has refused clients that neither read nor send.
func TestRefusedConnectionsDelayNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newScript()
		l, _ := limited(inner, 1, 0, io.Discard)
		inner.dial("203.0.113.1")
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		ended := make(chan error)
		go func() { _, err := l.Accept(); ended <- err }()
		clients := make([]net.Conn, refusalsAtOnce+10)
		for i := range clients {
			clients[i] = inner.dial("203.0.113.1")
		}
		synctest.Wait()
		if kept := len(l.refusals); kept != refusalsAtOnce {
			t.Errorf("%d refused connections are kept, want %d", kept, refusalsAtOnce)
		}
		time.Sleep(refusalTime)
		synctest.Wait()
		if kept := len(l.refusals); kept != 0 {
			t.Errorf("%d refused connections are kept after their time", kept)
		}
		_ = l.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

// TestErrorsOfAcceptEndNothing checks that pauses grow up to a second, and start again after a
// success.
func TestErrorsOfAcceptEndNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		inner := newScript()
		l, _ := limited(inner, 10, 0, &log)
		for range 20 {
			inner.steps <- errors.New("operation not permitted")
		}
		inner.dial("203.0.113.1")
		begin := time.Now()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if took := time.Since(begin); took < 10*time.Second || took > 15*time.Second {
			t.Errorf("20 errors took %v", took)
		}
		if strings.Count(log.String(), "\n") != 20 || !strings.Contains(log.String(), "not permitted") {
			t.Errorf("logged %s", log.String())
		}
		inner.steps <- errors.New("again")
		go func() { time.Sleep(time.Millisecond); _ = l.Close() }()
		begin = time.Now()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) || time.Since(begin) != time.Millisecond {
			t.Errorf("got %v after %v, want the end at once", err, time.Since(begin))
		}
	})
}

// TestTCPStaysTCP checks the methods of a TCP connection: websockets write to its descriptor, and
// net/http closes one half.
func TestTCPStaysTCP(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, _ := limited(inner, 1, 0, io.Discard)
	defer l.Close()
	client, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, is := conn.(interface {
		CloseWrite() error
		io.ReaderFrom
	}); !is {
		t.Errorf("%T has lost what TCP can do", conn)
	}
}
