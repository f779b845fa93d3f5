package eventstoretest

import (
	"context"
	"testing"

	"configapi/internal/eventstore"
)

// keeper is a store that keeps how far its history was verified.
type keeper interface {
	ReadVerified(context.Context) (eventstore.Head, error)
	KeepVerified(context.Context, eventstore.Head) error
}

// RunKeeper proves that a store keeps the newest verified head, for all stores on the history, and
// that this is no part of the history.
func RunKeeper(t *testing.T, newHistory NewHistory) {
	open := newHistory(t)
	one, other := open(), open()
	w := newWriter(t, one)
	w.write("a", "b")
	mustHaveVerified(t, one, eventstore.Head{})
	for _, n := range []int{2, 1} { // an older one is of another history, and counts
		head := w.written[:n].head()
		if err := one.(keeper).KeepVerified(t.Context(), head); err != nil {
			t.Fatal(err)
		}
		mustHaveVerified(t, one, head)
		mustHaveVerified(t, other, head)
	}
	mustHold(t, other, w.written)
}

func mustHaveVerified(t *testing.T, s eventstore.Store, want eventstore.Head) {
	t.Helper()
	got, err := s.(keeper).ReadVerified(t.Context())
	if err != nil || !got.Same(want) {
		t.Errorf("ReadVerified: got %v, %v, want %v", got, err, want)
	}
}
