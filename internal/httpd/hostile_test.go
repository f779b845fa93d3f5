package httpd_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
	"configapi/internal/origin"
	"configapi/internal/rest"
)

// Tests in a bubble use fake time, and fail when a goroutine of the server is left at their end.

// TestSlowHeader sends a header byte by byte, and one that never ends.
func TestSlowHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, httpd.Options{})
		begin := time.Now()
		silent, slow := s.connect(t), s.connect(t)
		var client sync.WaitGroup
		defer client.Wait()
		client.Go(func() { trickle(slow, "", "G") })
		for _, conn := range []net.Conn{silent, slow} {
			if got, err := io.ReadAll(conn); err != nil || strings.Contains(string(got), " 200 ") {
				t.Errorf("got %q, %v, want the connection to end", got, err)
			}
		}
		if took := time.Since(begin); took > 11*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// trickle sends a beginning, and then one piece per second until the connection ends.
func trickle(conn net.Conn, beginning, piece string) {
	_, err := io.WriteString(conn, beginning)
	for err == nil {
		_, err = io.WriteString(conn, piece)
		time.Sleep(time.Second)
	}
}

// TestIdleConnection lets a connection idle after a request.
func TestIdleConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, httpd.Options{})
		conn := s.connect(t)
		go func() { _, _ = io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n") }()
		readAnswer(t, conn)
		begin := time.Now()
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF || time.Since(begin) != 2*time.Minute {
			t.Errorf("got %v after %v, want the end after 2 minutes", err, time.Since(begin))
		}
	})
}

// TestSlowBody declares a body and does not send it, or sends it byte by byte.
func TestSlowBody(t *testing.T) {
	for name, head := range map[string]string{
		"declared": "Content-Length: 100",
		"long":     "Content-Length: 100000",
		"chunked":  "Transfer-Encoding: chunked",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, httpd.Options{})
				conn := s.connect(t)
				piece := "{"
				if name == "chunked" {
					piece = "1\r\n{\r\n"
				}
				var client sync.WaitGroup
				client.Go(func() {
					trickle(conn, "PUT /config/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+head+"\r\n\r\n", piece)
				})
				begin := time.Now()
				got := readAnswer(t, conn)
				if got.StatusCode != 408 || !got.Close || !strings.Contains(got.body, "did not come in time") {
					t.Errorf("got %d %s, closed %t", got.StatusCode, got.body, got.Close)
				}
				if took := time.Since(begin); took > 31*time.Second {
					t.Errorf("it took %v", took)
				}
				_ = conn.Close()
				client.Wait()
			})
		})
	}
}

// TestUnreadBody sends a slow body to a handler that does not read it.
func TestUnreadBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, httpd.Options{})
		conn := s.connect(t)
		go func() { _, _ = io.WriteString(conn, "GET /none HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{") }()
		begin := time.Now()
		got := readAnswer(t, conn)
		if _, err := io.ReadAll(conn); got.StatusCode != 404 || err != nil || time.Since(begin) > 31*time.Second {
			t.Errorf("got %d, then %v after %v", got.StatusCode, err, time.Since(begin))
		}
	})
}

// TestSlowReader takes nothing of a long answer, or a little from time to time.
func TestSlowReader(t *testing.T) {
	const length = 1 << 20
	for name, handler := range map[string]http.HandlerFunc{
		"text":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("v", length)) },
		"bytes": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, length)) },
	} {
		for pace, step := range map[string]int{"nothing": 0, "too little": 1 << 10, "enough": 32 << 10} {
			t.Run(name+", "+pace, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := start(t, httpd.Options{REST: handler})
					conn := s.connect(t)
					send(t, conn)
					got := 0
					for buf, err := make([]byte, max(step, 1)), error(nil); got < length && err == nil; {
						time.Sleep(time.Second)
						if step == 0 && len(s.log.with("request")) == 0 {
							continue // until the server has closed it
						}
						var n int
						n, err = io.ReadFull(conn, buf)
						got += n
					}
					if whole := got >= length; whole != (pace == "enough") {
						t.Errorf("%d bytes came", got)
					}
				})
			})
		}
	}
}

