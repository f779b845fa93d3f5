package eventstoretest

import (
	"fmt"
	"strings"
	"testing"

	"configapi/internal/eventstore"
)

// Bench measures what a server does with its store: appends of 1 and of 256 records, locked appends
// after 256 missed records, the replay at start in pages of 1000, and pages of an as of. Records
// have about 300 bytes and 10,000 names.
func Bench(b *testing.B, newHistory NewHistory) {
	b.Run("append 1", func(b *testing.B) { benchAppend(b, newHistory(b)(), 1) })
	b.Run("append 256", func(b *testing.B) { benchAppend(b, newHistory(b)(), 256) })
	b.Run("locked append after 256", func(b *testing.B) { benchAppendLocked(b, newHistory(b)(), 256) })
	s, filled := newHistory(b)(), filler{}
	b.Run("read pages of 1000", func(b *testing.B) {
		filled.fill(b, s, 100_000)
		benchRead(b, s)
	})
	b.Run("as of 100 names", func(b *testing.B) {
		filled.fill(b, s, 100_000)
		benchReadAsOf(b, s)
	})
}

func benchAppend(b *testing.B, s eventstore.Store, n int) {
	var f filler
	f.fill(b, s, 10_000)
	appends := make([][]eventstore.Record, b.N)
	head := f.head
	for i := range appends {
		appends[i] = f.next(n)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, records := range appends {
		if err := s.Append(b.Context(), head, records); err != nil {
			b.Fatal(err)
		}
		last := records[n-1]
		head = eventstore.Head{Seq: last.Seq, Hash: last.Hash, RecordedAt: last.RecordedAt}
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "records/s")
}

// benchAppendLocked appends one record under the lock after missing n. The appends that are missed
// are not measured.
func benchAppendLocked(b *testing.B, s eventstore.Store, n int) {
	var f filler
	f.fill(b, s, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		before := f.head
		if err := s.Append(b.Context(), before, f.next(n)); err != nil {
			b.Fatal(err)
		}
		one := f.next(1)
		b.StartTimer()
		err := s.AppendLocked(b.Context(), before.Seq, func(eventstore.Head, []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
			return one, nil, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func benchRead(b *testing.B, s eventstore.Store) {
	b.ReportAllocs()
	records := 0
	for b.Loop() {
		for after := eventstore.Seq(0); ; {
			page, err := s.Read(b.Context(), after, eventstore.Limit{Records: 1000})
			if err != nil {
				b.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			after = page[len(page)-1].Seq
			records += len(page)
		}
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}

func benchReadAsOf(b *testing.B, s eventstore.Store) {
	names := make([]string, 100)
	for i := range names {
		names[i] = benchName(i * 97)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.ReadAsOf(b.Context(), eventstore.Head{}, eventstore.AsOf{At: 50_000, Names: names}, eventstore.Limit{}); err != nil {
			b.Fatal(err)
		}
	}
}

// filler makes records of 10,000 names, in a fixed order without a visible pattern.
type filler struct {
	head     eventstore.Head
	versions [10_000]int
	random   uint64
}

func benchName(n int) string { return fmt.Sprintf("payments/service-%d/timeout", n) }

// fill appends records until the history has n.
func (f *filler) fill(b *testing.B, s eventstore.Store, n int) {
	for f.head.Seq < eventstore.Seq(n) {
		before := f.head
		if err := s.Append(b.Context(), before, f.next(1000)); err != nil {
			b.Fatal(err)
		}
	}
}

// next returns n records that follow all records made before.
func (f *filler) next(n int) []eventstore.Record {
	records := make([]eventstore.Record, n)
	for i := range records {
		f.random = f.random*6364136223846793005 + 1442695040888963407
		name := f.random >> 33 % uint64(len(f.versions))
		f.versions[name]++
		records[i] = draft(benchName(int(name)), f.versions[name])
		records[i].Data = fmt.Sprintf(`{"value":%q}`, strings.Repeat("v", 100))
	}
	f.head = seal(f.head, records)
	return records
}
