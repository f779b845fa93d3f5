package httpd_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/httpd"
)

// waiting is a handler that waits for a signal or the end of its request's context.
type waiting struct {
	entered, proceed chan struct{}
}

func newWaiting() *waiting { return &waiting{make(chan struct{}), make(chan struct{})} }

func (h *waiting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.entered <- struct{}{}
	select {
	case <-h.proceed:
		_, _ = io.WriteString(w, "done")
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

// send sends a GET and does not read the answer.
func send(t testing.TB, conn net.Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Error(err)
	}
}

// TestShutdown stops a server with one open request, idle connections, and an unused one.
func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := newWaiting()
		hooked := make(chan struct{})
		s := start(t, httpd.Options{REST: handler, Shutdown: []func(context.Context) error{
			func(ctx context.Context) error {
				if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 8*time.Second || ctx.Err() != nil {
					t.Errorf("a hook got until %v, %v", deadline, ctx.Err())
				}
				close(hooked)
				return nil
			},
		}})
		busy, idle, silent := s.connect(t), s.connect(t), s.connect(t)
		go func() { _, _ = io.WriteString(idle, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n") }()
		readAnswer(t, idle)
		send(t, busy)
		<-handler.entered

		begin := time.Now()
		s.stop()
		<-hooked // before the request ends: a stream may end because of the hook
		for name, conn := range map[string]net.Conn{"idle": idle, "silent": silent} {
			if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("the %s connection: %v", name, err)
			}
		}
		if conn := s.listener.dial(); conn != nil {
			t.Error("the server still takes connections")
		}
		synctest.Wait()
		select {
		case err := <-s.stopped:
			t.Fatalf("stopped before its request was answered: %v", err)
		default:
		}

		close(handler.proceed)
		if got := readAnswer(t, busy); got.body != "done" || !got.Close {
			t.Errorf("got %q, closed %t", got.body, got.Close)
		}
		if err := s.wait(); err != nil {
			t.Errorf("stopping: %v", err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}

// TestShutdownThatTakesTooLong cuts requests that do not end.
func TestShutdownThatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := newWaiting()
		s := start(t, httpd.Options{REST: handler})
		conn := s.connect(t)
		send(t, conn)
		<-handler.entered
		begin := time.Now()
		err := s.wait()
		if took := time.Since(begin); took != 8*time.Second {
			t.Errorf("it took %v, want 8 s", took)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "cut off after 8s") {
			t.Errorf("got %v", err)
		}
		if got, err := io.ReadAll(conn); len(got) > 0 || err != nil {
			t.Errorf("got %q, %v, want the end", got, err)
		}
	})
}

// TestShutdownCutsOffReaders has clients that read nothing, and a handler that ignores its context.
func TestShutdownCutsOffReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, httpd.Options{WriteTimeout: time.Hour, REST: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 1<<20))
		})})
		send(t, s.connect(t))
		synctest.Wait()
		begin := time.Now()
		if err := s.wait(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if took := time.Since(begin); took != 8*time.Second || len(s.log.with("request")) != 1 {
			t.Errorf("after %v these requests are through: %v", took, s.log.with("request"))
		}
	})
}

func TestShutdownReportsHooksThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := errors.New("sockets stayed open")
		s := start(t, httpd.Options{Shutdown: []func(context.Context) error{
			func(context.Context) error { return failed },
			func(ctx context.Context) error { return ctx.Err() },
		}})
		if err := s.wait(); !errors.Is(err, failed) {
			t.Errorf("got %v", err)
		}
	})
}

// TestListenerFails has a listener whose Accept fails.
func TestListenerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, httpd.Options{})
		conn := s.connect(t)
		synctest.Wait()
		begin := time.Now()
		_ = s.listener.Close()
		if err := <-s.stopped; !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), "serving HTTP") {
			t.Errorf("got %v", err)
		}
		s.stopped <- nil
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF || time.Since(begin) > 0 {
			t.Errorf("the connection ended with %v after %v, want at once", err, time.Since(begin))
		}
	})
}
