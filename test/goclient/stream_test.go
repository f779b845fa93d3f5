package goclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"configapi/client/rest"
	"configapi/internal/slowtest"
)

// cutting is an answer whose connection breaks after so many bytes.
type cutting struct {
	http.ResponseWriter
	left int
}

func (c *cutting) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		_, _ = c.ResponseWriter.Write(p[:len(p)+c.left])
		panic(http.ErrAbortHandler)
	}
	return c.ResponseWriter.Write(p)
}

func (c *cutting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// mustServe runs a server until the end of the test, and returns a client of it.
func mustServe(t *testing.T, handler http.HandlerFunc) *rest.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := rest.New(rest.Options{URL: server.URL + "/base/"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

var errEnough = errors.New("enough")

// TestStreamOverCuts follows changes over connections that break in the middle of messages, while
// others are made: each change set comes whole, in order and once.
func TestStreamOverCuts(t *testing.T) {
	sets := slowtest.Rounds(60, 600)
	var cuts atomic.Int64
	a := newAPI(t, func(n int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.HasPrefix(r.URL.Path, "/events") {
			cuts.Add(1)
			w = &cutting{w, 500 + rand.IntN(5000)}
		}
		next.ServeHTTP(w, r)
	})
	client := a.client(t, rest.Options{})
	written := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		<-begun
		for i := range sets {
			set := setOf("p/counter", fmt.Sprint(i))
			set.Changes = append(set.Changes, setOf("p/other", fmt.Sprint(i)).Changes[0], setOf("q", fmt.Sprint(i)).Changes[0])
			if _, err := a.client(t, rest.Options{}).Apply(t.Context(), set, rest.NewKey()); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	next, calls := 0, 0
	err := client.Stream(t.Context(), rest.Follow{Prefix: "p"}, func(changes rest.Changes) error {
		if calls++; calls == 1 {
			close(begun)
		}
		if len(changes.Changes) == 0 {
			return nil
		}
		if len(changes.Changes) != 2 || *changes.Changes[0].Value != fmt.Sprint(next) || *changes.Changes[1].Value != fmt.Sprint(next) {
			return fmt.Errorf("got %+v, want both changes of set %d", changes, next)
		}
		if next++; next == sets {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Error(err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	t.Logf("%d change sets over %d connections", sets, cuts.Load())
	if cuts.Load() < int64(sets/12) {
		t.Errorf("only %d connections", cuts.Load())
	}
}

// TestStreamThatMayNotGoOn: what a server refuses for good ends a stream, and what passes does not.
func TestStreamThatMayNotGoOn(t *testing.T) {
	problem := func(w http.ResponseWriter, status int, code string) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"detail":"it says so","code":%q}`, code)
	}
	events := func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		w.Header().Set("Config-Position", "1-00000001")
		_, _ = io.WriteString(w, text)
	}
	var after []string
	client := mustServe(t, func(w http.ResponseWriter, r *http.Request) {
		after = append(after, r.URL.Query().Get("after"))
		switch len(after) {
		case 1:
			events(w, ":\n\nevent: changes\nid: 2-00000002\ndata: {\"changes\":[{\"name\":\"a\"}],\"position\":\"2-00000002\"}\n\nevent: changes\ndata: {\"changes\":[{\"na")
		case 2:
			problem(w, 503, "UNAVAILABLE")
		case 3:
			w.WriteHeader(http.StatusBadGateway) // of a proxy
		case 4:
			events(w, "event: error\ndata: {\"detail\":\"the rights\",\"code\":\"FORBIDDEN\"}\n\n")
		case 5:
			events(w, "\r\nevent:changes\r\ndata:{\"changes\":[],\r\ndata:\"position\":\"3-00000003\"}\r\n\r\n")
		default:
			problem(w, 400, "POSITION_UNKNOWN")
		}
	})
	var got, lost []string
	err := client.Stream(t.Context(), rest.Follow{Lost: func(e *rest.Error, pause time.Duration) {
		lost = append(lost, e.Code)
		if pause <= 0 || pause > 15*time.Second {
			t.Errorf("a pause of %v", pause)
		}
	}}, func(c rest.Changes) error {
		got = append(got, fmt.Sprintf("%s:%d", c.Position, len(c.Changes)))
		return nil
	})
	mustFail(t, err, rest.Refused, "POSITION_UNKNOWN")
	if want := "[1-00000001:0 2-00000002:1 3-00000003:0]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if want := "[ 2-00000002 2-00000002 2-00000002 2-00000002 3-00000003]"; fmt.Sprint(after) != want {
		t.Errorf("it was asked for what comes after %v, want %s", after, want)
	}
	if want := "[ UNAVAILABLE  FORBIDDEN ]"; fmt.Sprint(lost) != want {
		t.Errorf("it was lost for %q", lost)
	}
}

// TestStreamThatDoesNotBegin is an error at once, so that a wrong address is seen.
func TestStreamThatDoesNotBegin(t *testing.T) {
	never := func(rest.Changes) error { return errors.New("it has begun") }
	a := newAPI(t, asUsual)
	client := a.client(t, rest.Options{})
	mustFail(t, client.Stream(t.Context(), rest.Follow{After: "7-00c0ffee"}, never), rest.Refused, "POSITION_UNKNOWN")
	foreign := mustServe(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })
	mustFail(t, foreign.Stream(t.Context(), rest.Follow{}, never), rest.Failed, "")
	a.Server.Close()
	mustFail(t, a.client(t, rest.Options{}).Stream(t.Context(), rest.Follow{}, never), rest.NotSent, "")
}

// TestStreamEndsWithItsContext also while it waits to begin again.
func TestStreamEndsWithItsContext(t *testing.T) {
	client := newAPI(t, func(_ int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&cutting{w, 10}, r)
	}).client(t, rest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	err := client.Stream(ctx, rest.Follow{Lost: func(*rest.Error, time.Duration) { cancel() }},
		func(rest.Changes) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
