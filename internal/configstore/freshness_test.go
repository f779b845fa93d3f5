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
)

var linearizable = configstore.Freshness{Linearizable: true}

// TestLinearizableReads compares them, on nodes that hear of nothing until they are asked, with what was acknowledged before.
func TestLinearizableReads(t *testing.T) {
	events := newFaulty()
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

// TestLinearizableReadsShareQuestions has many come while a question is under way. None of them may take its answer, which is
// older than a change that was acknowledged before they came; all of them take the next.
func TestLinearizableReadsShareQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		synctest.Wait()
		questions := 0
		release := make(chan struct{})
		events.become(hooks{head: func(ctx context.Context) (eventstore.Head, error) {
			questions++
			head, err := events.Store.Head(ctx)
			if questions == 1 {
				<-release
			}
			return head, err
		}, wait: deaf().wait})

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
		<-positions // of the one that came first, and may not know
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

// TestEndOfOneReaderIsNoneOfOthers has the reader go whose question others wait for.
func TestEndOfOneReaderIsNoneOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		synctest.Wait()
		events.become(hooks{wait: deaf().wait, head: func(ctx context.Context) (eventstore.Head, error) {
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
				t.Errorf("who left: %v", err)
			}
		}
		if err := <-errs; err != nil {
			t.Errorf("who stayed: %v", err)
		}
	})
}

// TestLinearizableReadsEndInTime has readers come while a question is under way that is never
// answered: each of them waits for as long as one that comes alone, not for the questions of others
// too.
func TestLinearizableReadsEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		synctest.Wait()
		events.become(hooks{wait: deaf().wait, head: func(ctx context.Context) (eventstore.Head, error) {
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
				mustBeKind(t, err, configstore.PositionNotReached, false)
			})
			time.Sleep(500 * time.Millisecond)
		}
		readers.Wait()
	})
}

func TestLinearizableReadsThatCannotBe(t *testing.T) {
	ask := func(t *testing.T, h hooks) (took time.Duration, err error) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{PositionWait: 3 * time.Second})
		store.MustSet(t, "a", "1")
		store.MustSet(t, "a", "2")
		synctest.Wait()
		h.wait = deaf().wait
		events.become(h)
		began := time.Now()
		_, err = store.FreshReader(t.Context(), auth.Anonymous, linearizable)
		return time.Since(began), err
	}
	for what, test := range map[string]struct {
		head func(ctx context.Context) (eventstore.Head, error)
		kind configstore.Kind
		took time.Duration
	}{
		"the store is away": {away().head, configstore.Unavailable, 0},
		"the store hangs": {func(ctx context.Context) (eventstore.Head, error) {
			<-ctx.Done()
			return eventstore.Head{}, ctx.Err()
		}, configstore.PositionNotReached, 3 * time.Second},
		"the node is behind": {func(context.Context) (eventstore.Head, error) {
			return eventstore.Head{Seq: 3}, nil
		}, configstore.PositionNotReached, 3 * time.Second},
		"the node is behind, and the store slow": {func(context.Context) (eventstore.Head, error) {
			time.Sleep(time.Second)
			return eventstore.Head{Seq: 3}, nil
		}, configstore.PositionNotReached, 3 * time.Second},
		"the tail is lost": {func(context.Context) (eventstore.Head, error) {
			return eventstore.Head{Seq: 1}, nil
		}, configstore.Unavailable, 0},
		"the history is another": {func(context.Context) (eventstore.Head, error) {
			return eventstore.Head{Seq: 2, Hash: eventstore.Hash{1}}, nil
		}, configstore.Unavailable, 0},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				took, err := ask(t, hooks{head: test.head})
				if configstore.KindOf(err) != test.kind || err == nil || took != test.took {
					t.Errorf("after %v: got %v, want kind %d after %v", took, err, test.kind, test.took)
				}
			})
		})
	}
}
