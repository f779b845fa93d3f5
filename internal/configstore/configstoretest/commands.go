package configstoretest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// Epoch is when the histories of tests begin.
var Epoch = time.Date(2026, 11, 22, 9, 10, 11, 123456000, time.UTC)

// Set returns a command that sets a config, whatever its version.
func Set(t testing.TB, name, value string) config.Set {
	t.Helper()
	return config.Set{Name: Name(t, name), Value: Value(t, value)}
}

// SetAt returns a command that sets a config if it has a version.
func SetAt(t testing.TB, name, value string, version config.Version) config.Set {
	t.Helper()
	cmd := Set(t, name, value)
	cmd.ExpectedVersion = &version
	return cmd
}

// SetOnce returns a set of one, with an idempotency key, that sets a config.
func SetOnce(t testing.TB, name, value, key string) config.ChangeSet {
	t.Helper()
	return Once(t, Set(t, name, value), key)
}

// Once returns a set of one with an idempotency key.
func Once(t testing.TB, cmd config.Command, key string) config.ChangeSet {
	t.Helper()
	set := config.Single(cmd)
	set.IdempotencyKey = Key(t, key)
	return set
}

// Key parses an idempotency key that must be valid. "" is the zero key.
func Key(t testing.TB, text string) config.IdempotencyKey {
	t.Helper()
	if text == "" {
		return config.IdempotencyKey{}
	}
	key, err := config.ParseIdempotencyKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Call is a set of one that a goroutine carries out.
type Call struct {
	// Done is closed when the set is answered. Outcome and Err are the answer.
	Done    chan struct{}
	Outcome configstore.Outcome
	Err     error
}

// Start has a goroutine carry out a set of one. It must be called in a bubble of testing/synctest,
// and returns when the set is queued or answered.
func Start(ctx context.Context, store *Store, set config.ChangeSet) *Call {
	c := &Call{Done: make(chan struct{})}
	go func() {
		defer close(c.Done)
		c.Outcome, c.Err = store.Do(ctx, auth.Anonymous, set)
	}()
	synctest.Wait()
	return c
}

// StartAll starts sets of one, one after the other, so that they are queued in their order.
func StartAll(ctx context.Context, store *Store, sets ...config.ChangeSet) []*Call {
	calls := make([]*Call, len(sets))
	for i, set := range sets {
		calls[i] = Start(ctx, store, set)
	}
	return calls
}

// IsAnswered reports whether the command is answered.
func (c *Call) IsAnswered() bool {
	select {
	case <-c.Done:
		return true
	default:
		return false
	}
}

// Wait waits until the command is answered, and returns Err.
func (c *Call) Wait() error {
	select {
	case <-c.Done:
		return c.Err
	case <-time.After(2 * time.Hour): // longer than any caller waits in a test
		return errors.New("a command got no answer")
	}
}

// SetElsewhere sets configs on another node, one change set for each name.
func SetElsewhere(t testing.TB, f *Faulty, names ...string) {
	t.Helper()
	node := configstore.New(f.Store, configstore.Options{})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = node.Run(ctx)
	}()
	MustGetReady(t, node)
	for _, name := range names {
		if _, err := node.Do(ctx, auth.Anonymous, config.Single(Set(t, name, "foreign"))); err != nil {
			t.Error(err)
		}
	}
	stop()
	<-done
}

// MustRead returns the whole history, with old values.
func MustRead(t testing.TB, s eventstore.Store) []*eventstore.Revision {
	t.Helper()
	records, err := s.Read(context.Background(), 0, eventstore.Limit{Records: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	var chain eventstore.Chain
	if _, err := chain.Verify(eventstore.Head{}, records); err != nil {
		t.Fatal(err)
	}
	revisions, err := eventstore.DecodeAll(records)
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[config.Name]config.Value)
	for _, r := range revisions {
		if r.HasOldValue() {
			r.OldValue = values[r.Name]
		}
		values[r.Name] = r.Value
	}
	return revisions
}

// MustHaveHistory fails the test unless the history is exactly these values, written as name=value.
func MustHaveHistory(t testing.TB, events eventstore.Store, want ...string) {
	t.Helper()
	var got []string
	for _, r := range MustRead(t, events) {
		got = append(got, r.Name.String()+"="+r.Value.String())
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the history is %q, want %q", got, want)
	}
}

// MustBeKind fails the test unless an error is of a kind and, when it is a
// [fault.UnavailableError], says whether the outcome is unknown.
func MustBeKind(t testing.TB, err error, want fault.Kind, unknown bool) {
	t.Helper()
	var unavailable *fault.UnavailableError
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("got error %v, want one of kind %d", err, want)
	}
	if errors.As(err, &unavailable) && unavailable.OutcomeUnknown != unknown {
		t.Errorf("the outcome is unknown: %t, want %t; error %v", unavailable.OutcomeUnknown, unknown, err)
	}
}

// MustEqualReplay fails the test unless the reader has what the history leads to.
func MustEqualReplay(t testing.TB, r *configstore.Reader, history []*eventstore.Revision) {
	t.Helper()
	want := make(map[config.Name]*eventstore.Revision)
	for _, e := range history[:r.Head().Seq] {
		want[e.Name] = e
	}
	page, err := r.Now().Configs(t.Context(), config.Filter{}, "", configstore.MaxPageSize)
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range page.Configs {
		if r := want[state.Name]; r == nil || !IsAfter(state, r) {
			t.Errorf("%s: got position %d, want %+v", state.Name, state.Seq, r)
		}
		delete(want, state.Name)
	}
	for name, r := range want {
		if r.HasValue() {
			t.Errorf("%s is missing", name)
		}
	}
}

// MustReach waits until a node has applied a position.
func MustReach(t testing.TB, node *Store, at eventstore.Position) {
	t.Helper()
	if _, err := node.FreshReader(t.Context(), auth.Anonymous, configstore.Freshness{AtLeast: &at, Wait: configstore.MaxPositionWait}); err != nil {
		t.Error(err)
	}
}
