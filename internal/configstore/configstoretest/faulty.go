package configstoretest

import (
	"context"
	"errors"
	"sync"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// ErrUnreachable is what the operations of an unreachable store return.
var ErrUnreachable = errors.New("the store is unreachable")

// Faulty is an event store in memory whose operations can be replaced one by one. Operations
// without a hook are the real ones.
type Faulty struct {
	*memory.Store

	mu       sync.Mutex // guards what is below
	appended [][]eventstore.Record
	hooks    Hooks
}

// Hooks replace operations. nil: the real operation.
type Hooks struct {
	Append         func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error
	Head           func(ctx context.Context) (eventstore.Head, error)
	Read           func(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error)
	ReadConfig     func(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error)
	ReadConfigBack func(ctx context.Context, basis eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error)
	ReadBack       func(ctx context.Context, basis eventstore.Head, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error)
	ReadNames      func(ctx context.Context, basis eventstore.Head, after, upTo eventstore.Seq) ([]string, error)
	ReadHeads      func(ctx context.Context, basis eventstore.Head, seqs []eventstore.Seq) ([]eventstore.Head, error)
	ReadInstant    func(ctx context.Context, basis eventstore.Head, instant time.Time) (eventstore.Record, error)
	ReadAsOf       func(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error)
	ReadVersions   func(ctx context.Context, basis eventstore.Head, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error)
	LookUp         func(ctx context.Context, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error)
	Wait           func(ctx context.Context, after eventstore.Seq) error

	ReadReceipts func(ctx context.Context, keys []eventstore.Key) ([]eventstore.Receipt, error)
	DurableHead  func(ctx context.Context) (eventstore.Head, error) // nil: Head, if that is not nil
}

// NewFaulty returns an empty event store without hooks.
func NewFaulty() *Faulty { return &Faulty{Store: memory.New()} }

// SetHooks replaces all hooks.
func (f *Faulty) SetHooks(h Hooks) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hooks = h
}

func (f *Faulty) currentHooks() Hooks {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hooks
}

// Appends returns the records of each append so far, also of those that failed.
func (f *Faulty) Appends() [][]eventstore.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.appended
}

func (f *Faulty) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	f.mu.Lock()
	f.appended = append(f.appended, records)
	hook := f.hooks.Append
	f.mu.Unlock()
	if hook != nil {
		return hook(ctx, expected, records)
	}
	return f.Store.Append(ctx, expected, records, receipts...)
}

// AppendLocked calls Append when that has a hook, so that both fail alike.
func (f *Faulty) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	if f.currentHooks().Append == nil {
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

func (f *Faulty) Head(ctx context.Context) (eventstore.Head, error) {
	if hook := f.currentHooks().Head; hook != nil {
		return hook(ctx)
	}
	return f.Store.Head(ctx)
}

func (f *Faulty) DurableHead(ctx context.Context) (eventstore.Head, error) {
	if hook := f.currentHooks().DurableHead; hook != nil {
		return hook(ctx)
	}
	return f.Head(ctx)
}

func (f *Faulty) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	if hook := f.currentHooks().Read; hook != nil {
		return hook(ctx, after, limit)
	}
	return f.Store.Read(ctx, after, limit)
}

func (f *Faulty) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	if hook := f.currentHooks().Read; hook != nil {
		return hook(ctx, after, limit)
	}
	return f.Store.ReadHistory(ctx, basis, after, limit)
}

func (f *Faulty) ReadConfig(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	if hook := f.currentHooks().ReadConfig; hook != nil {
		return hook(ctx, basis, name, after, limit)
	}
	return f.Store.ReadConfig(ctx, basis, name, after, limit)
}

func (f *Faulty) ReadConfigBack(ctx context.Context, basis eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	if hook := f.currentHooks().ReadConfigBack; hook != nil {
		return hook(ctx, basis, name, before, limit)
	}
	return f.Store.ReadConfigBack(ctx, basis, name, before, limit)
}

func (f *Faulty) ReadBack(ctx context.Context, basis eventstore.Head, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
	if hook := f.currentHooks().ReadBack; hook != nil {
		return hook(ctx, basis, q, limit)
	}
	return f.Store.ReadBack(ctx, basis, q, limit)
}

func (f *Faulty) ReadNames(ctx context.Context, basis eventstore.Head, after, upTo eventstore.Seq) ([]string, error) {
	if hook := f.currentHooks().ReadNames; hook != nil {
		return hook(ctx, basis, after, upTo)
	}
	return f.Store.ReadNames(ctx, basis, after, upTo)
}

func (f *Faulty) ReadHeads(ctx context.Context, basis eventstore.Head, seqs []eventstore.Seq) ([]eventstore.Head, error) {
	if hook := f.currentHooks().ReadHeads; hook != nil {
		return hook(ctx, basis, seqs)
	}
	return f.Store.ReadHeads(ctx, basis, seqs)
}

func (f *Faulty) ReadInstant(ctx context.Context, basis eventstore.Head, instant time.Time) (eventstore.Record, error) {
	if hook := f.currentHooks().ReadInstant; hook != nil {
		return hook(ctx, basis, instant)
	}
	return f.Store.ReadInstant(ctx, basis, instant)
}

