package configstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// errAway is what operations of a store return that cannot be reached.
var errAway = errors.New("the store is away")

// faulty is a history in memory of which single operations fail, wait, or do something first. Where it tells nothing else, it
// is the real one.
type faulty struct {
	*memory.Store

	mu       sync.Mutex // guards what is below
	appended [][]eventstore.Record
	hooks    hooks
}

// hooks take the place of operations. A nil one is the operation itself.
type hooks struct {
	append func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error
	head   func(ctx context.Context) (eventstore.Head, error)
	read   func(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error)
	config func(ctx context.Context, branch eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error)
	back   func(ctx context.Context, branch eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error)
	at     func(ctx context.Context, branch eventstore.Head, instant time.Time) (eventstore.Record, error)
	asOf   func(ctx context.Context, branch eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error)
	wait   func(ctx context.Context, after eventstore.Seq) error

	receipts func(ctx context.Context, keys []eventstore.Key) ([]eventstore.Receipt, error)
	durable  func(ctx context.Context) (eventstore.Head, error) // nil: head, if there is one
}

func newFaulty() *faulty { return &faulty{Store: memory.New()} }

// become changes what the operations do from now on.
func (f *faulty) become(h hooks) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hooks = h
}

func (f *faulty) now() hooks {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hooks
}

// sent returns the records of each append so far, also of those that failed.
func (f *faulty) sent() [][]eventstore.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.appended
}

func (f *faulty) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	f.mu.Lock()
	f.appended = append(f.appended, records)
	hook := f.hooks.append
	f.mu.Unlock()
	if hook != nil {
		return hook(ctx, expected, records)
	}
	return f.Store.Append(ctx, expected, records, receipts...)
}

// AppendLocked goes the way of Append where that is another, so that it fails as often.
func (f *faulty) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	if f.now().append == nil {
		return f.Store.AppendLocked(ctx, after, decide)
	}
	head, err := f.Head(ctx)
	if err != nil {
		return eventstore.ErrNotWritten
	}
	missed, err := f.Read(ctx, after, eventstore.Limit{Records: eventstore.MaxMissed})
	if err != nil {
		return eventstore.ErrNotWritten
	}
	if after+eventstore.Seq(len(missed)) != head.Seq {
		return eventstore.ErrHeadMoved
	}
	records, receipts, err := decide(head, missed)
	if err != nil || len(records)+len(receipts) == 0 {
		return err
	}
	return f.Append(ctx, head, records, receipts...)
}

func (f *faulty) Head(ctx context.Context) (eventstore.Head, error) {
	if hook := f.now().head; hook != nil {
		return hook(ctx)
	}
	return f.Store.Head(ctx)
}

func (f *faulty) DurableHead(ctx context.Context) (eventstore.Head, error) {
	if hook := f.now().durable; hook != nil {
		return hook(ctx)
	}
	return f.Head(ctx)
}

func (f *faulty) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	if hook := f.now().read; hook != nil {
		return hook(ctx, after, limit)
	}
	return f.Store.Read(ctx, after, limit)
}

func (f *faulty) ReadBranch(ctx context.Context, branch eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	if hook := f.now().read; hook != nil {
		return hook(ctx, after, limit)
	}
	return f.Store.ReadBranch(ctx, branch, after, limit)
}

func (f *faulty) ReadConfig(ctx context.Context, branch eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	if hook := f.now().config; hook != nil {
		return hook(ctx, branch, name, after, limit)
	}
	return f.Store.ReadConfig(ctx, branch, name, after, limit)
}

func (f *faulty) ReadConfigBack(ctx context.Context, branch eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	if hook := f.now().back; hook != nil {
		return hook(ctx, branch, name, before, limit)
	}
	return f.Store.ReadConfigBack(ctx, branch, name, before, limit)
}

