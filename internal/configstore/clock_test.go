package configstore_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/fault"
)

// wallClock is a clock that the test sets.
type wallClock struct{ ahead atomic.Int64 }

func (c *wallClock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *wallClock) set(ahead time.Duration) { c.ahead.Store(int64(ahead)) }

// onServer is an event store on a server whose clock is right.
type onServer struct {
	*configstoretest.Faulty
	unreachable atomic.Bool
}

func (s *onServer) Now(context.Context) (time.Time, error) {
	if s.unreachable.Load() {
		return time.Time{}, configstoretest.ErrUnreachable
	}
	return time.Now(), nil
}

// TestClockAheadOfTheServers sets this node's clock. More than a minute ahead, writes are refused
// at once and not only after the next comparison. Once the clock is right, writes go on by
// themselves.
func TestClockAheadOfTheServers(t *testing.T) {
	for _, row := range []struct {
		ahead   time.Duration
		refused bool
		warned  bool
	}{
		{0, false, false},
		{2 * time.Second, false, false},
		{3 * time.Second, false, true},
		{time.Minute, false, true},
		{61 * time.Second, true, true},
		{time.Hour, true, true},
		{-time.Hour, false, true},
	} {
		for _, when := range []string{"at start", "later", "later, when the server's clock cannot be asked"} {
			t.Run(row.ahead.String()+" "+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					clock, events, log := new(wallClock), &onServer{Faulty: configstoretest.NewFaulty()}, newLog()
					if when == "at start" {
						clock.set(row.ahead)
					}
					store := configstoretest.On(t, events, configstore.Options{Now: clock.now, Log: log.logger})
					if when != "at start" {
						store.MustSet(t, "before", "x")
						clock.set(row.ahead)
					}
					events.unreachable.Store(strings.Contains(when, "cannot"))
					before := len(events.Appends())
					_, err := store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, "a", "1")))
					if (err != nil) != row.refused || len(events.Appends())-before != 1-one(row.refused) {
						t.Errorf("a write: got error %v and %d appends, want it refused: %t", err, len(events.Appends())-before, row.refused)
					}
					if row.refused {
						configstoretest.MustBeKind(t, err, fault.Unavailable, false)
						if want := "nothing was written: this server's clock is more than a minute ahead"; !strings.Contains(err.Error(), want) {
							t.Errorf("a write: got error %v, want %q", err, want)
						}
					}
					if got := store.Health(t.Context()); errors.Is(got.Writing, fault.ErrClockAhead) != row.refused || got.OK() == row.refused {
						t.Errorf("health: got %+v, want a problem: %t", got, row.refused)
					}
					events.unreachable.Store(false)
					time.Sleep(10 * time.Second) // until the next comparison
					if warned := log.has("the clock is wrong"); warned != row.warned {
						t.Errorf("the log has a warning: %t, want %t", warned, row.warned)
					}
					clock.set(0)
					store.MustSet(t, "b", "1")
					time.Sleep(10 * time.Second)
					if got := store.Health(t.Context()); !got.OK() || got.ClockOffset != 0 {
						t.Errorf("health after the clock was set right: got %+v", got)
					}
				})
			})
		}
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestClockThatJumps has no server to compare the clock with. An idle node and a clock with a small
// error make no jump.
func TestClockThatJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock, log := new(wallClock), newLog()
		store := configstoretest.On(t, memory.New(), configstore.Options{Now: clock.now, Log: log.logger})
		want := func(when string, jump, ahead time.Duration) {
			t.Helper()
			time.Sleep(10 * time.Second)
			got := store.Health(t.Context())
			near := (got.HeadAhead-ahead).Abs() <= 20*time.Second && (got.HeadAhead == 0) == (ahead == 0)
			if got.ClockJump != jump || !near || !got.OK() {
				t.Errorf("%s: got %+v, want a jump of %v and the head about %v ahead, and else all well", when, got, jump, ahead)
			}
			if warned := log.has("the clock is wrong"); warned != (jump != 0 || ahead != 0) {
				t.Errorf("%s: the log has a warning: %t", when, warned)
			}
			log.clear()
		}
		store.MustSet(t, "a", "1")
		want("at first", 0, 0)
		time.Sleep(100 * time.Hour)
		want("idle", 0, 0)
		clock.set(50 * time.Second)
		want("a little ahead", 0, 0)
		clock.set(0)
		clock.set(time.Hour)
		want("an hour ahead", time.Hour, 0)
		store.MustSet(t, "b", "1")
		clock.set(0)
		want("set back after a write", 0, time.Hour)
		time.Sleep(2 * time.Hour)
		if !log.has("the clock is right again") {
			t.Error("the log does not have the end")
		}
		log.clear()
		want("when the time of the event has come", 0, 0)
		clock.set(-time.Hour)
		want("an hour behind", -time.Hour, 0)
		time.Sleep(2 * time.Hour)
		log.clear()
		want("long after", 0, 0)
	})
}

