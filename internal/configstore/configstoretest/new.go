// Package configstoretest helps tests of the config store and of what is above it: it runs a store,
// fills it, and replaces operations of the event store below it by faulty ones.
package configstoretest

import (
	"context"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/projection"
)

// Store is a running config store with helpers for tests.
type Store struct {
	*configstore.Store
	// Events is the event store below.
	Events eventstore.Store
	t      testing.TB
}

// New returns a running config store on an empty history in memory. It stops at the end of the
// test.
func New(t testing.TB, opts configstore.Options) *Store {
	t.Helper()
	return On(t, memory.New(), opts)
}

// On returns a running config store on an event store. It has applied what the event store holds,
// and stops at the end of the test.
func On(t testing.TB, events eventstore.Store, opts configstore.Options) *Store {
	t.Helper()
	store := configstore.New(events, opts)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("running the config store: %v", err)
			}
		case <-time.After(Patience):
			t.Error("the config store did not stop")
		}
	})
	MustGetReady(t, store)
	return Of(t, store, events)
}

// Patience is how long tests wait for what should happen soon, so that a bug fails them instead of
// hanging them.
const Patience = 20 * time.Second

// MustGetReady waits until a running store has applied its history.
func MustGetReady(t testing.TB, store *configstore.Store) {
	t.Helper()
	select {
	case <-store.Ready():
	case <-time.After(Patience):
		t.Fatal("the config store did not get ready")
	}
}

// Of returns a config store that the caller runs with the helpers for tests.
func Of(t testing.TB, store *configstore.Store, events eventstore.Store) *Store {
	return &Store{store, events, t}
}

// Reader returns a reader of the newest state. The store must be ready.
func (s *Store) Reader(caller auth.Caller) *configstore.Reader {
	s.t.Helper()
	reader, err := s.Store.Reader(caller)
	if err != nil {
		s.t.Error(err)
	}
	return reader
}

// WatchConfig returns a stream of the states of one config. The store must be ready.
func (s *Store) WatchConfig(caller auth.Caller, name config.Name) *configstore.ConfigWatch {
	s.t.Helper()
	watch, err := s.Store.WatchConfig(caller, name)
	if err != nil {
		s.t.Error(err)
	}
	return watch
}

// MustSet gives a config a value.
func (s *Store) MustSet(t testing.TB, name, value string) configstore.Outcome {
	t.Helper()
	return s.mustDo(t, config.Set{Name: Name(t, name), Value: Value(t, value)})
}

// MustDelete deletes a config.
func (s *Store) MustDelete(t testing.TB, name string) configstore.Outcome {
	t.Helper()
	return s.mustDo(t, config.Delete{Name: Name(t, name)})
}

// MustRestore brings a config back with its last value.
func (s *Store) MustRestore(t testing.TB, name string) configstore.Outcome {
	t.Helper()
	return s.mustDo(t, config.Restore{Name: Name(t, name)})
}

func (s *Store) mustDo(t testing.TB, cmd config.Command) configstore.Outcome {
	t.Helper()
	// A change can be read before its caller has the answer: a goroutine that makes one may still
	// wait for that when the test has read the change and ends.
	ctx := context.WithoutCancel(t.Context())
	outcome, err := s.Do(ctx, auth.Anonymous, config.Single(cmd))
	if err != nil {
		t.Fatalf("doing %+v: %v", cmd, err)
	}
	return outcome
}

// Name parses a name that must be valid.
func Name(t testing.TB, text string) config.Name {
	t.Helper()
	name, err := config.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// Value parses a value that must be valid.
func Value(t testing.TB, text string) config.Value {
	t.Helper()
	value, err := config.ParseValue(text, config.DefaultMaxValueBytes)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// IsAfter reports whether a state is the one right after a revision. The old value is not compared:
// the state has none.
func IsAfter(c *projection.Config, r *eventstore.Revision) bool {
	want := r.Event
	want.OldValue = config.Value{}
	return c.Event() == want && c.Position() == r.Position() && c.ChangeSet() == r.ChangeSet &&
		same(c.Actor(), r.Actor) && same(c.Reason(), r.Reason)
}

func same(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
