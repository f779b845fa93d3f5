package configstore_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// late is a history on which something happens right after receipts were read, once.
type late struct {
	eventstore.Store
	then func()
	once sync.Once

	receipts func() error // what the reads of receipts after that come to first; nil: to what there is
}

func (l *late) ReadReceipts(ctx context.Context, keys []eventstore.Key) ([]eventstore.Receipt, error) {
	first := false
	found, err := l.Store.ReadReceipts(ctx, keys)
	l.once.Do(func() { first = true; l.then() })
	if !first && l.receipts != nil {
		return nil, l.receipts()
	}
	return found, err
}

// conditional is a command that its own effect makes impossible: it expects the version before.
func conditional(t *testing.T) config.Set {
	cmd := setAt(t, "a", "2", 1)
	cmd.IdempotencyKey = keyOf(t, "k")
	return cmd
}

// TestKeyThatAnotherNodeTakesWhileItIsLookedUp sends a command to two nodes. The second looks its key up just before the first
// has carried it out, and judges it afterwards.
func TestKeyThatAnotherNodeTakesWhileItIsLookedUp(t *testing.T) {
	base := configstoretest.New(t, configstore.Options{})
	base.MustSet(t, "a", "1")
	cmd := conditional(t)
	var want configstore.Outcome
	var node *configstoretest.Store
	events := &late{Store: base.Events, then: func() {
		var err error
		if want, err = base.Do(t.Context(), auth.Anonymous, cmd); err != nil {
			t.Error(err)
		}
		mustReach(t, node, want.Position)
	}}
	node = configstoretest.On(t, events, configstore.Options{})
	got, err := node.Do(t.Context(), auth.Anonymous, cmd)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want the first outcome %+v", got, err, want)
	}
	other := cmd
	other.IdempotencyKey = keyOf(t, "other")
	_, err = node.Do(t.Context(), auth.Anonymous, other)
	mustBeKind(t, err, configstore.VersionConflict, false)
}

// TestKeyThatAnotherNodeTakesBeforeTheLock is the same for a node that locks the head and finds the effect among what it missed.
func TestKeyThatAnotherNodeTakesBeforeTheLock(t *testing.T) {
	base := configstoretest.New(t, configstore.Options{})
	overtaken := &overtaken{Store: base.Events, times: 2, overtake: func() { base.MustSet(t, "b", "foreign") }}
	cmd := conditional(t)
	var want configstore.Outcome
	events := &late{Store: overtaken, then: func() {
		var err error
		if want, err = base.Do(t.Context(), auth.Anonymous, cmd); err != nil {
			t.Error(err)
		}
	}}
	node := configstoretest.On(t, events, configstore.Options{})
	node.MustSet(t, "c", "1") // loses twice, then locks
	base.MustSet(t, "a", "1")
	got, err := node.Do(t.Context(), auth.Anonymous, cmd)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want the first outcome %+v", got, err, want)
	}
}

// TestKeyThatCannotBeLookedUpAgain must not come to a refusal that may be the command's own effect.
func TestKeyThatCannotBeLookedUpAgain(t *testing.T) {
	base := configstoretest.New(t, configstore.Options{})
	base.MustSet(t, "a", "1")
	cmd := conditional(t)
	var node *configstoretest.Store
	events := &late{Store: base.Events, receipts: func() error { return errors.New("away") }, then: func() {
		done, err := base.Do(t.Context(), auth.Anonymous, cmd)
		if err != nil {
			t.Error(err)
		}
		mustReach(t, node, done.Position)
	}}
	node = configstoretest.On(t, events, configstore.Options{})
	_, err := node.Do(t.Context(), auth.Anonymous, cmd)
	mustBeKind(t, err, configstore.Unavailable, true)
}

func mustReach(t *testing.T, node *configstoretest.Store, at eventstore.Position) {
	t.Helper()
	if _, err := node.FreshReader(t.Context(), auth.Anonymous, configstore.Freshness{AtLeast: &at, Wait: configstore.MaxPositionWait}); err != nil {
		t.Error(err)
	}
}
