package eventstoretest

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"configapi/internal/eventstore"
)

var waitLaws = []law{
	{"Wait returns when there are records already", waitForThePast},
	{"Wait returns after an append through any handle", waitForAppend},
	{"Wait ends with its context", waitUntilContextEnds},
	{"a method whose context has ended returns its error", endedContext},
	{"an append whose context ends is there whole or not at all", contextEndsDuringAppend},
}

// patience is how long a test waits for something that should happen soon.
const patience = 20 * time.Second

func waitForThePast(t *testing.T, open func() eventstore.Store) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stores := []eventstore.Store{open(), open()}
	newWriter(t, stores[0]).write("a", "b", "c")
	for _, s := range stores {
		for after := range eventstore.Seq(3) {
			if err := s.Wait(ctx, after); err != nil {
				t.Errorf("Wait(%d): got %v, want none", after, err)
			}
		}
	}
}

func waitForAppend(t *testing.T, open func() eventstore.Store) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stores := []eventstore.Store{open(), open(), open()}
	w := newWriter(t, stores[0])
	for _, s := range stores[:2] {
		w.store = s
		after := w.written.head().Seq
		var group errgroup.Group
		for i := range 9 {
			group.Go(func() error { return waitFor(ctx, stores[i%3], after) })
		}
		w.write("a", "b")
		if err := group.Wait(); err != nil {
			t.Fatalf("waiting for records after seq %d: %v", after, err)
		}
	}
}

// waitFor waits as a follower does: Wait may return early, so it reads after each call.
func waitFor(ctx context.Context, s eventstore.Store, after eventstore.Seq) error {
	for {
		if err := s.Wait(ctx, after); err != nil {
			return err
		}
		if records, err := s.Read(ctx, after, eventstore.Limit{Records: 1}); err != nil || len(records) > 0 {
			return err
		}
	}
}

func waitUntilContextEnds(t *testing.T, open func() eventstore.Store) {
	s := open()
	newWriter(t, s).write("a")
	for _, after := range []eventstore.Seq{1, 1_000_000} {
		ctx, cancel := context.WithCancel(t.Context())
		var group errgroup.Group
		for range 3 {
			group.Go(func() error { return waitFor(ctx, s, after) })
		}
		cancel()
		if err := group.Wait(); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait(%d): got %v, want %v", after, err, context.Canceled)
		}
	}
}

func endedContext(t *testing.T, open func() eventstore.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := newWriter(t, open())
	w.write("a")
	for method, call := range map[string]func(context.Context) error{
		"Head": func(ctx context.Context) error { _, err := w.store.Head(ctx); return err },
		"Read": func(ctx context.Context) error { _, err := w.store.Read(ctx, 0, eventstore.Limit{}); return err },
		"ReadHistory": func(ctx context.Context) error {
			_, err := w.store.ReadHistory(ctx, eventstore.Head{}, 0, eventstore.Limit{})
			return err
		},
		"ReadConfig": func(ctx context.Context) error {
			_, err := w.store.ReadConfig(ctx, eventstore.Head{}, "a", 0, eventstore.Limit{})
			return err
		},
		"ReadConfigBack": func(ctx context.Context) error {
			_, err := w.store.ReadConfigBack(ctx, eventstore.Head{}, "a", 2, eventstore.Limit{})
			return err
		},
		"ReadInstant": func(ctx context.Context) error {
			_, err := w.store.ReadInstant(ctx, eventstore.Head{}, epoch)
			return err
		},
		"ReadAsOf": func(ctx context.Context) error {
			_, err := w.store.ReadAsOf(ctx, eventstore.Head{}, eventstore.AsOf{At: 1, Names: []string{"a"}}, eventstore.Limit{})
			return err
		},
		"Wait": func(ctx context.Context) error { return w.store.Wait(ctx, 0) },
	} {
		if err := call(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want %v", method, err, context.Canceled)
		}
		if err := call(t.Context()); err != nil {
			t.Errorf("%s after that: %v", method, err)
		}
	}
	records := w.drafts("a", "b")
	seal(w.written.head(), records)
	if err := w.store.Append(ctx, w.written.head(), records); !errors.Is(err, context.Canceled) {
		t.Errorf("Append: got %v, want %v", err, context.Canceled)
	} else {
		resolve(t, w, records, err)
	}
	w.write("a")
	mustHold(t, w.store, w.written)
}

func contextEndsDuringAppend(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	for i := range 20 {
		records := w.drafts("a", "b", "c", "d", "e", "f", "g", "h")
		seal(w.written.head(), records)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(10*i*i)*time.Microsecond)
		resolve(t, w, records, w.store.Append(ctx, w.written.head(), records))
		cancel()
	}
	mustHold(t, w.store, w.written)
	mustHold(t, open(), w.written)
}

// resolve resolves the outcome of an append that ended with err, as the sixth law asks of a
// writer, and appends again if it was not written.
func resolve(t *testing.T, w *writer, records []eventstore.Record, err error) {
	t.Helper()
	before := w.written.head()
	w.written = append(w.written, records...)
	if errors.Is(err, eventstore.ErrNotWritten) {
		mustHaveHead(t, w.store, before)
	}
	if errors.Is(err, eventstore.ErrHeadMoved) {
		t.Fatalf("appending after %s: got %v, but there is no other writer", before.Position(), err)
	}
	for deadline := time.Now().Add(patience); err != nil && time.Now().Before(deadline); {
		if err = w.store.Append(t.Context(), before, records); errors.Is(err, eventstore.ErrHeadMoved) {
			err = nil // written by the first copy, as the comparison with w.written shows
		}
	}
	if err != nil {
		t.Fatalf("resolving an append after %s: %v", before.Position(), err)
	}
	mustHaveHead(t, w.store, w.written.head())
}
