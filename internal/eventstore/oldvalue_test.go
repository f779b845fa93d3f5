package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// history is a history in memory, with the old value that each of its revisions must get.
type history struct {
	*memory.Store
	head      eventstore.Head
	revisions []*eventstore.Revision // without old values
	want      []config.Value         // :: number of a revision → its old value
	read      []int                  // how many versions each read was asked for
}

// newHistory makes a history in which names, by turns, are set to values of so many bytes.
func newHistory(t *testing.T, names, events, bytes int) *history {
	h := &history{Store: memory.New()}
	records := make([]eventstore.Record, events)
	values := make([]config.Value, names)
	for i := range records {
		version := i/names + 1
		e := config.Event{Type: config.ValueSet, Version: config.Version(version)}
		switch version % 5 {
		case 3:
			e.Type = config.ValueDeleted
		case 4:
			e.Type = config.ValueRestored
		}
		text := fmt.Sprintf("%d ", i)
		if e.HasValue() {
			var err error
			if e.Value, err = config.ParseValue(text+strings.Repeat("v", max(0, bytes-len(text))), 1<<30); err != nil {
				t.Fatal(err)
			}
		}
		var old config.Value
		if e.HasOldValue() {
			old = values[i%names]
		}
		h.want, values[i%names] = append(h.want, old), e.Value
		stored := config.Encode(e)
		records[i] = eventstore.Record{
			Name: fmt.Sprintf("n%d", i%names), Version: version, Type: stored.Type, SchemaVersion: stored.SchemaVersion, Data: stored.Data,
			RecordedAt: time.UnixMicro(int64(i + 1)),
		}
	}
	h.head = new(eventstore.Chain).Seal(eventstore.Head{}, appendID, records)
	if err := h.Append(t.Context(), eventstore.Head{}, records); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.revisions, err = eventstore.DecodeAll(records); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *history) ReadVersions(ctx context.Context, basis eventstore.Head, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	h.read = append(h.read, len(versions))
	return h.Store.ReadVersions(ctx, basis, versions, limit)
}

// mustComplete completes a page, and checks the revisions that are complete.
func (h *history) mustComplete(t *testing.T, p eventstore.OldValuePage) int {
	t.Helper()
	h.read = nil
	n, err := eventstore.CompleteOldValues(t.Context(), h, h.head, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Revisions[:n] {
		if r.OldValue != h.want[r.Seq-1] {
			t.Fatalf("position %d: got old value %.20q, want %.20q", r.Seq, r.OldValue, h.want[r.Seq-1])
		}
	}
	return n
}

// TestCompleteOldValuesOfAnyPage takes pages of random revisions, in any order.
func TestCompleteOldValuesOfAnyPage(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		h := newHistory(t, 1+random.IntN(20), 1+random.IntN(100), 10)
		picked := random.Perm(len(h.revisions))
		page := make([]*eventstore.Revision, random.IntN(len(picked)+1))
		for i := range page {
			page[i] = h.revisions[picked[i]]
		}
		further := h.revisions[:random.IntN(len(picked)+1)]
		if n := h.mustComplete(t, eventstore.OldValuePage{Revisions: page, Further: further}); n != len(page) {
			t.Fatalf("%d of %d revisions are complete", n, len(page))
		}
	}
}

// TestCompleteOldValuesReadsWhatIsMissing counts what is read.
func TestCompleteOldValuesReadsWhatIsMissing(t *testing.T) {
	for _, test := range []struct {
		what          string
		names, events int
		from, to      int    // the page, as numbers of revisions
		further       [2]int // further revisions
		read          string
	}{
		{"the whole history", 10, 100, 0, 100, [2]int{}, "[]"},
		{"one page", 10, 100, 70, 100, [2]int{}, "[10]"}, // the other 20 have theirs in the page
		{"a page with the one before", 1, 100, 50, 60, [2]int{49, 50}, "[]"},
		{"more than one read takes", 1200, 2400, 1200, 2400, [2]int{}, "[500 500 200]"},
	} {
		t.Run(test.what, func(t *testing.T) {
			h := newHistory(t, test.names, test.events, 10)
			h.mustComplete(t, eventstore.OldValuePage{Revisions: h.revisions[test.from:test.to], Further: h.revisions[test.further[0]:test.further[1]]})
			if got := fmt.Sprint(h.read); got != test.read {
				t.Errorf("got reads of %s versions, want %s", got, test.read)
			}
		})
	}
}

// TestCompleteOldValuesKeepsToItsBytes has values of 1 MiB.
func TestCompleteOldValuesKeepsToItsBytes(t *testing.T) {
	const size = 1 << 20
	h := newHistory(t, 20, 40, size)
	page := h.revisions[20:]
	bytes := func(n int) int { return n * (2*size + len("n00")) }
	for _, test := range []struct {
		bytes, least int
		want         int
	}{
		{0, 0, 3}, // 8 MiB, of which the names take a part
		{bytes(4), 0, 4},
		{bytes(4) - 100, 0, 3},
		{bytes(20), 0, 20},
		{1, 0, 1},
		{1, 5, 5},
		{bytes(4), 3, 4},
		{bytes(4), 7, 7},
		{bytes(4), 100, 20},
	} {
		if got := h.mustComplete(t, eventstore.OldValuePage{Revisions: page, Bytes: test.bytes, Least: test.least}); got != test.want {
			t.Errorf("%d bytes, at least %d: got %d, want %d", test.bytes, test.least, got, test.want)
		}
		for _, r := range page {
			r.OldValue = config.Value{}
		}
	}
}

func TestCompleteOldValuesFailsClosed(t *testing.T) {
	h := newHistory(t, 2, 10, 10)
	broken := new(eventstore.ChainError)
	p := eventstore.OldValuePage{Revisions: h.revisions[2:]}
	for what, version := range map[string]int{"missing": 1, "of another name": 0} {
		reader := versionReader(func(asked []eventstore.VersionOf) ([]eventstore.Record, error) {
			records, err := h.Store.ReadVersions(t.Context(), eventstore.Head{}, asked, eventstore.Limit{})
			return append(records[:version], records[version+1:]...), err
		})
		if n, err := eventstore.CompleteOldValues(t.Context(), reader, h.head, p); n != 0 || !errors.As(err, &broken) || broken.Problem != "the version before it is missing" {
			t.Errorf("%s: got %d, %v", what, n, err)
		}
	}
	unreachable := errors.New("unreachable")
	reader := versionReader(func([]eventstore.VersionOf) ([]eventstore.Record, error) { return nil, unreachable })
	if n, err := eventstore.CompleteOldValues(t.Context(), reader, h.head, p); n != 0 || !errors.Is(err, unreachable) {
		t.Errorf("unreachable: got %d, %v", n, err)
	}
	if n, err := eventstore.CompleteOldValues(t.Context(), h, eventstore.Head{Seq: 1}, p); n != 0 || !errors.Is(err, eventstore.ErrDiverged) {
		t.Errorf("another basis: got %d, %v", n, err)
	}
}

type versionReader func([]eventstore.VersionOf) ([]eventstore.Record, error)

func (f versionReader) ReadVersions(_ context.Context, _ eventstore.Head, versions []eventstore.VersionOf, _ eventstore.Limit) ([]eventstore.Record, error) {
	return f(versions)
}
