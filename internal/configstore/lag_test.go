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
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/fault"
	"configapi/internal/writer"
)

// TestLagUnderOwnWrites has a node write all the time, whose appends are committed before it gets
// the answer. It stays healthy.
func TestLagUnderOwnWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		events.SetHooks(configstoretest.Hooks{Wait: configstoretest.Tick, Append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
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
		time.Sleep(20*time.Second + 5*time.Millisecond) // without a question meanwhile
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

// TestHealthIsAskedOnce has many callers ask at the same time: they share one question, and the end
// of one does not end the others.
func TestHealthIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, asked := configstoretest.NewFaulty(), new(atomic.Int64)
		store := configstoretest.On(t, events, configstore.Options{})
		events.SetHooks(configstoretest.Hooks{Wait: configstoretest.Silent().Wait, Head: func(ctx context.Context) (eventstore.Head, error) {
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
		if got := store.LastHealth(); got.Applied != 0 || asked.Load() != 1 {
			t.Errorf("what is known: got %+v after %d questions, want none more", got, asked.Load())
		}
	})
}

// TestAppendThatDoesNotEnd is reported while nothing else is wrong.
func TestAppendThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{Writer: writer.Options{AppendTimeout: 5 * time.Second}})
		released := make(chan struct{})
		events.SetHooks(configstoretest.Hooks{Append: func(_ context.Context, expected eventstore.Head, records []eventstore.Record) error {
			<-released
			return events.Store.Append(context.Background(), expected, records)
		}})
		c := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "a", "1")))
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
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
		if got := store.Health(t.Context()); !got.OK() {
			t.Errorf("afterwards: got %+v", got)
		}
	})
}

// gone is an event store that knows by itself that nothing can be written.
type gone struct{ *memory.Store }

func (gone) WriteProblem() error { return eventstore.ErrReplaced }

func TestEventStoreKnowsThatNothingCanBeWritten(t *testing.T) {
	store := configstoretest.On(t, gone{memory.New()}, configstore.Options{})
	if got := store.Health(t.Context()); got.OK() || !errors.Is(got.Writing, eventstore.ErrReplaced) {
		t.Errorf("got %+v, want %q", got, eventstore.ErrReplaced)
	}
}

// TestHeadBeforeWhatIsApplied makes no linearizable read: the history is not the one that was
// applied.
func TestHeadBeforeWhatIsApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		first := store.MustSet(t, "a", "1")
		store.MustSet(t, "a", "2")
		before := eventstore.Head{Seq: first.Position.Seq, Hash: configstoretest.MustRead(t, events)[0].Hash}
		events.SetHooks(configstoretest.Hooks{Wait: configstoretest.Silent().Wait, Head: func(context.Context) (eventstore.Head, error) { return before, nil }})
		began := time.Now()
		_, err := store.FreshReader(t.Context(), auth.Anonymous, configstore.Freshness{Linearizable: true})
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("got error %v, want one of kind Unavailable", err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v, want at most 2s", took)
		}
	})
}
