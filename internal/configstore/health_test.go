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
)

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{HealthTimeout: 3 * time.Second})
		store.MustSet(t, "a", "1")
		if got := store.Health(t.Context()); !got.OK() || got != (configstore.Health{Applied: 1, Head: 1}) {
			t.Errorf("got %+v, want all to be well at position 1", got)
		}

		hanging := hooks{
			head: func(ctx context.Context) (eventstore.Head, error) {
				<-ctx.Done()
				return eventstore.Head{}, ctx.Err()
			},
		}
		events.become(hanging)
		began := time.Now()
		got := store.Health(t.Context())
		if took := time.Since(began); took != 3*time.Second || got.OK() || !errors.Is(got.EventStore, context.DeadlineExceeded) || got.Applied != 1 || got.Head != 0 {
			t.Errorf("after %v: got %+v, want the event store to be given up after 3s", took, got)
		}

		events.become(away())
		foreign(t, events, "b") // wakes the follower
		time.Sleep(time.Second)
		if got = store.Health(t.Context()); !errors.Is(got.EventStore, errAway) || !errors.Is(got.Projection, errAway) || got.OK() {
			t.Errorf("got %+v, want event store and projection to be away", got)
		}
		events.become(hooks{})
		time.Sleep(5 * time.Second)
		if got = store.Health(t.Context()); got != (configstore.Health{Applied: 2, Head: 2}) {
			t.Errorf("got %+v, want all to be well at position 2", got)
		}
	})
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
		events := newFaulty()
		events.become(hooks{wait: tick})
		store := configstoretest.On(t, events, configstore.Options{MaxLag: 10 * time.Second})
		stuck := hooks{wait: tick, read: func(ctx context.Context, _ eventstore.Seq, _ eventstore.Limit) ([]eventstore.Record, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		store.MustSet(t, "a", "1")
		synctest.Wait()
		time.Sleep(time.Hour) // nothing happens, and nothing is missed
		if got := store.Health(t.Context()); got != (configstore.Health{Applied: 1, Head: 1}) {
			t.Errorf("got %+v, want all to be well", got)
		}

		began := time.Now()
		events.become(stuck)
		foreign(t, events, "b", "c")
		synctest.Wait()
		for _, after := range []time.Duration{9 * time.Second, 11 * time.Second} {
			time.Sleep(time.Until(began.Add(after)))
			got := store.Health(t.Context())
			if late := errors.Is(got.Projection, configstore.ErrBehind); got.Positions() == 0 || got.Lag < after || got.Lag > after+time.Second || late != (after > 10*time.Second) {
				t.Errorf("after %v: got %+v", after, got)
			}
		}
	})
}

// ticking is a history on a server whose clock is another than the node's.
type ticking struct {
	*faulty
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
			time.Second / 20: 0, // the answer took longer
			3 * time.Second:  -2900 * time.Millisecond,
			-3 * time.Second: 2900 * time.Millisecond,
		} {
			store := configstoretest.On(t, ticking{newFaulty(), offset}, configstore.Options{})
			if got := store.Health(t.Context()); got.ClockOffset != want || !got.OK() {
				t.Errorf("a server %v before: got %+v, want %v", offset, got, want)
			}
		}
	})
}

func TestHealthBeforeTheHistoryIsRead(t *testing.T) {
	store := configstore.New(newFaulty(), configstore.Options{})
	if got := store.Health(t.Context()); !errors.Is(got.Projection, configstore.ErrNotReady) || got.EventStore != nil || got.OK() {
		t.Errorf("got %+v, want the projection not to be ready", got)
	}
}

func TestKinds(t *testing.T) {
	_, name := config.ParseName("")
	_, value := config.ParseValue("12", 1)
	for _, test := range []struct {
		err  error
		want configstore.Kind
	}{
		{nil, configstore.Internal},
		{errors.New("anything else"), configstore.Internal},
		{name, configstore.InvalidInput},
		{value, configstore.TooLarge},
		{config.ErrNotFound, configstore.NotFound},
		{config.ErrDeleted, configstore.Deleted},
		{config.ErrNotDeleted, configstore.NotDeleted},
		{&config.VersionConflictError{}, configstore.VersionConflict},
		{config.ErrRevisionConflict, configstore.VersionConflict},
		{configstore.ErrPositionUnknown, configstore.PositionUnknown},
		{configstore.ErrPositionNotReached, configstore.PositionNotReached},
		{configstore.ErrNotReady, configstore.Unavailable},
		{&configstore.UnavailableError{}, configstore.Unavailable},
		{&configstore.UnavailableError{Cause: config.ErrNotFound}, configstore.Unavailable},
		{context.Canceled, configstore.Unavailable},
		{context.DeadlineExceeded, configstore.Unavailable},
	} {
		err := test.err
		for range 2 {
			if got := configstore.KindOf(err); got != test.want {
				t.Errorf("%v: got kind %d, want %d", err, got, test.want)
			}
			if err != nil {
				err = &configstore.Refusal{Reason: err} // as well when it is wrapped
			}
		}
	}
}

// TestErrorsSayWhatIsKnown to those who see their texts, and nothing of what is behind them.
func TestErrorsSayWhatIsKnown(t *testing.T) {
	events := newFaulty()
	store := configstoretest.On(t, events, configstore.Options{})
	store.MustSet(t, "a", "1")
	r := store.Reader(auth.Anonymous)
	events.become(away())
	_, _, read := r.History(t.Context(), configstoretest.Name(t, "a"), 0, 1)
	_, write := store.Do(t.Context(), auth.Anonymous, setAt(t, "a", "2", 9))
	for _, test := range []struct {
		err  error
		want string
	}{
		{read, "the store is not available; try again later"},
		{write, "nothing was written: the store is not available; try again later"},
		{
			&configstore.UnavailableError{OutcomeUnknown: true, Cause: errAway},
			"the outcome is unknown: the change may have been made; read the config before trying again",
		},
		{&configstore.Refusal{Reason: config.ErrNotFound}, config.ErrNotFound.Error()},
	} {
		if test.err == nil || test.err.Error() != test.want {
			t.Errorf("got %v, want %q", test.err, test.want)
		}
	}
	if !errors.Is(read, errAway) || !errors.Is(write, errAway) {
		t.Errorf("the log cannot tell why: %v, %v", errors.Unwrap(read), errors.Unwrap(write))
	}
}

// TestHealthUnderOwnWrites has a write come between the asking for the head and the answer: the
// history is not behind for that.
func TestHealthUnderOwnWrites(t *testing.T) {
	events := newFaulty()
	store := configstoretest.On(t, events, configstore.Options{})
	store.MustSet(t, "a", "1")
	old, err := events.Store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	events.become(hooks{wait: deaf().wait, head: func(context.Context) (eventstore.Head, error) {
		store.MustSet(t, "a", "2")
		return old, nil
	}})
	for what, h := range map[string]configstore.Health{"asked": store.Health(t.Context()), "known": store.Known()} {
		if h.Head < h.Applied || !h.OK() {
			t.Errorf("%s: got %+v, want the head at or after what is applied", what, h)
		}
	}
	events.become(hooks{wait: deaf().wait, head: func(context.Context) (eventstore.Head, error) { return old, nil }})
	if h := store.Health(t.Context()); h.Head >= h.Applied {
		t.Errorf("when the tail is lost: got %+v", h)
	}
}