// TestSlowReaderOfAnAnswerToABody checks that a request with a body has the same write deadline.
func TestSlowReaderOfAnAnswerToABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, httpd.Options{GraphQL: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			_, _ = w.Write(make([]byte, 1<<20))
		})})
		conn := s.connect(t)
		if _, err := io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(s.log.with("request")) != 1 {
			t.Error("the server still waits for its client")
		}
	})
}

// TestStreamsOutlastTimeLimits opens a stream with a body, and lets it write seldom for longer than
// all timeouts.
func TestStreamsOutlastTimeLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, httpd.Options{GraphQL: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				t.Errorf("reading the body: %v", err)
			}
			for range 3 {
				select {
				case <-time.After(time.Hour):
				case <-r.Context().Done():
					t.Error("the stream was ended")
					return
				}
				if _, err := io.WriteString(w, "x"); err != nil {
					t.Errorf("writing: %v", err)
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Errorf("flushing: %v", err)
				}
			}
		})})
		conn := s.connect(t)
		go func() {
			_, _ = io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
		}()
		if got := readAnswer(t, conn); got.body != "xxx" {
			t.Errorf("got %q", got.body)
		}
	})
}

// TestHijackedConnectionsAreTheirHandlers checks that no timeout applies to a websocket.
func TestHijackedConnectionsAreTheirHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hijacked := make(chan net.Conn, 1)
		s := start(t, httpd.Options{GraphQL: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
			}
			hijacked <- conn
		})})
		conn := s.connect(t)
		go func() {
			_, _ = io.WriteString(conn, "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		}()
		server := <-hijacked
		time.Sleep(time.Hour)
		go func() { _, _ = io.WriteString(server, "still here"); _ = server.Close() }()
		if got, err := io.ReadAll(conn); string(got) != "still here" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if line := s.log.with("request")[0]; line["status"] != 101.0 {
			t.Errorf("logged %v", line)
		}
	})
}

