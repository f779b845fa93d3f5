package configstore_test

import (
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// TestRollingUpgrade has a node that knows a kind of facts and one that does not. The latter stops
// before the first such fact, says why, and goes on when it knows the kind, too.
func TestRollingUpgrade(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events := open(t)
			quick := configstore.Options{PositionWait: 50 * time.Millisecond}
			quick.Codec = configstoretest.Codec()
			newer := configstoretest.On(t, events, quick)
			newer.MustSet(t, "a", "before")
			quick.Codec = config.Codec{}
			older := configstoretest.On(t, events, quick)
			before := older.Reader(auth.Anonymous).Head()

			at := configstoretest.MustAppendErasure(t, events, "$erasure/1", 1)
			configstoretest.MustReach(t, newer, at.Position())
			last := newer.MustSet(t, "a", "after")
			if r := newer.Reader(auth.Anonymous).State(configstoretest.Name(t, "a")); r.Seq != 3 {
				t.Errorf("the newer node has a at position %d, want 3", r.Seq)
			}

			const want = `decoding the event at seq 2: unknown event type "TestValuesErased", schema version 1: probably a newer program wrote it`
			mustSay(t, older, want)
			if got := older.Reader(auth.Anonymous).Head(); !got.Same(before) {
				t.Errorf("the older node is at position %d, want %d", got.Seq, before.Seq)
			}
			if _, err := older.Reader(auth.Anonymous).AsOf(t.Context(), last.Position); fault.KindOf(err) != fault.PositionNotReached {
				t.Errorf("a position that the older node cannot reach: got %v", err)
			}
			if _, err := older.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, "b", "1"))); fault.KindOf(err) != fault.Unavailable {
				t.Errorf("a write of the older node: got %v", err)
			}

			restarted := configstoretest.On(t, events, configstore.Options{Codec: configstoretest.Codec()})
			if got := restarted.Reader(auth.Anonymous).Config(configstoretest.Name(t, "a")); got.Value.String() != "after" {
				t.Errorf("after an upgrade: got %q", got.Value)
			}
			restarted.MustSet(t, "b", "1")
		})
	}
}

// mustSay fails unless the health of a node gives a reason soon.
func mustSay(t *testing.T, node *configstoretest.Store, want string) {
	t.Helper()
	for end := time.Now().Add(configstoretest.Patience); ; {
		health := node.Health(t.Context())
		if health.Projection != nil && strings.Contains(health.Projection.Error(), want) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("health says %v, want %q", health.Projection, want)
		}
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
		}
	}
}

// TestStreamsOfOtherKindsMoveThePosition: a stream of configs only learns how far it has come.
func TestStreamsOfOtherKindsMoveThePosition(t *testing.T) {
	node := configstoretest.New(t, configstore.Options{Codec: configstoretest.Codec(), ProgressInterval: time.Millisecond})
	node.MustSet(t, "a", "1")
	watch := mustWatch(t, node, config.Filter{}, nil)
	if _, err := watch.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	for version := range 3 {
		at := configstoretest.MustAppendErasure(t, node.Events, "$erasure/1", version+1)
		if m, err := watch.Next(t.Context()); err != nil || len(m.Revisions) > 0 || m.Position != at.Position() {
			t.Errorf("got %d changes at %s, %v, want none at %s", len(m.Revisions), m.Position, err, at.Position())
		}
	}
	node.MustSet(t, "a", "2")
	if m, err := watch.Next(t.Context()); err != nil || len(m.Revisions) != 1 || m.Position.Seq != 5 {
		t.Errorf("got %d changes at %s, %v, want one at position 5", len(m.Revisions), m.Position, err)
	}
	changes, err := node.Reader(auth.Anonymous).Changes(t.Context(), eventstore.Position{}, config.Filter{}, 1)
	if err != nil || len(changes.Revisions) != 1 || changes.Position.Seq != 1 {
		t.Errorf("got %d changes up to %s, %v, want one up to position 1", len(changes.Revisions), changes.Position, err)
	}
}

// TestStreamThatCannotFollow: versions of a stream that is no config have no gap either.
func TestStreamThatCannotFollow(t *testing.T) {
	node := configstoretest.New(t, configstore.Options{})
	configstoretest.MustAppendErasure(t, node.Events, "$erasure/1", 1)
	configstoretest.MustAppendErasure(t, node.Events, "$erasure/1", 3)
	mustNotStart(t, node.Events, configstore.Options{Codec: configstoretest.Codec()}, `version 3 of stream "$erasure/1" follows version 1`)
}
