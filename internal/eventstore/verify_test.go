package eventstore_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"configapi/internal/eventstore"

	"pgregory.net/rapid"
)

// sealed returns a history of n different records.
func sealed(n int) []eventstore.Record {
	records := make([]eventstore.Record, n)
	for i := range records {
		records[i] = eventstore.Record{
			Name: fmt.Sprintf("n%d", i%3), Version: i/3 + 1, Type: "ConfigValueSet", SchemaVersion: 1, Data: fmt.Sprintf("%d", i),
			RecordedAt: time.UnixMicro(1_700_000_000_000_000 + int64(i)),
		}
	}
	new(eventstore.Chain).Seal(eventstore.Head{}, appendID, records)
	return records
}

func TestSeal(t *testing.T) {
	var chain eventstore.Chain
	head := eventstore.Head{Seq: 41, Hash: eventstore.Hash{1, 2, 3}, RecordedAt: time.UnixMicro(5)}
	records := []eventstore.Record{
		{Name: "a", RecordedAt: time.UnixMicro(6), Seq: 900, Hash: eventstore.Hash{9}},
		{Name: "b", RecordedAt: time.UnixMicro(7), ChangeSet: 44},
		{Name: "c", RecordedAt: time.UnixMicro(8), ChangeSet: 44},
	}
	end := chain.Seal(head, appendID, records)
	previous := head.Hash
	for i, want := range []struct{ seq, changeSet eventstore.Seq }{{42, 42}, {43, 44}, {44, 44}} {
		r := records[i]
		if r.Seq != want.seq || r.ChangeSet != want.changeSet || r.AppendID != appendID {
			t.Errorf("record %d: got %+v, want %+v", i, r, want)
		}
		if r.What != documentedWhat(r) || r.Hash != documentedHash(previous, r) {
			t.Errorf("record %d: its hash does not follow %x", i, previous)
		}
		previous = r.Hash
	}
	if want := (eventstore.Head{Seq: 44, Hash: previous, RecordedAt: time.UnixMicro(8)}); end != want {
		t.Errorf("got head %+v, want %+v", end, want)
	}
	if after, err := chain.Verify(head, records); err != nil || after != end {
		t.Errorf("verified: %+v, %v, want %+v", after, err, end)
	}
}

func TestSealAndVerifyNothing(t *testing.T) {
	var chain eventstore.Chain
	head := eventstore.Head{Seq: 41, Hash: eventstore.Hash{1}, RecordedAt: time.UnixMicro(5)}
	if got := chain.Seal(head, appendID, nil); got != head {
		t.Errorf("sealed: %+v, want %+v", got, head)
	}
	if got, err := chain.Verify(head, nil); err != nil || got != head {
		t.Errorf("verified: %+v, %v, want %+v", got, err, head)
	}
}

func TestTheSameRecordsOfAnotherAppendHaveOtherHashes(t *testing.T) {
	one, other := three(), three()
	var chain eventstore.Chain
	if chain.Seal(eventstore.Head{}, appendID, one).Same(chain.Seal(eventstore.Head{}, eventstore.AppendID{1}, other)) {
		t.Error("two appends wrote the same bytes")
	}
}

const (
	wrongHash = "its hash does not match its contents and the hash before"
	wrongData = "its data does not match its digest"
	wrongTime = "its time is not after that of the record before"
)

