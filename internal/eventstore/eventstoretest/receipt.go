package eventstoretest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"configapi/internal/eventstore"
)

var receiptLaws = []law{
	{"receipts are read back as they were written", readBackReceipts},
	{"the same key of another actor is another receipt", receiptsOfActors},
	{"receipts alone leave the head where it is", receiptsAlone},
	{"an append that is refused leaves no receipt", refusedReceipts},
	{"a key that is taken refuses the whole append", takenKeys},
	{"of several appends of one key exactly one wins", oneWinnerPerKey},
	{"old receipts are pruned, the oldest first", pruneReceipts},
	{"all handles have the same key, which is random", sameKey},
}

func sameKey(t *testing.T, open func() eventstore.Store) {
	one, err := open().Key(t.Context())
	other, otherErr := open().Key(t.Context())
	if err := errors.Join(err, otherErr); err != nil || one != other {
		t.Errorf("got keys %x and %x, %v, want the same", one, other, err)
	}
	for half := range 2 { // a key that is short or that a text was made of has few different bytes
		if different := len(slices.Compact(slices.Sorted(slices.Values(one[16*half : 16*half+16])))); different < 6 {
			t.Errorf("the key %x is not random", one)
		}
	}
}

// receipt returns a receipt of a key.
func receipt(actor, key string) eventstore.Receipt {
	return eventstore.Receipt{
		Key: eventstore.Key{Actor: actor, Text: key}, RequestHash: [32]byte{1, 31: byte(len(key))},
		First: 1, EventCount: 1, CreatedAt: epoch,
	}
}

// mustHaveReceipts fails unless a store has these receipts, and none of the keys not.
func mustHaveReceipts(t testing.TB, s eventstore.Store, want []eventstore.Receipt, not ...eventstore.Key) {
	t.Helper()
	var keys []eventstore.Key
	for _, r := range want {
		keys = append(keys, r.Key)
	}
	got, err := s.ReadReceipts(t.Context(), append(keys, not...))
	if err != nil {
		t.Fatalf("reading receipts: %v", err)
	}
	byKey := func(a, b eventstore.Receipt) int {
		return strings.Compare(a.Actor+"\x00"+a.Text, b.Actor+"\x00"+b.Text)
	}
	want = slices.SortedFunc(slices.Values(want), byKey)
	slices.SortFunc(got, byKey)
	if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
		t.Fatalf("receipts (-want +got):\n%s", diff)
	}
}

// appendWith appends records and receipts in one append.
func (w *writer) appendWith(records []eventstore.Record, receipts ...eventstore.Receipt) {
	w.t.Helper()
	seal(w.written.head(), records)
	if err := w.store.Append(w.t.Context(), w.written.head(), records, receipts...); err != nil {
		w.t.Fatalf("appending %d records and %d receipts: %v", len(records), len(receipts), err)
	}
	w.written = append(w.written, records...)
}

