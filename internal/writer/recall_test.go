package writer_test

import (
	"context"
	"testing"
	"testing/synctest"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// recalled is the answer to a recall.
type recalled struct {
	outcome configstore.SetOutcome
	found   bool
	err     error
}

// startRecall has a goroutine recall a set. It must be called in a bubble of testing/synctest, and
// returns when the recall is queued or answered.
func startRecall(ctx context.Context, store *configstoretest.Store, set config.ChangeSet) chan recalled {
	answer := make(chan recalled, 1)
	go func() {
		var a recalled
		a.outcome, a.found, a.err = store.Recall(ctx, auth.Anonymous, set)
		answer <- a
	}()
	synctest.Wait()
	return answer
}

// mustRecall checks that a recall finds an outcome.
func mustRecall(t *testing.T, answer chan recalled, want configstore.Outcome) {
	t.Helper()
	got := <-answer
	if got.err != nil || !got.found || got.outcome.Position != want.Position || len(got.outcome.Revisions) != 1 {
		t.Errorf("got %+v, want the outcome at %s", got, want.Position)
	}
}

// TestRecallInTheBatchOfItsRequest queues a request, and a recall of it behind.
func TestRecallInTheBatchOfItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		proceed := make(chan struct{})
		events.SetHooks(configstoretest.Hooks{Append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
			<-proceed
			return events.Store.Append(ctx, expected, records)
		}})
		store := configstoretest.On(t, events, configstore.Options{})
		set := configstoretest.SetOnce(t, "a", "1", "k")
		calls := configstoretest.StartAll(t.Context(), store, config.Single(configstoretest.Set(t, "b", "1")), set)
		answer := startRecall(t.Context(), store, set)
		events.SetHooks(configstoretest.Hooks{})
		close(proceed)
		if err := calls[1].Wait(); err != nil {
			t.Fatal(err)
		}
		mustRecall(t, answer, calls[1].Outcome)
	})
}

// TestRecallThatIsQueuedBeforeTheLock is of a request that another node carries out while this one
// waits for the lock of the head. The key of the recall was not looked up when the lock was asked
// for.
func TestRecallThatIsQueuedBeforeTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := configstoretest.New(t, configstore.Options{})
		set := configstoretest.SetOnce(t, "a", "1", "k")
		var node *configstoretest.Store
		var want configstore.Outcome
		var answer chan recalled
		rounds := 0
		events := &overtaken{Store: base.Events, times: 3}
		events.overtake = func() {
			if rounds++; rounds < 3 {
				base.MustSet(t, "b", "foreign")
				return
			}
			var err error
			if want, err = base.Do(t.Context(), auth.Anonymous, set); err != nil {
				t.Error(err)
			}
			answer = startRecall(t.Context(), node, set)
		}
		node = configstoretest.On(t, events, configstore.Options{})
		node.MustSet(t, "c", "1") // loses twice, then locks
		mustRecall(t, answer, want)
	})
}
