package configstore_test

import (
	"context"
	"sync"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// overtakenStore is an event store on which something happens once, right after receipts or the
// durable head were read.
type overtakenStore struct {
	eventstore.Store
	once                        sync.Once
	afterReceipts, afterDurable func()
}

func (s *overtakenStore) ReadReceipts(ctx context.Context, keys []eventstore.Key) ([]eventstore.Receipt, error) {
	found, err := s.Store.ReadReceipts(ctx, keys)
	if s.afterReceipts != nil {
		s.once.Do(s.afterReceipts)
	}
	return found, err
}

func (s *overtakenStore) DurableHead(ctx context.Context) (eventstore.Head, error) {
	head, err := s.Store.DurableHead(ctx)
	if s.afterDurable != nil {
		s.once.Do(s.afterDurable)
	}
	return head, err
}

// TestRevertThatAnotherNodeCarriesOutMeanwhile sends a revert to two nodes. The second looks its
// key up just before the first has carried it out, and plans it afterwards: its plan finds the
// configs changed, by the revert itself.
func TestRevertThatAnotherNodeCarriesOutMeanwhile(t *testing.T) {
	for _, when := range []string{"while the key is looked up", "after the key was looked up"} {
		t.Run(when, func(t *testing.T) {
			base := configstoretest.New(t, configstore.Options{})
			set := mustApply(t, base, configstoretest.Set(t, "a", "2"), configstoretest.Set(t, "b", "2"))
			undo := configstore.RevertSet{ChangeSet: set.Position, IdempotencyKey: configstoretest.Key(t, "undo")}
			var want configstore.SetOutcome
			var node *configstoretest.Store
			overtake := func() {
				var err error
				if want, err = base.RevertChangeSet(t.Context(), auth.Anonymous, undo); err != nil {
					t.Error(err)
				}
				configstoretest.MustReach(t, node, want.Position)
			}
			events := &overtakenStore{Store: base.Events}
			if when == "while the key is looked up" {
				events.afterReceipts = overtake
			} else {
				events.afterDurable = overtake
			}
			node = configstoretest.On(t, events, configstore.Options{})
			got, err := node.RevertChangeSet(t.Context(), auth.Anonymous, undo)
			if err != nil || describe(got) != describe(want) || got.Position != want.Position {
				t.Errorf("got %s at %s, %v, want the first outcome, %s at %s", describe(got), got.Position, err, describe(want), want.Position)
			}
		})
	}
}
