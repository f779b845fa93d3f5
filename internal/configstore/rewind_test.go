package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/feed"
	"configapi/internal/projection"
)

// parted is a config store whose history is replaced by another one that has some of its events.
type parted struct {
	*configstoretest.Store
	old    *configstoretest.Faulty
	next   *memory.Store
	common eventstore.Seq
	whole  atomic.Int64 // reads of the new history that begin before the end of what both have
}

// newParted makes random changes that both histories have, and then others in each of them.
func newParted(t *testing.T, r *rand.Rand, opts configstore.Options) *parted {
	return newPartedWith(t, r, opts, func(*configstoretest.Store) {})
}

// newPartedWith is newParted with what both histories have at the end of their common part.
func newPartedWith(t *testing.T, r *rand.Rand, opts configstore.Options, common func(*configstoretest.Store)) *parted {
	f := &parted{old: configstoretest.NewFaulty()}
	f.old.SetHooks(configstoretest.Hooks{Wait: configstoretest.Tick})
	opts.Writer.RetryMin, opts.Follower.RetryMin = time.Millisecond, time.Millisecond
	f.Store = configstoretest.On(t, f.old, opts)
	changeAtRandom(t, r, f.Store, 1+r.IntN(40))
	common(f.Store)
	f.next = copyOf(t, f.old)
	f.common = f.Reader(auth.Anonymous).Head().Seq
	other := configstoretest.On(t, f.next, configstore.Options{Anonymous: opts.Anonymous})
	changeAtRandom(t, r, other, r.IntN(20))
	changeAtRandom(t, r, f.Store, 1+r.IntN(20))
	return f
}

// failOver replaces the old history by the new one, and returns when that is served.
func (f *parted) failOver(t *testing.T, h configstoretest.Hooks) {
	t.Helper()
	rebuilt := make(chan struct{}, 1)
	f.OnRebuild(func() {
		select {
		case rebuilt <- struct{}{}:
		default:
		}
	})
	read := h.Read
	h.Read = func(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
		if limit.Records != 1 && after < f.common {
			f.whole.Add(1)
		}
		if read != nil {
			return read(ctx, after, limit)
		}
		return f.next.Read(ctx, after, limit)
	}
	h.Append = func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
		return f.next.Append(ctx, expected, records)
	}
	if h.ReadAsOf == nil {
		h.ReadAsOf = f.next.ReadAsOf
	}
	h.ReadVersions, h.LookUp = f.next.ReadVersions, f.next.LookUp
	h.Head, h.ReadConfig, h.ReadConfigBack, h.ReadInstant, h.Wait, h.ReadReceipts = f.next.Head, f.next.ReadConfig, f.next.ReadConfigBack, f.next.ReadInstant, configstoretest.Tick, f.next.ReadReceipts
	f.old.SetHooks(h)
	select {
	case <-rebuilt:
	case <-time.After(configstoretest.Patience):
		t.Fatal("the store has not noticed that its history was replaced")
	}
	configstoretest.MustGetReady(t, f.Store.Store)
}

// changeAtRandom sets, deletes and restores configs, alone and in change sets.
func changeAtRandom(t *testing.T, r *rand.Rand, store *configstoretest.Store, changes int) {
	t.Helper()
	for range changes {
		name := names[r.IntN(len(names))]
		value := fmt.Sprint(r.Uint32())
		state := store.Reader(auth.Anonymous).State(configstoretest.Name(t, name))
		switch dice := r.IntN(4); {
		case dice == 0:
			appendSet(t, r, store, value)
		case state != nil && !state.Exists():
			store.MustRestore(t, name)
		case state != nil && dice == 1:
			store.MustDelete(t, name)
		default:
			store.MustSet(t, name, value)
		}
	}
}

// appendSet appends a change set that sets some of the configs that are not deleted, as another
// node does.
func appendSet(t *testing.T, r *rand.Rand, store *configstoretest.Store, value string) {
	t.Helper()
	reader := store.Reader(auth.Anonymous)
	head := reader.Head()
	var records []eventstore.Record
	for _, text := range names {
		name := configstoretest.Name(t, text)
		event := config.Event{Type: config.ValueSet, Name: name, Version: 1, Value: configstoretest.Value(t, value), At: head.RecordedAt.Add(time.Duration(len(records)+1) * time.Microsecond)}
		if state := reader.State(name); state != nil {
			if !state.Exists() {
				continue
			}
			event.Version, event.OldValue = state.Version+1, state.Value
		}
		if r.IntN(2) > 0 {
			stored := config.Encode(event)
			records = append(records, eventstore.Record{
				Name: text, Version: int(event.Version), Type: stored.Type, SchemaVersion: stored.SchemaVersion,
				Data: stored.Data, RecordedAt: event.At,
			})
		}
	}
	if len(records) == 0 {
		return
	}
	for i := range records {
		records[i].ChangeSet = head.Seq + eventstore.Seq(len(records))
	}
	end := new(eventstore.Chain).Seal(head, eventstore.AppendID{byte(r.Uint32())}, records)
	if err := store.Events.Append(t.Context(), head, records); err != nil {
		t.Fatal(err)
	}
	configstoretest.MustReach(t, store, end.Position())
}