func readBackReceipts(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	mustHaveReceipts(t, w.store, nil, eventstore.Key{Text: "a"})
	some := []eventstore.Receipt{
		{Key: eventstore.Key{Text: "a"}, RequestHash: [32]byte{}, First: 1, EventCount: 0, CreatedAt: epoch},
		{
			Key:         eventstore.Key{Actor: "ann ä\"'\\,{}", Text: strings.Repeat("!\"'\\~ {},", 6)},
			RequestHash: [32]byte([]byte(strings.Repeat("\x00\xff", 16))), First: 1 << 40, EventCount: 1000, CreatedAt: epoch.Add(time.Microsecond),
			Unchanged: []string{"a", "payments/timeout", strings.Repeat("n", 255)},
		},
		receipt("", "007"), receipt("7", "1e3"),
	}
	w.appendWith(w.drafts("a", "b"), some...)
	mustHold(t, w.store, w.written)
	mustHaveReceipts(t, open(), some, eventstore.Key{Text: "b"}, eventstore.Key{Text: "7"}, eventstore.Key{Actor: "ann"})

	many := make([]eventstore.Receipt, 500)
	for i := range many {
		many[i] = receipt("many", fmt.Sprint(i))
	}
	err := w.store.AppendLocked(t.Context(), 0, func(head eventstore.Head, _ []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		records := w.drafts("a")
		seal(head, records)
		w.written = append(w.written, records...)
		return records, many, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mustHold(t, w.store, w.written)
	mustHaveReceipts(t, w.store, append(many, some...))
}

func receiptsOfActors(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	receipts := []eventstore.Receipt{receipt("", "k"), receipt("ann", "k"), receipt("Ann", "k"), receipt("ann", "K"), receipt("a", "nnk")}
	for i, r := range receipts {
		w.appendWith(w.drafts("a"), r)
		var others []eventstore.Key
		for _, other := range receipts[i+1:] {
			others = append(others, other.Key)
		}
		mustHaveReceipts(t, w.store, receipts[:i+1], others...)
	}
}

func receiptsAlone(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	w.write("a")
	head := w.written.head()
	w.appendWith(nil, receipt("", "one"), receipt("", "two"))
	mustHold(t, w.store, w.written)
	if err := w.store.Append(t.Context(), eventstore.Head{Seq: head.Seq, Hash: head.Hash}, nil, receipt("", "three")); err != nil {
		t.Errorf("appending after a head without its time: %v", err)
	}
	mustHold(t, w.store, w.written)
	w.write("a")
	mustHaveReceipts(t, w.store, []eventstore.Receipt{receipt("", "one"), receipt("", "two"), receipt("", "three")})
	fork := w.written.head()
	fork.Hash[0]++
	for _, other := range []eventstore.Head{head, fork, {}} {
		if err := w.store.Append(t.Context(), other, nil, receipt("", "refused")); !errors.Is(err, eventstore.ErrHeadMoved) {
			t.Errorf("a receipt alone after %s: got %v, want %q", other.Position(), err, eventstore.ErrHeadMoved)
		}
	}
	mustHaveReceipts(t, w.store, nil, eventstore.Key{Text: "refused"})
}

func refusedReceipts(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	w.write("a", "b")
	records := []eventstore.Record{draft("c", 1), draft("a", 1)}
	seal(w.written.head(), records)
	for head, want := range map[eventstore.Head]error{{}: eventstore.ErrHeadMoved, w.written.head(): eventstore.ErrNotWritten} {
		if err := w.store.Append(t.Context(), head, records, receipt("", "k")); !errors.Is(err, want) {
			t.Errorf("appending after %s: got %v, want %q", head.Position(), err, want)
		}
		mustHaveReceipts(t, w.store, nil, eventstore.Key{Text: "k"})
	}
	w.appendWith(w.drafts("c"), receipt("", "k"))
	mustHold(t, w.store, w.written)
}

func takenKeys(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	first := receipt("ann", "k")
	w.appendWith(w.drafts("a"), first)
	again := first
	again.RequestHash[0]++
	again.EventCount = 7
	records := []eventstore.Record{draft("b", 1)}
	head := w.written.head()
	seal(head, records)
	for range 2 {
		for _, records := range [][]eventstore.Record{nil, records} {
			if err := w.store.Append(t.Context(), head, records, receipt("", "new"), again); !errors.Is(err, eventstore.ErrKeyTaken) {
				t.Errorf("appending %d records with a key that is taken: got %v, want %q", len(records), err, eventstore.ErrKeyTaken)
			}
			err := w.store.AppendLocked(t.Context(), 0, func(eventstore.Head, []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
				return records, []eventstore.Receipt{receipt("", "new"), again}, nil
			})
			if !errors.Is(err, eventstore.ErrKeyTaken) {
				t.Errorf("appending %d records with a key that is taken, under the lock: got %v, want %q", len(records), err, eventstore.ErrKeyTaken)
			}
		}
		if err := w.store.Append(t.Context(), eventstore.Head{}, records, again); !errors.Is(err, eventstore.ErrHeadMoved) {
			t.Errorf("appending after another head with a key that is taken: got %v, want %q", err, eventstore.ErrHeadMoved)
		}
	}
	mustHold(t, w.store, w.written)
	mustHaveReceipts(t, open(), []eventstore.Receipt{first}, eventstore.Key{Text: "new"})
	w.appendWith(w.drafts("b"), receipt("", "new"))
	mustHold(t, w.store, w.written)
}

func oneWinnerPerKey(t *testing.T, open func() eventstore.Store) {
	const rounds, writers = 10, 6
	stores := []eventstore.Store{open(), open()}
	for round := range rounds {
		outcomes := make([]error, writers)
		var group errgroup.Group
		for i := range outcomes {
			group.Go(func() error {
				outcomes[i] = stores[i%2].Append(t.Context(), eventstore.Head{}, nil, receipt("", fmt.Sprint(round)))
				return nil
			})
		}
		_ = group.Wait()
		won := 0
		for _, err := range outcomes {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, eventstore.ErrKeyTaken):
				t.Fatalf("got %v, want %q", err, eventstore.ErrKeyTaken)
			}
		}
		if won != 1 {
			t.Fatalf("%d of %d were acknowledged", won, writers)
		}
	}
}

func pruneReceipts(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	receipts := make([]eventstore.Receipt, 10)
	for i := range receipts {
		receipts[i] = receipt("ann", fmt.Sprint(i))
		receipts[i].CreatedAt = epoch.Add(time.Duration(i) * time.Microsecond)
	}
	w.appendWith(w.drafts("a"), receipts[5:]...)
	w.appendWith(w.drafts("a"), receipts[:5]...)
	key := func(i int) eventstore.Key { return receipts[i].Key }
	for _, step := range []struct{ before, limit, pruned, left int }{
		{0, 100, 0, 0}, {4, 3, 3, 3}, {4, 3, 1, 4}, {4, 3, 0, 4}, {9, 100, 5, 9},
	} {
		n, err := w.store.PruneReceipts(t.Context(), receipts[step.before].CreatedAt, step.limit)
		if err != nil || n != step.pruned {
			t.Fatalf("pruning %d before the %dth: got %d, %v, want %d", step.limit, step.before, n, err, step.pruned)
		}
		var gone []eventstore.Key
		for i := range step.left {
			gone = append(gone, key(i))
		}
		mustHaveReceipts(t, w.store, receipts[step.left:], gone...)
	}
	w.appendWith(w.drafts("a"), receipts[0]) // the key is free again
	mustHaveReceipts(t, open(), []eventstore.Receipt{receipts[0], receipts[9]}, key(1))
	mustHold(t, w.store, w.written)
}