// TestClientDisconnects checks that a disconnect ends the handler's context.
func TestClientDisconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error)
		s := start(t, httpd.Options{REST: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			<-r.Context().Done()
			ended <- r.Context().Err()
		})})
		conn := s.connect(t)
		_, _ = io.WriteString(conn, "PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
		_ = conn.Close()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// TestHostileBytes sends what no client should send. Each row has the bytes and the status of the
// answer.
func TestHostileBytes(t *testing.T) {
	t.Parallel() // net/http keeps some connections open for half a second
	patient, donePatient := serveTCP(t, httpd.Options{})
	hasty, doneHasty := serveTCP(t, httpd.Options{ReadHeaderTimeout: time.Second, BodyTimeout: time.Second})
	const host = "Host: x\r\n"
	for _, row := range []struct {
		name, bytes string
		status      int
	}{
		{"a megabyte of header", "GET / HTTP/1.1\r\n" + host + strings.Repeat("X-Header: "+strings.Repeat("x", 1000)+"\r\n", 1000) + "\r\n", 431},
		{"one long header", "GET / HTTP/1.1\r\n" + host + "X: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", 431},
		{"a long path", "GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\n" + host + "\r\n", 431},
		{"60 KiB of header", "GET /livez HTTP/1.1\r\n" + host + "X: " + strings.Repeat("x", 60<<10) + "\r\n\r\n", 200},
		{"bad escape", "GET /config/a%zz HTTP/1.1\r\n" + host + "\r\n", 400},
		{"half an escape", "GET /config/a% HTTP/1.1\r\n" + host + "\r\n", 400},
		{"NUL in the path", "GET /config/\x00 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"raw bytes in the path", "GET /config/\xff\xfe HTTP/1.1\r\n" + host + "\r\n", 400},
		{"no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		{"HTTP/0.9", "GET /\r\n\r\n", 400},
		{"HTTP/3.0", "GET / HTTP/3.0\r\n" + host + "\r\n", 505},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 421},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"header without a colon", "GET / HTTP/1.1\r\n" + host + "nonsense\r\n\r\n", 400},
		{"line feed in a header", "GET / HTTP/1.1\r\n" + host + "X: a\r\n b\nY\r\n\r\n", 400},
		{"options of all", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 200},
		{"star", "GET * HTTP/1.1\r\n" + host + "\r\n", 404},
		{"connect", "CONNECT elsewhere:443 HTTP/1.1\r\n" + host + "\r\n", 404},
		{"bad chunk", "PUT /config/a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
		{"expectation", "PUT /config/a HTTP/1.1\r\n" + host + "Content-Length: 2\r\nExpect: wonders\r\n\r\n{}", 417},
		{"two lengths", "PUT /config/a HTTP/1.1\r\n" + host + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400},
		{"a megabyte of small headers", "GET / HTTP/1.1\r\n" + host + strings.Repeat("X: y\r\n", 1<<18) + "\r\n", 431},
		{"a space before the colon", "GET / HTTP/1.1\r\n" + host + "Content-Length : 2\r\n\r\n{}", 400},
		{"length and chunks", "PUT /config/a HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n", 400},
		{"chunks twice", "PUT /config/a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
		{"chunks in disguise", "PUT /config/a HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
		{"compressed chunks", "PUT /config/a HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
		{"negative length", "PUT /config/a HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
		{"signed length", "PUT /config/a HTTP/1.1\r\n" + host + "Content-Length: +2\r\n\r\n{}", 400},
		{"length beyond all bounds", "PUT /config/a HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n", 400},
		{"long chunk extension", "PUT /config/a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n2;" + strings.Repeat("x", 1<<20) + "\r\n{}\r\n0\r\n\r\n", 400},
		{"trailer that never ends", "PUT /config/a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\n{}\r\n0\r\nX: " + strings.Repeat("x", 1<<20), 400},
		{"body of 17 MB that waits for a word", "PUT /config/a HTTP/1.1\r\n" + host + "Content-Length: 17825792\r\nExpect: 100-continue\r\n\r\n", 413},
		{"foreign host that waits for a word", "PUT /config/a HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", 421},
		{"two hosts", "GET /config HTTP/1.1\r\n" + host + "Host: evil.example\r\n\r\n", 400},
		{"half a header", "GET / HTTP/1.1\r\nHos", 400},
		{"half a body", "PUT /config/a HTTP/1.1\r\n" + host + "Content-Length: 100\r\n\r\n{", 408},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			address := patient
			if strings.HasPrefix(row.name, "half a ") { // only these wait for a timeout
				address = hasty
			}
			status, body, err := exchangeBytes(t, address, row.bytes)
			for attempt := 1; errors.Is(err, syscall.ECONNRESET) && attempt < 20; attempt++ {
				// net/http closes the connection half a second after it has answered a header that
				// it did not read completely. On a busy machine the answer may be lost by then.
				status, body, err = exchangeBytes(t, address, row.bytes)
			}
			if err != nil || status != row.status {
				t.Errorf("got %d %s, %v, want %d", status, body, err, row.status)
			}
		})
	}
	t.Cleanup(func() { donePatient(); doneHasty() }) // after all parallel rows
}

// exchangeBytes sends bytes on a new connection and reads one answer.
func exchangeBytes(t *testing.T, address, bytes string) (status int, body string, err error) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, bytes) }() // the server may not read all of it
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, "", err
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10)) // for the failure message only
	return response.StatusCode, string(text), nil
}

// serveTCP serves on a free port. done stops the server and waits until all connections are closed.
func serveTCP(t *testing.T, opts httpd.Options) (address string, done func()) {
	t.Helper()
	store := configstoretest.New(t, configstore.Options{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	counted := &countingListener{Listener: listener}
	if opts.Store = store.Store; opts.REST == nil {
		opts.REST = rest.New(store.Store, rest.Options{})
	}
	opts.Guard = mustGuard(t, origin.Options{Hosts: []string{"x", "elsewhere"}})
	opts.Log = slog.New(slog.NewJSONHandler(new(logbook), nil))
	server := httpd.New(opts)
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- server.Serve(ctx, counted) }()
	return listener.Addr().String(), func() {
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("stopping: %v", err)
		}
		counted.open.Wait() // blocks, and fails the test by its timeout, if one stays open
	}
}

// countingListener waits for all its connections to be closed.
type countingListener struct {
	net.Listener
	open sync.WaitGroup
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.open.Add(1)
	return &countedConn{Conn: conn, closed: l.open.Done}, nil
}

type countedConn struct {
	net.Conn
	once   sync.Once
	closed func()
}

func (c *countedConn) Close() error {
	defer c.once.Do(c.closed)
	return c.Conn.Close()
}