func (f *Faulty) ReadAsOf(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	if hook := f.currentHooks().ReadAsOf; hook != nil {
		return hook(ctx, basis, q, limit)
	}
	return f.Store.ReadAsOf(ctx, basis, q, limit)
}

func (f *Faulty) ReadVersions(ctx context.Context, basis eventstore.Head, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	if hook := f.currentHooks().ReadVersions; hook != nil {
		return hook(ctx, basis, versions, limit)
	}
	return f.Store.ReadVersions(ctx, basis, versions, limit)
}

func (f *Faulty) LookUp(ctx context.Context, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	if hook := f.currentHooks().LookUp; hook != nil {
		return hook(ctx, versions, limit)
	}
	return f.Store.LookUp(ctx, versions, limit)
}

func (f *Faulty) ReadReceipts(ctx context.Context, keys []eventstore.Key) ([]eventstore.Receipt, error) {
	if hook := f.currentHooks().ReadReceipts; hook != nil {
		return hook(ctx, keys)
	}
	return f.Store.ReadReceipts(ctx, keys)
}

func (f *Faulty) Wait(ctx context.Context, after eventstore.Seq) error {
	if hook := f.currentHooks().Wait; hook != nil {
		return hook(ctx, after)
	}
	return f.Store.Wait(ctx, after)
}

// Unreachable returns hooks that all fail with [ErrUnreachable].
func Unreachable() Hooks {
	return Hooks{
		Append: func(context.Context, eventstore.Head, []eventstore.Record) error { return ErrUnreachable },
		Head:   func(context.Context) (eventstore.Head, error) { return eventstore.Head{}, ErrUnreachable },
		Read: func(context.Context, eventstore.Seq, eventstore.Limit) ([]eventstore.Record, error) {
			return nil, ErrUnreachable
		},
		ReadConfig: func(context.Context, eventstore.Head, string, int, eventstore.Limit) ([]eventstore.Record, error) {
			return nil, ErrUnreachable
		},
		ReadConfigBack: func(context.Context, eventstore.Head, string, int, eventstore.Limit) ([]eventstore.Record, error) {
			return nil, ErrUnreachable
		},
		ReadBack: func(context.Context, eventstore.Head, eventstore.Back, eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
			return nil, 0, ErrUnreachable
		},
		ReadNames: func(context.Context, eventstore.Head, eventstore.Seq, eventstore.Seq) ([]string, error) {
			return nil, ErrUnreachable
		},
		ReadHeads: func(context.Context, eventstore.Head, []eventstore.Seq) ([]eventstore.Head, error) {
			return nil, ErrUnreachable
		},
		ReadInstant: func(context.Context, eventstore.Head, time.Time) (eventstore.Record, error) {
			return eventstore.Record{}, ErrUnreachable
		},
		ReadAsOf: func(context.Context, eventstore.Head, eventstore.AsOf, eventstore.Limit) ([]eventstore.Record, error) {
			return nil, ErrUnreachable
		},
		ReadVersions: func(context.Context, eventstore.Head, []eventstore.VersionOf, eventstore.Limit) ([]eventstore.Record, error) {
			return nil, ErrUnreachable
		},
		LookUp: func(context.Context, []eventstore.VersionOf, eventstore.Limit) ([]eventstore.Record, error) {
			return nil, ErrUnreachable
		},
		Wait: func(context.Context, eventstore.Seq) error { return ErrUnreachable },

		ReadReceipts: func(context.Context, []eventstore.Key) ([]eventstore.Receipt, error) { return nil, ErrUnreachable },
	}
}

// Silent returns hooks of a store that never notifies of new records: a node learns of them by its
// own writes alone.
func Silent() Hooks {
	return Hooks{Wait: func(ctx context.Context, _ eventstore.Seq) error {
		<-ctx.Done()
		return ctx.Err()
	}}
}

// HoldAppends makes appends wait until release is called.
func (f *Faulty) HoldAppends() (release func()) {
	released := make(chan struct{})
	f.SetHooks(Hooks{Append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
		<-released
		return f.Store.Append(ctx, expected, records)
	}})
	return func() { close(released) }
}

// Tick is a hook for Wait that returns every millisecond. It is for a store whose history is
// replaced by another one, which may be shorter.
func Tick(ctx context.Context, _ eventstore.Seq) error {
	select {
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
	}
	return ctx.Err()
}

// ErrAnswerLost is what an append returns whose outcome is unknown.
var ErrAnswerLost = errors.New("the connection was lost")

// ScriptAppends replaces the next appends, one by one. Those after them are the real ones.
func (f *Faulty) ScriptAppends(script ...func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error) {
	f.SetHooks(Hooks{Append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
		if len(script) == 0 {
			return f.Store.Append(ctx, expected, records)
		}
		next := script[0]
		script = script[1:]
		return next(ctx, expected, records)
	}})
}

// LoseAnswer is a hook for Append that writes, but returns [ErrAnswerLost].
func (f *Faulty) LoseAnswer(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
	_ = f.Store.Append(ctx, expected, records)
	return ErrAnswerLost
}