func (f *faulty) ReadInstant(ctx context.Context, branch eventstore.Head, instant time.Time) (eventstore.Record, error) {
	if hook := f.now().at; hook != nil {
		return hook(ctx, branch, instant)
	}
	return f.Store.ReadInstant(ctx, branch, instant)
}

func (f *faulty) ReadAsOf(ctx context.Context, branch eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	if hook := f.now().asOf; hook != nil {
		return hook(ctx, branch, q, limit)
	}
	return f.Store.ReadAsOf(ctx, branch, q, limit)
}

func (f *faulty) ReadReceipts(ctx context.Context, keys []eventstore.Key) ([]eventstore.Receipt, error) {
	if hook := f.now().receipts; hook != nil {
		return hook(ctx, keys)
	}
	return f.Store.ReadReceipts(ctx, keys)
}

func (f *faulty) Wait(ctx context.Context, after eventstore.Seq) error {
	if hook := f.now().wait; hook != nil {
		return hook(ctx, after)
	}
	return f.Store.Wait(ctx, after)
}

// away are the hooks of a store that cannot be reached at all.
func away() hooks {
	return hooks{
		append: func(context.Context, eventstore.Head, []eventstore.Record) error { return errAway },
		head:   func(context.Context) (eventstore.Head, error) { return eventstore.Head{}, errAway },
		read: func(context.Context, eventstore.Seq, eventstore.Limit) ([]eventstore.Record, error) {
			return nil, errAway
		},
		config: func(context.Context, eventstore.Head, string, int, eventstore.Limit) ([]eventstore.Record, error) {
			return nil, errAway
		},
		back: func(context.Context, eventstore.Head, string, int, eventstore.Limit) ([]eventstore.Record, error) {
			return nil, errAway
		},
		at: func(context.Context, eventstore.Head, time.Time) (eventstore.Record, error) {
			return eventstore.Record{}, errAway
		},
		asOf: func(context.Context, eventstore.Head, eventstore.AsOf, eventstore.Limit) ([]eventstore.Record, error) {
			return nil, errAway
		},
		wait: func(context.Context, eventstore.Seq) error { return errAway },

		receipts: func(context.Context, []eventstore.Key) ([]eventstore.Receipt, error) { return nil, errAway },
	}
}

// deaf are the hooks of a store that never tells of new records, so that a node on it learns of them by its own writes alone.
func deaf() hooks {
	return hooks{wait: func(ctx context.Context, _ eventstore.Seq) error {
		<-ctx.Done()
		return ctx.Err()
	}}
}

// hold makes the appends of a store wait until release is called.
func (f *faulty) hold() (release func()) {
	gate := make(chan struct{})
	f.become(hooks{append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
		<-gate
		return f.Store.Append(ctx, expected, records)
	}})
	return func() { close(gate) }
}

// mustRead returns the whole history.
func mustRead(t testing.TB, s eventstore.Store) []*eventstore.Revision {
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
	return revisions
}

// set is a command that sets a config, whatever its version.
func set(t testing.TB, name, value string) config.Set {
	t.Helper()
	return config.Set{Name: configstoretest.Name(t, name), Value: configstoretest.Value(t, value)}
}

// setAt is a command that sets a config of that version.
func setAt(t testing.TB, name, value string, version config.Version) config.Set {
	t.Helper()
	cmd := set(t, name, value)
	cmd.ExpectedVersion = &version
	return cmd
}

// mustBeKind fails the test unless an error is of a kind, and says no more than is known of the outcome.
func mustBeKind(t testing.TB, err error, want configstore.Kind, unknown bool) {
	t.Helper()
	var unavailable *configstore.UnavailableError
	if err == nil || configstore.KindOf(err) != want {
		t.Errorf("got error %v, want one of kind %d", err, want)
	}
	if errors.As(err, &unavailable) && unavailable.OutcomeUnknown != unknown {
		t.Errorf("the outcome is unknown: %t, want %t; error %v", unavailable.OutcomeUnknown, unknown, err)
	}
}
