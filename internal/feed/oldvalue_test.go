package feed_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/feed"
)

// TestPagesOfTheStoreHaveOldValues compares what the ring has with what is read from the store.
func TestPagesOfTheStoreHaveOldValues(t *testing.T) {
	h := newHistory(t, feed.Options{RingEvents: 1})
	for i := range 30 {
		h.feed.Publish(h.appendSet(fmt.Sprint(i), []string{"a", "b", "c", "a"}[:1+i%4]...))
	}
	for _, limit := range []int{0, 1, 5} {
		cursor := h.cursor(0)
		for _, want := range h.revisions {
			if cursor.Head().Seq >= want.Seq {
				continue
			}
			batch, err := cursor.Next(t.Context(), limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range batch.Events {
				if want := h.revisions[got.Seq-1]; got.OldValue != want.OldValue {
					t.Errorf("pages of %d, position %d: got old value %q, want %q", limit, got.Seq, got.OldValue, want.OldValue)
				}
			}
		}
	}
}

// TestOldValuesCountInPagesOfTheStore has changes whose old values are larger than a page.
func TestOldValuesCountInPagesOfTheStore(t *testing.T) {
	h := newHistory(t, feed.Options{RingEvents: 1})
	large := strings.Repeat("v", feed.PageBytes*2/5)
	names := []string{"a", "b", "c", "d", "e"}
	for _, name := range names {
		h.feed.Publish(h.appendSet(large, name))
	}
	for _, name := range names {
		h.feed.Publish(h.appendSet("small", name))
	}
	h.feed.Publish(h.appendSet(large, names...))
	h.feed.Publish(h.appendSet("a set with more old values than a page holds", names...))
	h.feed.Publish(h.append(1, "v"))
	cursor, ends := h.cursor(5), []eventstore.Seq(nil)
	for cursor.Head().Seq < 21 {
		batch, err := cursor.Next(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, batch.Head.Seq)
	}
	if want := []eventstore.Seq{7, 9, 10, 15, 20, 21}; !slices.Equal(ends, want) {
		t.Errorf("batches end at %v, want %v", ends, want)
	}
}
