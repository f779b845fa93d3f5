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
	"configapi/internal/fault"
)

var linearizable = configstore.Freshness{Linearizable: true}

// TestLinearizableReads compares reads with what was acknowledged before them, on nodes that are
// not notified of new records.
func TestLinearizableReads(t *testing.T) {
	events := configstoretest.NewFaulty()
	writer := configstoretest.On(t, events.Store, configstore.Options{})
	name := configstoretest.Name(t, "a")
	var acknowledged atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	for range 3 {
		reader := configstoretest.On(t, events.Store, configstore.Options{PositionWait: time.Minute})
		for range 4 {
			reading.Go(func() {
				for ctx.Err() == nil {
					want := acknowledged.Load()
					r, err := reader.FreshReader(t.Context(), auth.Anonymous, linearizable)
					switch {
					case err != nil:
						t.Errorf("got %v", err)
					case int64(r.Head().Seq) < want || want > 0 && r.Config(name) == nil:
						t.Errorf("read position %d after %d was acknowledged", r.Head().Seq, want)
					}
				}
			})
		}
	}
	for range 300 {
		acknowledged.Store(int64(writer.MustSet(t, "a", "x").Position.Seq))
	}
	stop()
	reading.Wait()
}

// TestLinearizableReadsShareQuestions has many readers ask while one read of the head is under way.
// None of them may take its result, which is older than a change that was acknowledged before; all
// of them share the next one.
func TestLinearizableReadsShareQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		synctest.Wait()
		questions := 0
		release := make(chan struct{})
		events.SetHooks(configstoretest.Hooks{Head: func(ctx context.Context) (eventstore.Head, error) {
			questions++
			head, err := events.Store.Head(ctx)
			if questions == 1 {
				<-release
			}
			return head, err
		}, Wait: configstoretest.Silent().Wait})

		positions := make(chan eventstore.Seq, 100)
		read := func() {
			r, err := store.FreshReader(t.Context(), auth.Anonymous, linearizable)
			if err != nil {
				t.Error(err)
				return
			}
			positions <- r.Head().Seq
		}
		go read()
		synctest.Wait()
		written := store.MustSet(t, "a", "1").Position.Seq
		for range 50 {
			go read()
		}
		synctest.Wait()
		if questions != 1 {
			t.Errorf("%d questions while the first is under way", questions)
		}
		close(release)
		<-positions // of the first reader, which may be older
		for range 50 {
			if got := <-positions; got < written {
				t.Errorf("read position %d after %d was acknowledged", got, written)
			}
		}
		if questions != 2 {
			t.Errorf("%d questions for one reader and 50 that came later, want 2", questions)
		}
	})
}

// TestEndOfOneReaderIsNoneOfOthers ends the reader whose read of the head others share.
func TestEndOfOneReaderIsNoneOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		synctest.Wait()
		events.SetHooks(configstoretest.Hooks{Wait: configstoretest.Silent().Wait, Head: func(ctx context.Context) (eventstore.Head, error) {
			time.Sleep(500 * time.Millisecond)
			return eventstore.Head{}, ctx.Err()
		}})
		ctx, leave := context.WithCancel(t.Context())
		errs := make(chan error, 3)
		for _, ctx := range []context.Context{ctx, ctx, t.Context()} {
			go func() {
				_, err := store.FreshReader(ctx, auth.Anonymous, linearizable)
				errs <- err
			}()
			synctest.Wait()
		}
		leave()
		for range 2 {
			if err := <-errs; err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("the reader that left: %v", err)
			}
		}
		if err := <-errs; err != nil {
			t.Errorf("the reader that stayed: %v", err)
		}
	})
}

// TestLinearizableReadsEndInTime has readers ask while a read of the head hangs. Each of them waits
// no longer than a reader that is alone.
func TestLinearizableReadsEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		synctest.Wait()
		events.SetHooks(configstoretest.Hooks{Wait: configstoretest.Silent().Wait, Head: func(ctx context.Context) (eventstore.Head, error) {
			<-ctx.Done()
			return eventstore.Head{}, ctx.Err()
		}})
		var readers sync.WaitGroup
		for range 8 {
			readers.Go(func() {
				began := time.Now()
				_, err := store.FreshReader(t.Context(), auth.Anonymous, linearizable)
				if took := time.Since(began); took != 2*time.Second {
					t.Errorf("a reader got %v after %v, want an error after 2s", err, took)
				}
				configstoretest.MustBeKind(t, err, fault.PositionNotReached, false)
			})
			time.Sleep(500 * time.Millisecond)
		}
		readers.Wait()
	})
}

func TestLinearizableReadsThatCannotBe(t *testing.T) {
	ask := func(t *testing.T, h configstoretest.Hooks) (took time.Duration, err error) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{PositionWait: 3 * time.Second})
		store.MustSet(t, "a", "1")
		store.MustSet(t, "a", "2")
		synctest.Wait()
		h.Wait = configstoretest.Silent().Wait
		events.SetHooks(h)
		began := time.Now()
		_, err = store.FreshReader(t.Context(), auth.Anonymous, linearizable)
		return time.Since(began), err
	}
	for what, test := range map[string]struct {
		head func(ctx context.Context) (eventstore.Head, error)
		kind fault.Kind
		took time.Duration
	}{
		"the store is unreachable": {configstoretest.Unreachable().Head, fault.Unavailable, 0},
		"the store hangs": {func(ctx context.Context) (eventstore.Head, error) {
			<-ctx.Done()
			return eventstore.Head{}, ctx.Err()
		}, fault.PositionNotReached, 3 * time.Second},
		"the node is behind": {func(context.Context) (eventstore.Head, error) {
			return eventstore.Head{Seq: 3}, nil
		}, fault.PositionNotReached, 3 * time.Second},
		"the node is behind, and the store slow": {func(context.Context) (eventstore.Head, error) {
			time.Sleep(time.Second)
			return eventstore.Head{Seq: 3}, nil
		}, fault.PositionNotReached, 3 * time.Second},
		"the tail is lost": {func(context.Context) (eventstore.Head, error) {
			return eventstore.Head{Seq: 1}, nil
		}, fault.Unavailable, 0},
		"the history is another": {func(context.Context) (eventstore.Head, error) {
			return eventstore.Head{Seq: 2, Hash: eventstore.Hash{1}}, nil
		}, fault.Unavailable, 0},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				took, err := ask(t, configstoretest.Hooks{Head: test.head})
				if fault.KindOf(err) != test.kind || err == nil || took != test.took {
					t.Errorf("after %v: got %v, want kind %d after %v", took, err, test.kind, test.took)
				}
			})
		})
	}
}
