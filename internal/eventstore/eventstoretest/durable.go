package eventstoretest

import (
	"context"
	"errors"
	"testing"

	"configapi/internal/eventstore"
)

var durableLaws = []law{
	{"the durable head is the head, and asking for it changes nothing", durableHead},
	{"the durable head can be asked for while others append", durableHeadBesideAppends},
}

// mustBeDurable fails unless the durable head of a store is as wanted.
func mustBeDurable(t testing.TB, s eventstore.Store, want eventstore.Head) {
	t.Helper()
	if got, err := s.DurableHead(t.Context()); err != nil || got != want {
		t.Fatalf("DurableHead: got %v, %v, want %v", got, err, want)
	}
}

func durableHead(t *testing.T, open func() eventstore.Store) {
	w, other := newWriter(t, open()), open()
	mustBeDurable(t, w.store, eventstore.Head{})
	kept := receipt("ann", "k")
	for _, names := range [][]string{{"a"}, {"b", "c"}} {
		w.write(names...)
		mustBeDurable(t, w.store, w.written.head())
		mustBeDurable(t, other, w.written.head())
	}
	w.appendWith(w.drafts("a"), kept)
	mustBeDurable(t, other, w.written.head())
	mustHold(t, other, w.written)
	mustHaveReceipts(t, other, []eventstore.Receipt{kept})
	w.write("d") // later appends work as before
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := other.DurableHead(ended); err == nil {
		t.Error("DurableHead with a context that has ended: got no error")
	}
	mustBeDurable(t, other, w.written.head())
}

// durableHeadBesideAppends asks for the durable head again and again while another goroutine
// appends. Neither fails, and the head never goes back.
func durableHeadBesideAppends(t *testing.T, open func() eventstore.Store) {
	const appends = 20
	w, other := newWriter(t, open()), open()
	asked := make(chan error, 1)
	go func() {
		var before eventstore.Seq
		for before < appends {
			head, err := other.DurableHead(t.Context())
			if err == nil && head.Seq < before {
				err = errors.New("it went back")
			}
			if err != nil {
				asked <- err
				return
			}
			before = head.Seq
		}
		asked <- nil
	}()
	for range appends {
		w.write("a")
	}
	if err := <-asked; err != nil {
		t.Errorf("DurableHead: %v", err)
	}
}
