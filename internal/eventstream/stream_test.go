package eventstream_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/eventstream"
)

// recorder is a response that knows what was flushed.
type recorder struct {
	*httptest.ResponseRecorder
	flushed         int // bytes
	writes, flushes int // how often

	// Calls of one kind may fail from some number on.
	failing string // "write" or "flush"
	from    int
}

func newRecorder() *recorder { return &recorder{ResponseRecorder: httptest.NewRecorder()} }

var errBroken = errors.New("broken pipe")

func (r *recorder) Write(p []byte) (int, error) {
	if r.writes++; r.failing == "write" && r.writes >= r.from {
		return 0, errBroken
	}
	return r.ResponseRecorder.Write(p)
}

func (r *recorder) WriteString(s string) (int, error) { return r.Write([]byte(s)) }

func (r *recorder) FlushError() error {
	if r.flushes++; r.failing == "flush" && r.flushes >= r.from {
		return errBroken
	}
	r.flushed = r.Body.Len()
	return nil
}

// want compares all that was flushed so far.
func (r *recorder) want(t *testing.T, text string) {
	t.Helper()
	if got := r.Body.String()[:r.flushed]; got != text {
		t.Errorf("got %q, want %q", got, text)
	}
}

func TestStream(t *testing.T) {
	w := newRecorder()
	stream, ctx := eventstream.Open(t.Context(), w, time.Hour)
	w.want(t, ":\n\n")
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	w.Body.Reset()
	for _, e := range []eventstream.Event{
		{Type: "changes", ID: "1-3e9191d5", Data: []byte(`{"a":1}`)},
		{Type: "next", Data: []byte(`{}`)},
		{Type: "complete"},
		{},
	} {
		if err := stream.Send(e); err != nil {
			t.Error(err)
		}
	}
	w.want(t, "event: changes\nid: 1-3e9191d5\ndata: {\"a\":1}\n\n"+"event: next\ndata: {}\n\n"+"event: complete\ndata: \n\n"+":\n\n")
	if ctx.Err() != nil {
		t.Error("the context of a stream that is open has ended")
	}
	stream.Close()
	if err := stream.Send(eventstream.Event{Type: "after"}); err == nil || ctx.Err() == nil {
		t.Errorf("closed: got %v, context %v", err, ctx.Err())
	}
}

func TestComments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRecorder()
		stream, _ := eventstream.Open(t.Context(), w, eventstream.DefaultCommentInterval)
		time.Sleep(44 * time.Second)
		synctest.Wait()
		w.want(t, ":\n\n:\n\n:\n\n") // at the beginning, after 15 s and after 30 s
		stream.Close()
		time.Sleep(time.Hour)
		synctest.Wait()
		w.want(t, ":\n\n:\n\n:\n\n")
	})
}

// TestFailedWriteEndsTheStream fails at the first comment, in the middle of an event, and at a
// later comment.
func TestFailedWriteEndsTheStream(t *testing.T) {
	for _, c := range []struct {
		failing string
		from    int
		send    bool
	}{
		{"write", 1, true},
		{"flush", 1, true},
		{"write", 2, true},
		{"write", 3, true},
		{"write", 4, true},
		{"flush", 2, true},
		{"write", 2, false},
		{"flush", 2, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newRecorder()
			w.failing, w.from = c.failing, c.from
			stream, ctx := eventstream.Open(t.Context(), w, time.Second)
			if c.send {
				if err := stream.Send(eventstream.Event{Type: "next", Data: []byte("{}")}); err != errBroken {
					t.Errorf("%+v: got %v", c, err)
				}
			} else {
				time.Sleep(time.Second)
				synctest.Wait()
			}
			if ctx.Err() == nil {
				t.Errorf("%+v: the context goes on", c)
			}
			writes, flushes := w.writes, w.flushes
			time.Sleep(time.Minute)
			synctest.Wait()
			if err := stream.Send(eventstream.Event{Type: "next"}); err != errBroken || w.writes != writes || w.flushes != flushes {
				t.Errorf("%+v: later: got %v after %d more writes and %d more flushes", c, err, w.writes-writes, w.flushes-flushes)
			}
			stream.Close()
		})
	}
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := eventstream.NewStreams()
		left, leave := context.WithCancel(t.Context())
		first, endFirst, ok := streams.Begin(left)
		second, endSecond, ok2 := streams.Begin(t.Context())
		if !ok || !ok2 {
			t.Fatal("no stream may begin")
		}
		leave()
		if first.Err() == nil || second.Err() != nil {
			t.Errorf("a client left: %v; another did not: %v", first.Err(), second.Err())
		}
		endFirst()
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := streams.Shutdown(impatient); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v while a stream goes on", err)
		}
		synctest.Wait()
		if second.Err() == nil {
			t.Error("the context of the stream did not end")
		}
		if _, _, ok := streams.Begin(t.Context()); ok {
			t.Error("a stream could begin")
		}
		endSecond()
		if err := streams.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestOverHTTP shows that a server's response can be streamed and that what was sent is there
// before the stream ends.
func TestOverHTTP(t *testing.T) {
	proceed := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream, _ := eventstream.Open(r.Context(), w, time.Hour)
		defer stream.Close()
		<-proceed
		_ = stream.Send(eventstream.Event{Type: "next", Data: []byte("1")})
		<-proceed
	}))
	defer server.Close()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for _, want := range []string{":\n\n", "event: next\ndata: 1\n\n"} {
		got := make([]byte, len(want))
		if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
		proceed <- struct{}{}
	}
}
