package configstore_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		store.MustSet(t, "a", "1")
		if got := store.Health(t.Context()); !got.OK() || got != wellAt(store, 1) {
			t.Errorf("got %+v, want all to be well at position 1", got)
		}

		hanging := configstoretest.Hooks{
			Head: func(ctx context.Context) (eventstore.Head, error) {
				<-ctx.Done()
				return eventstore.Head{}, ctx.Err()
			},
		}
		events.SetHooks(hanging)
		began := time.Now()
		got := store.Health(t.Context())
		if took := time.Since(began); took != time.Second || got.OK() || !errors.Is(got.EventStore, context.DeadlineExceeded) || got.Applied != 1 || got.Head != 0 {
			t.Errorf("after %v: got %+v, want the event store to be given up after 1s", took, got)
		}

		events.SetHooks(configstoretest.Unreachable())
		configstoretest.SetElsewhere(t, events, "b") // wakes the follower
		time.Sleep(time.Second)
		if got = store.Health(t.Context()); !errors.Is(got.EventStore, configstoretest.ErrUnreachable) || !errors.Is(got.Projection, configstoretest.ErrUnreachable) || got.OK() {
			t.Errorf("got %+v, want event store and projection to fail", got)
		}
		events.SetHooks(configstoretest.Hooks{})
		time.Sleep(5 * time.Second)
		if got = store.Health(t.Context()); got != wellAt(store, 2) {
			t.Errorf("got %+v, want all to be well at position 2", got)
		}
	})
}

// wellAt returns the health of a store to which nothing is wrong.
func wellAt(store *configstoretest.Store, seq int64) configstore.Health {
	return configstore.Health{Applied: seq, Head: seq, Verified: store.Reader(auth.Anonymous).Head().Position()}
}

// TestLag has other nodes write what this one cannot read.
func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tick := func(ctx context.Context, _ eventstore.Seq) error {
			select {
			case <-time.After(500 * time.Millisecond):
			case <-ctx.Done():
			}
			return ctx.Err()
		}
		events := configstoretest.NewFaulty()
		events.SetHooks(configstoretest.Hooks{Wait: tick})
		store := configstoretest.On(t, events, configstore.Options{})
		stuck := configstoretest.Hooks{Wait: tick, Read: func(ctx context.Context, _ eventstore.Seq, _ eventstore.Limit) ([]eventstore.Record, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		store.MustSet(t, "a", "1")
		synctest.Wait()
		time.Sleep(time.Hour) // nothing happens, so the node is not behind
		if got := store.Health(t.Context()); got != wellAt(store, 1) {
			t.Errorf("got %+v, want all to be well", got)
		}

		began := time.Now()
		events.SetHooks(stuck)
		configstoretest.SetElsewhere(t, events, "b", "c")
		synctest.Wait()
		for _, after := range []time.Duration{4 * time.Second, 6 * time.Second} {
			time.Sleep(time.Until(began.Add(after)))
			got := store.Health(t.Context())
			if behind := errors.Is(got.Projection, configstore.ErrBehind); got.Positions() == 0 || got.Lag < after || got.Lag > after+time.Second || behind != (after > 5*time.Second) {
				t.Errorf("after %v: got %+v", after, got)
			}
		}
	})
}

// ticking is an event store on a server whose clock differs from the node's.
type ticking struct {
	*configstoretest.Faulty
	offset time.Duration
}

func (s ticking) Now(context.Context) (time.Time, error) {
	time.Sleep(100 * time.Millisecond)
	now := time.Now().Add(s.offset)
	time.Sleep(100 * time.Millisecond)
	return now, nil
}

func TestClockOffset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for offset, want := range map[time.Duration]time.Duration{
			0:                0,
			time.Second / 20: 0, // less than the question took
			3 * time.Second:  -2900 * time.Millisecond,
			-3 * time.Second: 2900 * time.Millisecond,
		} {
			store := configstoretest.On(t, ticking{configstoretest.NewFaulty(), offset}, configstore.Options{})
			if got := store.Health(t.Context()); got.ClockOffset != want || !got.OK() {
				t.Errorf("a server %v before: got %+v, want %v", offset, got, want)
			}
		}
	})
}

func TestHealthBeforeTheHistoryIsRead(t *testing.T) {
	store := configstore.New(configstoretest.NewFaulty(), configstore.Options{})
	if got := store.Health(t.Context()); !errors.Is(got.Projection, fault.ErrNotReady) || got.EventStore != nil || got.OK() {
		t.Errorf("got %+v, want the projection not to be ready", got)
	}
}

// TestErrorsSayWhatIsKnown shows that the texts of errors say what clients need, and nothing of the
// cause.
func TestErrorsSayWhatIsKnown(t *testing.T) {
	events := configstoretest.NewFaulty()
	store := configstoretest.On(t, events, configstore.Options{})
	store.MustSet(t, "a", "1")
	r := store.Reader(auth.Anonymous)
	events.SetHooks(configstoretest.Unreachable())
	_, _, read := r.History(t.Context(), configstoretest.Name(t, "a"), 0, 1)
	_, write := store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.SetAt(t, "a", "2", 9)))
	for _, test := range []struct {
		err  error
		want string
	}{
		{read, "the store is not available; try again later"},
		{write, "nothing was written: the store is not available; try again later"},
		{
			&fault.UnavailableError{OutcomeUnknown: true, Cause: configstoretest.ErrUnreachable},
			"the outcome is unknown: the change may have been made; read the config before trying again",
		},
		{&fault.Refusal{Reason: config.ErrNotFound}, config.ErrNotFound.Error()},
	} {
		if test.err == nil || test.err.Error() != test.want {
			t.Errorf("got %v, want %q", test.err, test.want)
		}
	}
	if !errors.Is(read, configstoretest.ErrUnreachable) || !errors.Is(write, configstoretest.ErrUnreachable) {
		t.Errorf("the log does not get the cause: %v, %v", errors.Unwrap(read), errors.Unwrap(write))
	}
}

// TestHealthUnderOwnWrites has a write come between the question for the head and the answer: the
// node is not behind for that.
func TestHealthUnderOwnWrites(t *testing.T) {
	events := configstoretest.NewFaulty()
	store := configstoretest.On(t, events, configstore.Options{})
	store.MustSet(t, "a", "1")
	old, err := events.Store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	events.SetHooks(configstoretest.Hooks{Wait: configstoretest.Silent().Wait, Head: func(context.Context) (eventstore.Head, error) {
		store.MustSet(t, "a", "2")
		return old, nil
	}})
	for what, h := range map[string]configstore.Health{"asked": store.Health(t.Context()), "known": store.LastHealth()} {
		if h.Head < h.Applied || !h.OK() {
			t.Errorf("%s: got %+v, want the head at or after what is applied", what, h)
		}
	}
	events.SetHooks(configstoretest.Hooks{Wait: configstoretest.Silent().Wait, Head: func(context.Context) (eventstore.Head, error) { return old, nil }})
	if h := store.Health(t.Context()); h.Head >= h.Applied {
		t.Errorf("when the tail is lost: got %+v", h)
	}
}
