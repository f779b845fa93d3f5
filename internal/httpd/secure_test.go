package httpd_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/budget"
	"configapi/internal/certificate/certificatetest"
	"configapi/internal/eventstream"
	"configapi/internal/httpd"
)

// startTLS is start with a certificate. It returns what clients need.
func startTLS(t testing.TB, opts httpd.Options) (*running, *tls.Config) {
	t.Helper()
	ca := certificatetest.NewAuthority(t)
	pair := ca.Issue(t, time.Hour)
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	opts.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil }
	return start(t, opts), ca.Client()
}

// http2 returns a client whose requests share connections.
func (s *running) http2(t testing.TB, config *tls.Config) *http.Client {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: config, ForceAttemptHTTP2: true,
		HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10},
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			if conn := s.listener.dial(); conn != nil {
				return conn, nil
			}
			return nil, net.ErrClosed
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func mustGet(t testing.TB, client *http.Client, path string, header http.Header) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://localhost"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	if answer.ProtoMajor != 2 {
		t.Fatalf("got %s, want HTTP/2", answer.Proto)
	}
	return answer
}

// TestASilentHandshakeIsCut opens connections that send nothing, and half a record.
func TestASilentHandshakeIsCut(t *testing.T) {
	for _, sent := range []string{"", "\x16\x03\x01\x02\x00\x01"} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := startTLS(t, httpd.Options{})
			conn, begin := s.connect(t), time.Now()
			go func() { _, _ = io.WriteString(conn, sent) }()
			_, _ = io.Copy(io.Discard, conn)
			if took := time.Since(begin); took != 10*time.Second {
				t.Errorf("after %q the connection was closed after %v, want 10 s", sent, took)
			}
		})
	}
}

// TestFailedHandshakesAreLoggedTogether has strangers who speak plain HTTP.
func TestFailedHandshakesAreLoggedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := startTLS(t, httpd.Options{})
		for i := range 101 {
			if i == 100 {
				time.Sleep(10 * time.Second)
			}
			if got := s.askRaw(t, "GET / HTTP/1.1\nHost: x\n"); got.StatusCode != http.StatusBadRequest || !strings.Contains(got.body, "HTTPS") {
				t.Fatalf("got %s: %s", got.Status, got.body)
			}
		}
		synctest.Wait()
		lines := s.log.with("TLS handshakes failed")
		if len(lines) != 2 || lines[1]["failed_since_last_line"] != 100. {
			t.Errorf("got %v, want two lines, the second about 100", lines)
		}
	})
}

// TestAConnectionTooManyGetsAnAlert cannot get a text.
func TestAConnectionTooManyGetsAnAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, config := startTLS(t, httpd.Options{MaxConnections: 1})
		first := s.connect(t)
		const alert = "\x15\x03\x01\x00\x02\x02\x50" // a record of version 1.0: fatal, internal_error
		if got, err := io.ReadAll(s.connect(t)); err != nil || string(got) != alert {
			t.Errorf("got %q, %v, want an alert", got, err)
		}
		_ = first.Close()
		synctest.Wait()
		third := tls.Client(s.connect(t), config)
		if err := third.Handshake(); err != nil {
			t.Errorf("got %v once the first was closed", err)
		}
		_ = third.NetConn().Close()
	})
}

// TestAHeaderWithoutMemoryBreaksNoTLS fills the memory of headers: nothing that is no TLS is sent.
func TestAHeaderWithoutMemoryBreaksNoTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		headers := budget.New(budget.Options{Bytes: 1})
		s, config := startTLS(t, httpd.Options{Headers: headers})
		conn := tls.Client(s.connect(t), config)
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nA: "+strings.Repeat("a", 32<<10)) }()
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v, want the end of the connection", err)
		}
	})
}

// TestAHeaderOfHTTP2ReservesMemory answers a long header without memory with 503, and then a short
// one over the same connection.
func TestAHeaderOfHTTP2ReservesMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		headers := budget.New(budget.Options{Bytes: 200 << 10})
		s, config := startTLS(t, httpd.Options{Headers: headers, REST: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/open" {
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}
		})})
		client := s.http2(t, config)
		long := http.Header{"A": {strings.Repeat("a", 32<<10)}}
		if answer := mustGet(t, client, "/", long); answer.StatusCode != http.StatusOK {
			t.Errorf("got %s for a long header, want 200", answer.Status)
		}
		open := mustGet(t, client, "/open", nil) // without it, the connection would be closed
		other := headers.Reservation()
		other.Force(200 << 10)
		if answer := mustGet(t, client, "/", long); answer.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("got %s for a long header without memory, want 503", answer.Status)
		}
		if answer := mustGet(t, client, "/", nil); answer.StatusCode != http.StatusOK {
			t.Errorf("got %s for a short header, want 200", answer.Status)
		}
		other.Release()
		_ = open.Body.Close()
		synctest.Wait()
		if held := headers.Held(); held != 0 {
			t.Errorf("%d bytes are held after the last answer", held)
		}
	})
}