func TestVerifyFindsWhatWasDone(t *testing.T) {
	type records = []eventstore.Record
	var chain eventstore.Chain
	resealed := func(r records, from int) records {
		chain.Seal(eventstore.HeadOf(&r[from-1]), appendID, r[from:])
		return r
	}
	for _, test := range []struct {
		what string
		do   func(records) records
		at   eventstore.Seq
		want string
	}{
		{"a value edited", func(r records) records { r[4].Data = "5"; return r }, 5, wrongData},
		{"a salt edited", func(r records) records { r[4].SaltWhat[15]++; return r }, 5, wrongData},
		{"a digest edited", func(r records) records { r[4].What[0]++; return r }, 5, wrongHash},
		{"a value that the next record has", func(r records) records {
			r[4].Data, r[4].SaltWhat, r[4].What = r[5].Data, r[5].SaltWhat, r[5].What
			return r
		}, 5, wrongHash},
		{"a value half erased", func(r records) records { r[4].Erased, r[4].Data = true, ""; return r }, 5, "it has only a part of its data"},
		{"a value erased but for itself", func(r records) records {
			r[4].Erased, r[4].SaltWhat = true, eventstore.Salt{}
			return r
		}, 5, "it has only a part of its data"},
		{"a time edited", func(r records) records {
			r[9].RecordedAt = r[9].RecordedAt.Add(time.Microsecond)
			return r
		}, 10, wrongHash},
		{"the first edited", func(r records) records { r[0].Name = "x"; return r }, 1, wrongHash},
		{"the last edited", func(r records) records { r[9].Name = "x"; return r }, 10, wrongHash},
		{"a hash edited", func(r records) records { r[4].Hash[31]++; return r }, 5, wrongHash},
		{"one edited, with a hash that fits", func(r records) records {
			r[4].Data = "5"
			r[4].What = chain.What(&r[4])
			r[4].Hash = chain.Hash(r[3].Hash, &r[4])
			return r
		}, 6, wrongHash},

		{"the first removed", func(r records) records { return r[1:] }, 1, "the next record has position 2"},
		{"one removed", func(r records) records { return slices.Delete(r, 4, 5) }, 5, "the next record has position 6"},
		{"some cut out of the middle", func(r records) records { return slices.Delete(r, 2, 7) }, 3, "the next record has position 8"},
		{"one removed, the others moved up", func(r records) records {
			r = slices.Delete(r, 4, 5)
			for i := range r {
				r[i].Seq = eventstore.Seq(i + 1)
			}
			return r
		}, 5, wrongHash},

		{"one standing twice", func(r records) records { return slices.Insert(r, 4, r[3]) }, 5, "the next record has position 4"},
		{"one inserted", func(r records) records {
			inserted := eventstore.Record{Name: "x", Seq: 5, RecordedAt: r[3].RecordedAt.Add(time.Nanosecond * 1000)}
			inserted.What = chain.What(&inserted)
			inserted.Hash = chain.Hash(r[3].Hash, &inserted)
			r = slices.Insert(r, 4, inserted)
			for i := range r {
				r[i].Seq = eventstore.Seq(i + 1)
			}
			return r
		}, 6, wrongTime},
		{"two swapped", func(r records) records { r[4], r[5] = r[5], r[4]; return r }, 5, "the next record has position 6"},
		{"two swapped but for their seqs", func(r records) records {
			r[4], r[5] = r[5], r[4]
			r[4].Seq, r[5].Seq = 5, 6
			return r
		}, 5, wrongHash},
		{"two swapped but for seqs and times", func(r records) records {
			r[4], r[5] = r[5], r[4]
			r[4].Seq, r[5].Seq = 5, 6
			r[4].RecordedAt, r[5].RecordedAt = r[5].RecordedAt, r[4].RecordedAt
			return r
		}, 5, wrongHash},

		{"a time standing still", func(r records) records {
			r[4].RecordedAt = r[3].RecordedAt
			return resealed(r, 4)
		}, 5, wrongTime},
		{"a time going back", func(r records) records {
			r[4].RecordedAt = r[0].RecordedAt
			return resealed(r, 4)
		}, 5, wrongTime},
		{"a time within the same microsecond", func(r records) records {
			r[4].RecordedAt = r[3].RecordedAt.Add(999)
			return resealed(r, 4)
		}, 5, wrongTime},
		{"another history", func(r records) records {
			chain.Seal(eventstore.Head{}, eventstore.AppendID{1}, r[:5])
			return r
		}, 6, wrongHash},
	} {
		t.Run(test.what, func(t *testing.T) {
			records := test.do(sealed(10))
			head, err := chain.Verify(eventstore.Head{}, records)
			broken := new(eventstore.ChainError)
			if !errors.As(err, &broken) || *broken != (eventstore.ChainError{Seq: test.at, Problem: test.want}) {
				t.Fatalf("got %v, want seq %d: %s", err, test.at, test.want)
			}
			if want := fmt.Sprintf("the history is broken at position %d: %s", test.at, test.want); err.Error() != want {
				t.Errorf("got %q, want %q", err, want)
			}
			if head.Seq != test.at-1 {
				t.Errorf("got head %d, want that of the last record that fits, %d", head.Seq, test.at-1)
			}
		})
	}
}

// TestVerifyInPages checks that verifying page by page, each from the head of the page before,
// gives the same as verifying all.
func TestVerifyInPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var chain eventstore.Chain
		records := sealed(30)
		head := eventstore.Head{}
		for start := 0; start < len(records); {
			end := rapid.IntRange(start+1, len(records)).Draw(t, "end of page")
			after, err := chain.Verify(head, records[start:end])
			if err != nil || after != eventstore.HeadOf(&records[end-1]) {
				t.Fatalf("page %d to %d: got %+v, %v", start, end, after, err)
			}
			head, start = after, end
		}
		if start := rapid.IntRange(1, 29).Draw(t, "start"); start > 0 {
			if _, err := chain.Verify(eventstore.Head{Seq: eventstore.Seq(start)}, records[start:]); err == nil {
				t.Fatalf("records from %d on follow a head with another hash", start)
			}
		}
	})
}

func BenchmarkHash(b *testing.B) {
	var chain eventstore.Chain
	data := fmt.Sprintf(`{"value":"%064d"}`, 1)
	r := eventstore.Record{
		Seq: 1842, Name: "payments/timeout", Version: 7, Type: "ConfigValueSet", SchemaVersion: 1, Data: data,
		RecordedAt: time.UnixMicro(1_700_000_000_000_000), ChangeSet: 1842,
	}
	b.ReportAllocs()
	for b.Loop() {
		r.What = chain.What(&r)
		r.Hash = chain.Hash(r.Hash, &r)
	}
}

func BenchmarkDecode(b *testing.B) {
	data := fmt.Sprintf(`{"value":"%064d"}`, 1)
	r := eventstore.Record{
		Seq: 1842, Name: "payments/timeout", Version: 7, Type: "ConfigValueSet", SchemaVersion: 1, Data: data,
		RecordedAt: time.UnixMicro(1_700_000_000_000_000), ChangeSet: 1842,
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := eventstore.Decode(&r); err != nil {
			b.Fatal(err)
		}
	}
}
