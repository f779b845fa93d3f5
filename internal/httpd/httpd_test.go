package httpd_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
	"configapi/internal/origin"
	"configapi/internal/rest"
)

// pipes is a listener of in-memory connections without buffers, whose deadlines use the fake time
// of a bubble.
type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// dial returns the client's end of a new connection, nil when the server has stopped accepting.
func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client
	case <-p.closed:
		return nil
	}
}

// running is a server under test.
type running struct {
	listener *pipes
	log      *logbook
	stop     context.CancelFunc // like SIGTERM
	stopped  chan error         // receives the result of Serve
}

// start serves until the end of the test. Missing options are those of a server on an empty store.
func start(t testing.TB, opts httpd.Options) *running {
	t.Helper()
	return startBy(t, opts, (*httpd.Server).Serve)
}

// startBy is start with one of the methods that serve a listener.
func startBy(t testing.TB, opts httpd.Options, serve func(*httpd.Server, context.Context, net.Listener) error) *running {
	t.Helper()
	if opts.Store == nil {
		opts.Store = configstoretest.New(t, configstore.Options{}).Store
	}
	if opts.REST == nil {
		opts.REST = rest.New(opts.Store, rest.Options{})
	}
	s := &running{listener: newPipes(), log: new(logbook), stopped: make(chan error, 1)}
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewJSONHandler(s.log, nil))
	}
	if opts.Guard == nil {
		// the host of most requests here
		opts.Guard = mustGuard(t, origin.Options{Hosts: []string{"x"}})
	}
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	server := httpd.New(opts)
	go func() { s.stopped <- serve(server, ctx, s.listener) }()
	t.Cleanup(func() {
		stop()
		<-s.stopped
		close(s.stopped)
	})
	return s
}

func mustGuard(t testing.TB, opts origin.Options) *origin.Guard {
	t.Helper()
	guard, err := origin.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

// wait stops the server and returns the result of Serve.
func (s *running) wait() error {
	s.stop()
	err := <-s.stopped
	s.stopped <- nil // for the cleanup function
	return err
}

// connect returns a connection that is closed at the end of the test.
func (s *running) connect(t testing.TB) net.Conn {
	t.Helper()
	conn := s.listener.dial()
	if conn == nil {
		t.Fatal("the server takes no connections")
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// answer is an answer as read from the connection.
type answer struct {
	*http.Response
	body string
}

// ask sends one request on a new connection, with "Connection: close". Lines end in a line feed.
func (s *running) ask(t testing.TB, request string) answer {
	t.Helper()
	conn := s.connect(t)
	first, rest, _ := strings.Cut(request, "\n")
	go func() {
		_, _ = io.WriteString(conn, first+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+crlf(rest)+"\r\n")
	}()
	got := readAnswer(t, conn)
	_ = conn.Close()
	return got
}

// askRaw sends one request on a new connection. Only line feeds are converted.
func (s *running) askRaw(t testing.TB, request string) answer {
	t.Helper()
	conn := s.connect(t)
	go func() {
		_, _ = io.WriteString(conn, crlf(strings.TrimSuffix(request, "\n"))+"Connection: close\r\n\r\n")
	}()
	got := readAnswer(t, conn)
	_ = conn.Close()
	return got
}

func crlf(lines string) string {
	if lines == "" {
		return ""
	}
	return strings.ReplaceAll(lines, "\n", "\r\n") + "\r\n"
}

// readAnswer reads one complete answer.
func readAnswer(t testing.TB, conn net.Conn) answer {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("reading the answer's body after %q: %v", body, err)
	}
	return answer{response, string(body)}
}

// logbook is a log that tests can read.
type logbook struct {
	mu    sync.Mutex // guards lines
	lines []map[string]any
}

func (l *logbook) Write(p []byte) (int, error) {
	var line map[string]any
	if err := json.Unmarshal(p, &line); err != nil || bytes.Count(p, []byte("\n")) != 1 {
		panic("not one line of JSON: " + string(p))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return len(p), nil
}

// with returns the lines with a message.
func (l *logbook) with(message string) []map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []map[string]any
	for _, line := range l.lines {
		if line["msg"] == message {
			found = append(found, line)
		}
	}
	return found
}