// TestRequestsOfAConnectionAtOnce checks that each has its own id, and counts as a connection.
func TestRequestsOfAConnectionAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := newWaiting()
		s, config := startTLS(t, httpd.Options{REST: handler, MaxConnections: 2})
		client := s.http2(t, config)
		var asked sync.WaitGroup
		for _, id := range []string{"first-request", "second-request"} {
			asked.Go(func() {
				answer := mustGet(t, client, "/", http.Header{"X-Request-Id": {id}})
				if got := answer.Header.Get("X-Request-Id"); got != id || answer.StatusCode != http.StatusOK {
					t.Errorf("got %s with the id %q, want %q", answer.Status, got, id)
				}
			})
			<-handler.entered
		}
		if answer := mustGet(t, client, "/", nil); answer.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("got %s for a third request, want 503", answer.Status)
		}
		close(handler.proceed)
		asked.Wait()
		synctest.Wait()
		if answer := mustGet(t, client, "/livez", nil); answer.StatusCode != http.StatusOK {
			t.Errorf("got %s for a request after them, want 200", answer.Status)
		}
	})
}

// endless streams events of 32 KiB, and says how a stream ended.
type endless struct{ ended chan error }

func (h endless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/slow" {
		defer func() { h.ended <- r.Context().Err() }()
	}
	// without comments, which wait for a mutex, so that the fake time would stand still
	stream, ctx := eventstream.Open(r.Context(), w, time.Hour)
	defer stream.Close()
	for ctx.Err() == nil {
		_ = stream.Send(eventstream.Event{Type: "next", Data: bytes.Repeat([]byte("a"), 32<<10)}) // an error ends ctx
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// TestASlowStreamHoldsNoOther has a client that does not read one of two streams of a connection:
// the write deadline ends that one alone.
func TestASlowStreamHoldsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := endless{make(chan error, 1)}
		s, config := startTLS(t, httpd.Options{REST: handler})
		client := s.http2(t, config)
		begin := time.Now()
		mustGet(t, client, "/slow", nil) // is not read
		quick := bufio.NewReader(mustGet(t, client, "/quick", nil).Body)
		for ended := false; !ended; {
			for range 10 {
				if _, err := quick.ReadString('\n'); err != nil {
					t.Fatalf("the stream that is read ended with %v", err)
				}
			}
			select {
			case err := <-handler.ended:
				ended = true
				if took := time.Since(begin); took < 10*time.Second || took > 15*time.Second {
					t.Errorf("the slow stream ended after %v with %v, want that after 10 s", took, err)
				}
			default:
			}
			if time.Since(begin) > time.Minute {
				t.Fatal("the slow stream never ended")
			}
		}
		for range 1000 {
			if _, err := quick.ReadString('\n'); err != nil {
				t.Fatalf("the stream that is read ended with %v after the other", err)
			}
		}
	})
}

// TestAConnectionThatTakesNothingIsCut stops reading the connection itself, below two streams.
func TestAConnectionThatTakesNothingIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := endless{make(chan error, 1)}
		s, config := startTLS(t, httpd.Options{REST: handler})
		config.NextProtos = []string{"h2"}
		conn := tls.Client(s.connect(t), config)
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		const preface, settings = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
		// GET https://localhost/slow, in HPACK without compression
		const fields = "\x82\x87\x04\x05/slow\x41\x09localhost"
		begin := time.Now()
		go func() {
			_, _ = io.WriteString(conn, preface+settings+"\x00\x00"+string(rune(len(fields)))+"\x01\x05\x00\x00\x00\x01"+fields)
		}()
		synctest.Wait()
		select {
		case <-handler.ended:
		case <-time.After(time.Minute):
			t.Error("the stream never ended")
		}
		if took := time.Since(begin); took < 10*time.Second || took > 25*time.Second {
			t.Errorf("the stream ended after %v, want about the 10 s of a write", took)
		}
	})
}
