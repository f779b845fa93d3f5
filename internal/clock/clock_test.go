package clock_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/clock"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// wall is a wall clock that the test sets.
type wall struct{ ahead atomic.Int64 }

func (w *wall) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

func (w *wall) set(ahead time.Duration) { w.ahead.Store(int64(ahead)) }

// onServer is an event store on a server whose clock is right.
type onServer struct {
	eventstore.Store
	err error
}

func (s *onServer) Now(context.Context) (time.Time, error) { return time.Now(), s.err }

func TestAgainstTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, w := &onServer{Store: memory.New()}, new(wall)
		c := clock.New(server, w.now)
		if ahead, certain := c.Ahead(); ahead != 0 || certain || !c.HasServer() {
			t.Errorf("before the server has answered: %v ahead, certain: %t", ahead, certain)
		}
		w.set(time.Hour)
		if err := c.Ask(t.Context()); err != nil {
			t.Fatal(err)
		}
		if ahead, certain := c.Ahead(); ahead != time.Hour || !certain {
			t.Errorf("%v ahead, certain: %t, want an hour for certain", ahead, certain)
		}
		if got := c.NotAhead(); !got.Equal(time.Now()) {
			t.Errorf("NotAhead() = %v, want %v", got, time.Now())
		}
		w.set(-time.Hour)
		if ahead, certain := c.Ahead(); ahead != -time.Hour || certain {
			t.Errorf("after the clock was set: %v ahead, certain: %t, want -1h and uncertain, so that the server is asked", ahead, certain)
		}
		server.err = errors.New("unreachable")
		if err := c.Ask(t.Context()); !errors.Is(err, server.err) || c.Offset() != time.Hour {
			t.Errorf("got %v and an offset of %v, want the error and the last answer", err, c.Offset())
		}
		server.err = nil
		if err := c.Ask(t.Context()); err != nil || c.Offset() != -time.Hour || c.Jump() != 0 {
			t.Errorf("got %v, an offset of %v and a jump of %v", err, c.Offset(), c.Jump())
		}
		if got := c.NotAhead(); !got.Equal(w.now()) {
			t.Errorf("NotAhead() = %v, want the wall clock, which is behind", got)
		}
	})
}

func TestWithoutAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(wall)
		c := clock.New(memory.New(), w.now)
		for _, step := range []struct{ set, want time.Duration }{
			{time.Minute, 0}, {time.Minute + time.Second, time.Minute + time.Second}, {-time.Hour, -time.Hour}, {0, 0}, {time.Hour, time.Hour},
		} {
			w.set(step.set)
			if got := c.Jump(); got != step.want {
				t.Errorf("set to %v: a jump of %v, want %v", step.set, got, step.want)
			}
		}
		if err := c.Ask(t.Context()); err != nil || c.HasServer() || c.Offset() != 0 {
			t.Errorf("got %v, an offset of %v, want no server", err, c.Offset())
		}
		if got := c.NotAhead(); !got.Equal(time.Now()) {
			t.Errorf("NotAhead() = %v, want %v", got, time.Now())
		}
		time.Sleep(time.Hour + time.Second)
		if got := c.Jump(); got != 0 {
			t.Errorf("an hour later: a jump of %v, want the clock to be taken for right", got)
		}
	})
}
