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
	"configapi/internal/fault"
	"configapi/internal/projection"
	"configapi/internal/writer"
)

// failOver replaces the history by that of another store, which has the first records in common
// with it.
func failOver(f *configstoretest.Faulty, to *memory.Store) {
	h := replacedBy(to)
	h.Wait = configstoretest.Tick
	f.SetHooks(h)
}

// replacedBy returns the hooks of a history that was replaced by that of another store. The real
// Wait is left: it does not notice that.
func replacedBy(to *memory.Store) configstoretest.Hooks {
	return configstoretest.Hooks{
		Append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
			return to.Append(ctx, expected, records)
		},
		Head: to.Head, Read: to.Read, ReadConfig: to.ReadConfig, ReadConfigBack: to.ReadConfigBack, ReadHeads: to.ReadHeads,
		ReadInstant: to.ReadInstant, ReadAsOf: to.ReadAsOf, ReadVersions: to.ReadVersions, LookUp: to.LookUp, ReadReceipts: to.ReadReceipts,
	}
}

// TestNothingOfALostHistoryIsServed has callers read and write while the history is replaced. Calls
// that begin after the rebuild is counted get the new history alone, and so does what was
// acknowledged then.
func TestNothingOfALostHistoryIsServed(t *testing.T) {
	t.Parallel()
	for n := 0; n < 10 && !t.Failed(); n++ {
		old := configstoretest.NewFaulty()
		old.SetHooks(configstoretest.Hooks{Wait: configstoretest.Tick})
		store := configstoretest.On(t, old, configstore.Options{
			Writer: writer.Options{RetryMin: time.Millisecond}, Follower: projection.Options{RetryMin: time.Millisecond},
		})
		store.MustSet(t, "a", "kept")
		next := copyOf(t, old)
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
					outcome, err := store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, fmt.Sprint("n", caller), value)))
					switch {
					case err != nil && fault.KindOf(err) != fault.Unavailable:
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
		failOver(old, next)
		if err := <-watching; !errors.Is(err, fault.ErrRebuilding) {
			t.Errorf("a stream ended with %v", err)
		}
		configstoretest.MustGetReady(t, store.Store)
		for afterwards.Load() < 20 && !t.Failed() {
			store.MustSet(t, "a", "again")
		}
		stop()
		calling.Wait()
		configstoretest.MustEqualReplay(t, store.Reader(auth.Anonymous), configstoretest.MustRead(t, next))
	}
}

// mustReadOf reads everything. When must is set, it fails the test unless all of it is of a
// history.
func mustReadOf(t *testing.T, store *configstoretest.Store, history eventstore.Store, must bool) {
	t.Helper()
	r, err := store.Store.Reader(auth.Anonymous)
	if err != nil {
		if fault.KindOf(err) != fault.Unavailable {
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

// watchAll reads a stream until it ends, and returns the error.
func watchAll(ctx context.Context, watch *configstore.Watch) (err error) {
	for err == nil {
		_, err = watch.Next(ctx)
	}
	return err
}

// copyOf returns a store with what the history of another one has so far.
func copyOf(t *testing.T, events eventstore.Store) *memory.Store {
	t.Helper()
	other := memory.New()
	if err := other.Append(t.Context(), eventstore.Head{}, mustReadRecords(t, events)); err != nil {
		t.Fatal(err)
	}
	return other
}

func mustReadRecords(t *testing.T, events eventstore.Store) []eventstore.Record {
	t.Helper()
	records, err := events.Read(t.Context(), 0, eventstore.Limit{Records: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return records
}