// mustEqualFresh compares all states, those of deleted configs too, with those of a store that has
// read the whole history.
func mustEqualFresh(t *testing.T, store *configstoretest.Store, events eventstore.Store) {
	t.Helper()
	fresh := configstoretest.On(t, events, configstore.Options{}).Reader(auth.Anonymous)
	configstoretest.MustReach(t, store, fresh.Head().Position())
	reader := store.Reader(auth.Anonymous)
	for _, text := range names {
		name := configstoretest.Name(t, text)
		if got, want := reader.State(name), fresh.State(name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
	if got, want := reader.Head(), fresh.Head(); !got.Same(want) {
		t.Errorf("got head %s, want %s", got.Position(), want.Position())
	}
	got, err := reader.Now().Count(t.Context(), config.Filter{})
	if want, _ := fresh.Now().Count(t.Context(), config.Filter{}); err != nil || got != want {
		t.Errorf("got %d configs, %v, want %d", got, err, want)
	}
}

// TestStateGoesBackToWhatBothHistoriesHave makes random histories that part. Only what is different
// is read.
func TestStateGoesBackToWhatBothHistoriesHave(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		held := t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			f := newParted(t, r, configstore.Options{Follower: projection.Options{PageSize: 1 + r.IntN(50)}})
			f.failOver(t, configstoretest.Hooks{})
			mustEqualFresh(t, f.Store, f.next)
			changeAtRandom(t, r, f.Store, 5)
			mustEqualFresh(t, f.Store, f.next)
			if n := f.whole.Load(); n > 0 {
				t.Errorf("%d reads began before what both histories have", n)
			}
		})
		if !held {
			return // the first failure is enough
		}
	}
}

// TestHistoryIsReadWholeWhenTheFeedHasNothingInCommon has a ring that is shorter than the lost
// tail.
func TestHistoryIsReadWholeWhenTheFeedHasNothingInCommon(t *testing.T) {
	t.Parallel()
	f := newParted(t, rand.New(rand.NewPCG(1, 0)), configstore.Options{Feed: feed.Options{RingEvents: 1}})
	for i := range 3 {
		f.MustSet(t, "a0", fmt.Sprint("lost ", i))
	}
	f.failOver(t, configstoretest.Hooks{})
	mustEqualFresh(t, f.Store, f.next)
	if f.whole.Load() == 0 {
		t.Error("the history was not read from the beginning")
	}
}

// TestGoingBackIsTriedAgain has each of the two reads of the new history fail at first.
func TestGoingBackIsTriedAgain(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		f := newParted(t, rand.New(rand.NewPCG(seed, 1)), configstore.Options{})
		var reads, readsAsOf atomic.Int64
		f.failOver(t, configstoretest.Hooks{
			Read: func(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
				if limit.Records == 1 && reads.Add(1) == 2 {
					return nil, configstoretest.ErrUnreachable
				}
				return f.next.Read(ctx, after, limit)
			},
			ReadAsOf: func(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
				if readsAsOf.Add(1) == 1 {
					return nil, configstoretest.ErrUnreachable
				}
				return f.next.ReadAsOf(ctx, basis, q, limit)
			},
		})
		mustEqualFresh(t, f.Store, f.next)
		if n := f.whole.Load(); n > 0 || readsAsOf.Load() < 2 {
			t.Errorf("seed %d: %d reads began before what both histories have, %d states were read", seed, n, readsAsOf.Load())
		}
	}
}

// TestHistoryIsReadWholeWhenItCannotGoBack has the reads of the new history fail for good, and
// because it was replaced again.
func TestHistoryIsReadWholeWhenItCannotGoBack(t *testing.T) {
	t.Parallel()
	for _, refusal := range []error{configstoretest.ErrUnreachable, fmt.Errorf("reading: %w", projection.ErrDiverged)} {
		f := newParted(t, rand.New(rand.NewPCG(2, 2)), configstore.Options{})
		var tries int
		f.failOver(t, configstoretest.Hooks{ReadAsOf: func(context.Context, eventstore.Head, eventstore.AsOf, eventstore.Limit) ([]eventstore.Record, error) {
			tries++
			return nil, refusal
		}})
		mustEqualFresh(t, f.Store, f.next)
		if again := tries > 1; f.whole.Load() == 0 || again == errors.Is(refusal, projection.ErrDiverged) {
			t.Errorf("%v: %d tries, %d reads from the beginning", refusal, tries, f.whole.Load())
		}
	}
}
