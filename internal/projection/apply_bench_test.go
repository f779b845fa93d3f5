package projection_test

import (
	"fmt"
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// BenchmarkApply applies updates of 10,000 names, as a writer does: in batches, with a new view for
// each.
func BenchmarkApply(b *testing.B) {
	const names, updates = 10_000, 60_000
	for _, batch := range []int{1, 75} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			h := newHistory(b)
			for i := range names + updates {
				h.set(fmt.Sprintf("payments/%08d/timeout", i*7919%names), "30s")
			}
			revisions := mustDecode(b, h.records)
			done := len(revisions)
			var p *projection.Projection
			for b.Loop() {
				if done+batch > len(revisions) {
					b.StopTimer()
					p = projection.New(forgetful{})
					if err := p.Apply(eventstore.Head{}, revisions[:names]); err != nil {
						b.Fatal(err)
					}
					done = names
					b.StartTimer()
				}
				if err := p.Apply(p.View().Head(), revisions[done:done+batch]); err != nil {
					b.Fatal(err)
				}
				done += batch
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/event")
		})
	}
}
