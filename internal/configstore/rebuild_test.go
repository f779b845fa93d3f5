package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/projection"
)

// failOver makes the history another one: that of another store, which has the first records in common with it.
func (f *faulty) failOver(to *memory.Store) {
	f.become(hooks{
		append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
			return to.Append(ctx, expected, records)
		},
		head: to.Head, read: to.Read, config: to.ReadConfig, back: to.ReadConfigBack, at: to.ReadInstant, asOf: to.ReadAsOf, wait: tick, receipts: to.ReadReceipts,
	})
}

// tick waits as a store does whose history may be replaced: not only for what is behind the head.
func tick(ctx context.Context, _ eventstore.Seq) error {
	select {
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
	}
	return ctx.Err()
}

// TestNothingOfALostHistoryIsServed has callers read and write while the history is replaced. What began after the store has
// said that it was rebuilt is all of the new history, and so is what was acknowledged then.
func TestNothingOfALostHistoryIsServed(t *testing.T) {
	t.Parallel()
	for n := 0; n < 10 && !t.Failed(); n++ {
		old := newFaulty()
		old.become(hooks{wait: tick})
		store := configstoretest.On(t, old, configstore.Options{
			RetryMin: time.Millisecond, Follower: projection.Options{RetryMin: time.Millisecond},
		})
		store.MustSet(t, "a", "kept")
		next := memory.New()
		if err := next.Append(t.Context(), eventstore.Head{}, mustReadRecords(t, old)); err != nil {
			t.Fatal(err)
		}
		other := configstoretest.On(t, next, configstore.Options{})
		other.MustSet(t, "a", "new")
		store.MustSet(t, "a", "lost")

		ctx, stop := context.WithTimeout(t.Context(), configstoretest.Patience)
		defer stop()
		var calling sync.WaitGroup
		var afterwards atomic.Int64
		for caller := range 4 {
			calling.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					rebuilt := store.Rebuilds() > 0
					value := fmt.Sprintf("%d by %d", n, caller)
					outcome, err := store.Do(t.Context(), auth.Anonymous, set(t, fmt.Sprint("n", caller), value))
					switch {
					case err != nil && configstore.KindOf(err) != configstore.Unavailable:
						t.Errorf("a write: %v", err)
					case err == nil && rebuilt:
						mustHaveRevision(t, next, outcome.Config)
						afterwards.Add(1)
					}
					mustReadOf(t, store, next, rebuilt)
				}
			})
		}
		watch, err := store.Watch(ctx, auth.Anonymous, config.Filter{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		watching := make(chan error, 1)
		calling.Go(func() { watching <- watchAll(ctx, watch) })
		old.failOver(next)
		if err := <-watching; !errors.Is(err, configstore.ErrRebuilding) {
			t.Errorf("a stream ended with %v", err)
		}
		configstoretest.MustGetReady(t, store.Store)
		for afterwards.Load() < 20 && !t.Failed() {
			store.MustSet(t, "a", "again")
		}
		stop()
		calling.Wait()
		mustEqualReplay(t, store.Reader(auth.Anonymous), mustRead(t, next))
	}
}

// mustReadOf reads everything, and fails the test when that is not of a history although it must be.
func mustReadOf(t *testing.T, store *configstoretest.Store, history eventstore.Store, must bool) {
	t.Helper()
	r, err := store.Store.Reader(auth.Anonymous)
	if err != nil {
		if configstore.KindOf(err) != configstore.Unavailable {
			t.Errorf("a reader: %v", err)
		}
		return
	}
	page, err := r.Now().Configs(t.Context(), config.Filter{}, "", configstore.MaxPageSize)
	if err != nil {
		t.Errorf("a read: %v", err)
	}
	if !must {
		return
	}
	if len(page.Configs) == 0 {
		t.Errorf("a state of no history at all, at %s", r.Head().Position())
	}
	for _, state := range page.Configs {
		mustHaveRevision(t, history, state)
	}
}

func mustHaveRevision(t *testing.T, history eventstore.Store, c *projection.Config) {
	t.Helper()
	records, err := history.Read(t.Context(), c.Seq-1, eventstore.Limit{Records: 1})
	if err != nil || len(records) != 1 || eventstore.HeadOf(&records[0]).Position() != c.Position() {
		t.Errorf("position %s is not in the history: %v", c.Position(), err)
	}
}

// watchAll follows a stream until it ends, and returns why.
func watchAll(ctx context.Context, watch *configstore.Watch) (err error) {
	for err == nil {
		_, err = watch.Next(ctx)
	}
	return err
}

func mustReadRecords(t *testing.T, events eventstore.Store) []eventstore.Record {
	t.Helper()
	records, err := events.Read(t.Context(), 0, eventstore.Limit{Records: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return records
}