// TestReceiptsHaveThePlainTime gives one event a time an hour ahead. Receipts are removed in time
// all the same.
func TestReceiptsHaveThePlainTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := new(wallClock)
		store := configstoretest.New(t, configstore.Options{Now: clock.now})
		clock.set(100 * time.Hour)
		store.MustSet(t, "a", "1")
		clock.set(0)
		began := time.Now()
		if _, err := store.Do(t.Context(), auth.Anonymous, configstoretest.SetOnce(t, "b", "1", "k")); err != nil {
			t.Fatal(err)
		}
		key := []eventstore.Key{{Text: "k"}}
		receipts, err := store.Events.ReadReceipts(t.Context(), key)
		if err != nil || len(receipts) != 1 || receipts[0].CreatedAt.Sub(began).Abs() > time.Second {
			t.Errorf("got receipts %+v, %v, want one of %v", receipts, err, began)
		}
		time.Sleep(26 * time.Hour)
		if receipts, err := store.Events.ReadReceipts(t.Context(), key); err != nil || len(receipts) != 0 {
			t.Errorf("after a day and more: got %+v, %v, want no receipt", receipts, err)
		}
	})
}

// TestClockAheadKeepsReceipts sets the clock ahead by more than receipts are kept.
func TestClockAheadKeepsReceipts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := new(wallClock)
		store := configstoretest.New(t, configstore.Options{Now: clock.now})
		cmd := configstoretest.SetOnce(t, "a", "1", "k")
		if _, err := store.Do(t.Context(), auth.Anonymous, cmd); err != nil {
			t.Fatal(err)
		}
		clock.set(48 * time.Hour)
		time.Sleep(30 * time.Minute)
		if _, err := store.Do(t.Context(), auth.Anonymous, cmd); err != nil {
			t.Fatal(err)
		}
		configstoretest.MustHaveHistory(t, store.Events, "a=1")
	})
}

// lines are the lines of a log.
type lines struct {
	logger *slog.Logger
	mu     sync.Mutex
	text   bytes.Buffer
}

func newLog() *lines {
	l := new(lines)
	l.logger = slog.New(slog.NewTextHandler(l, nil))
	return l
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

func (l *lines) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

// TestClockThatIsSetWhileTheServerIsAsked sets the clock right before the server answers: writes go
// on.
func TestClockThatIsSetWhileTheServerIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock, events := new(wallClock), &onServer{Faulty: configstoretest.NewFaulty()}
		clock.set(time.Hour)
		store := configstoretest.On(t, &setWhileAsked{onServer: events, clock: clock}, configstore.Options{Now: clock.now})
		store.MustSet(t, "a", "1")
		if got := store.Health(t.Context()); got.ClockOffset != 0 {
			t.Errorf("got an offset of %v", got.ClockOffset)
		}
	})
}

// setWhileAsked is an event store on a server. This node's clock is set right while it asks for the
// server's time.
type setWhileAsked struct {
	*onServer
	clock *wallClock
}

func (s *setWhileAsked) Now(ctx context.Context) (time.Time, error) {
	s.clock.set(0)
	return s.onServer.Now(ctx)
}
