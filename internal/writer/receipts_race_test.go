package writer_test

import (
	"context"
	"reflect"
	"sync"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// raced is an event store on which something happens once, right after receipts were read.
type raced struct {
	eventstore.Store
	then func()
	once sync.Once

	receipts func() error // replaces later reads of receipts; nil: the real ones
}

func (r *raced) ReadReceipts(ctx context.Context, keys []eventstore.Key) ([]eventstore.Receipt, error) {
	first := false
	found, err := r.Store.ReadReceipts(ctx, keys)
	r.once.Do(func() { first = true; r.then() })
	if !first && r.receipts != nil {
		return nil, r.receipts()
	}
	return found, err
}

// conditional returns a command whose own effect makes it impossible: it expects the version
// before.
func conditional(t *testing.T) config.ChangeSet {
	return configstoretest.Once(t, configstoretest.SetAt(t, "a", "2", 1), "k")
}

// TestKeyThatAnotherNodeTakesWhileItIsLookedUp sends a command to two nodes. The second looks its
// key up just before the first has carried it out, and decides it afterwards.
func TestKeyThatAnotherNodeTakesWhileItIsLookedUp(t *testing.T) {
	base := configstoretest.New(t, configstore.Options{})
	base.MustSet(t, "a", "1")
	cmd := conditional(t)
	var want configstore.Outcome
	var node *configstoretest.Store
	events := &raced{Store: base.Events, then: func() {
		var err error
		if want, err = base.Do(t.Context(), auth.Anonymous, cmd); err != nil {
			t.Error(err)
		}
		configstoretest.MustReach(t, node, want.Position)
	}}
	node = configstoretest.On(t, events, configstore.Options{})
	got, err := node.Do(t.Context(), auth.Anonymous, cmd)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want the first outcome %+v", got, err, want)
	}
	other := cmd
	other.IdempotencyKey = configstoretest.Key(t, "other")
	_, err = node.Do(t.Context(), auth.Anonymous, other)
	configstoretest.MustBeKind(t, err, fault.VersionConflict, false)
}

// TestKeyThatAnotherNodeTakesBeforeTheLock is the same for a node that locks the head, and has the
// effect among the events that it missed.
func TestKeyThatAnotherNodeTakesBeforeTheLock(t *testing.T) {
	base := configstoretest.New(t, configstore.Options{})
	overtaken := &overtaken{Store: base.Events, times: 2, overtake: func() { base.MustSet(t, "b", "foreign") }}
	cmd := conditional(t)
	var want configstore.Outcome
	events := &raced{Store: overtaken, then: func() {
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

// TestKeyThatCannotBeLookedUpAgain must not end with a refusal that the command itself may have
// caused.
func TestKeyThatCannotBeLookedUpAgain(t *testing.T) {
	base := configstoretest.New(t, configstore.Options{})
	base.MustSet(t, "a", "1")
	cmd := conditional(t)
	var node *configstoretest.Store
	events := &raced{Store: base.Events, receipts: func() error { return configstoretest.ErrUnreachable }, then: func() {
		done, err := base.Do(t.Context(), auth.Anonymous, cmd)
		if err != nil {
			t.Error(err)
		}
		configstoretest.MustReach(t, node, done.Position)
	}}
	node = configstoretest.On(t, events, configstore.Options{})
	_, err := node.Do(t.Context(), auth.Anonymous, cmd)
	configstoretest.MustBeKind(t, err, fault.Unavailable, true)
}
