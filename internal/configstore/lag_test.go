package configstore_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// TestLagUnderOwnWrites has a node write all the time, whose appends are committed before it knows.
// It is well all along.
func TestLagUnderOwnWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		events.become(hooks{wait: tick, append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
			err := events.Store.Append(ctx, expected, records)
			time.Sleep(10 * time.Millisecond)
			return err
		}})
		store := configstoretest.On(t, events, configstore.Options{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 5000 {
				store.MustSet(t, "a", "1")
			}
		}()
		time.Sleep(20*time.Second + 5*time.Millisecond) // and nobody asks meanwhile
		if got := store.Health(t.Context()); !got.OK() || got.Lag > 100*time.Millisecond || got.Positions() != 1 {
			t.Errorf("got %+v, want all to be well, one append under way, and the lag to be short", got)
		}
		behind := 0
		for range 2000 {
			time.Sleep(13 * time.Millisecond)
			got := store.Health(t.Context())
			if got.Positions() > 0 {
				behind++
			}
			if !got.OK() || got.Lag > 100*time.Millisecond {
				t.Fatalf("got %+v, want all to be well and the lag to be short", got)
			}
		}
		<-done
		if behind == 0 {
			t.Error("the head was never before what is applied: the test shows nothing")
		}
	})
}

// TestHealthIsAskedOnce by all who ask at the same time, and the end of one is none of the others.
func TestHealthIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, asked := newFaulty(), new(atomic.Int64)
		store := configstoretest.On(t, events, configstore.Options{HealthTimeout: time.Second})
		events.become(hooks{wait: deaf().wait, head: func(ctx context.Context) (eventstore.Head, error) {
			asked.Add(1)
			<-ctx.Done()
			return eventstore.Head{}, ctx.Err()
		}})
		synctest.Wait()
		gone, cancel := context.WithCancel(t.Context())
		began := time.Now()
		var group sync.WaitGroup
		for n := range 100 {
			group.Go(func() {
				ctx, want := t.Context(), context.DeadlineExceeded
				if n%2 == 1 {
					ctx, want = gone, context.Canceled
				}
				if got := store.Health(ctx); !errors.Is(got.EventStore, want) {
					t.Errorf("got %+v, want %v", got, want)
				}
			})
		}
		synctest.Wait()
		cancel()
		group.Wait()
		if took := time.Since(began); took != time.Second || asked.Load() != 1 {
			t.Errorf("it was asked %d times, and took %v, want once and 1s", asked.Load(), took)
		}
		if got := store.Known(); got.Applied != 0 || asked.Load() != 1 {
			t.Errorf("what is known: got %+v after %d questions, want none more", got, asked.Load())
		}
	})
}

// TestAppendThatDoesNotEnd is told of while nothing else is wrong.
func TestAppendThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{AppendTimeout: 5 * time.Second})
		released := make(chan struct{})
		events.become(hooks{append: func(_ context.Context, expected eventstore.Head, records []eventstore.Record) error {
			<-released
			return events.Store.Append(context.Background(), expected, records)
		}})
		c := start(t.Context(), store, set(t, "a", "1"))
		for _, row := range []struct {
			after time.Duration
			well  bool
		}{{5 * time.Second, true}, {2 * time.Second, false}} {
			time.Sleep(row.after)
			if got := store.Health(t.Context()); got.OK() != row.well || (got.Writing == nil) != row.well || got.EventStore != nil {
				t.Errorf("after %v more: got %+v, want it to be well: %t", row.after, got, row.well)
			}
		}
		close(released)
		if err := c.wait(); err != nil {
			t.Error(err)
		}
		if got := store.Health(t.Context()); !got.OK() {
			t.Errorf("afterwards: got %+v", got)
		}
	})
}

// gone is a history that knows by itself that nothing can be written.
type gone struct{ *memory.Store }

func (gone) WriteProblem() error { return eventstore.ErrReplaced }

func TestEventStoreKnowsThatNothingCanBeWritten(t *testing.T) {
	store := configstoretest.On(t, gone{memory.New()}, configstore.Options{})
	if got := store.Health(t.Context()); got.OK() || !errors.Is(got.Writing, eventstore.ErrReplaced) {
		t.Errorf("got %+v, want %q", got, eventstore.ErrReplaced)
	}
}

// TestHeadBeforeWhatIsApplied is no ground for a linearizable read: the history is not the one that
// was applied.
func TestHeadBeforeWhatIsApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		first := store.MustSet(t, "a", "1")
		store.MustSet(t, "a", "2")
		before := eventstore.Head{Seq: first.Position.Seq, Hash: mustRead(t, events)[0].Hash}
		events.become(hooks{wait: deaf().wait, head: func(context.Context) (eventstore.Head, error) { return before, nil }})
		began := time.Now()
		_, err := store.FreshReader(t.Context(), auth.Anonymous, configstore.Freshness{Linearizable: true})
		if configstore.KindOf(err) != configstore.Unavailable {
			t.Errorf("got error %v, want one of kind Unavailable", err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v, want at most 2s", took)
		}
	})
}
