package cli

import (
	"strings"
	"testing"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// TestVerifyAcceptsErasedValues: a later event must say so, and the program must know its kind.
func TestVerifyAcceptsErasedValues(t *testing.T) {
	node := configstoretest.New(t, configstore.Options{})
	node.MustSet(t, "a", "1")
	node.MustSet(t, "a", "2")
	head := configstoretest.MustAppendErasure(t, node.Events, "$erasure/1", 1, 1)
	events := memory.New()
	configstoretest.MustCopy(t, node.Events, events, 1)
	if got, err := walk(t.Context(), events, eventstore.Position{}, configstoretest.Codec()); err != nil || !got.Same(head) {
		t.Errorf("got %s, %v, want %s", got.Position(), err, head.Position())
	}
	const want = "broken at position 1: its data is missing"
	if _, err := walk(t.Context(), events, eventstore.Position{}, config.Codec{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("without the kind: got %v, want %q", err, want)
	}
}
