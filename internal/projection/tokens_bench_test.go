package projection_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/projection"
)

// BenchmarkTokens loads a history of 10,000 tokens with 1 and with 50 grants, as at a start, and
// reports how much live heap a token takes, and how many bytes its event has. The time is that of
// the load alone, from a store in memory.
func BenchmarkTokens(b *testing.B) {
	for _, each := range []int{1, 50} {
		b.Run(fmt.Sprintf("grants=%d", each), func(b *testing.B) { benchmarkTokens(b, 10_000, each) })
	}
}

func benchmarkTokens(b *testing.B, tokens, each int) {
	grants := make([]string, each)
	for i := range grants {
		grants[i] = fmt.Sprintf("READ,WRITE:team-%02d/service-%02d", i/7, i)
	}
	may := configstoretest.Caller(b, "", grants...).Grants
	h, bytes := newHistory(b), 0
	for i := range tokens {
		cmd := auth.IssueToken{Name: configstoretest.TokenName(b, fmt.Sprintf("token-%05d", i)), Grants: may, Secret: newCredential()}
		at := h.head.RecordedAt.Add(time.Microsecond)
		event, err := (*auth.Token)(nil).Decide(cmd, auth.Local, at)
		if err != nil {
			b.Fatal(err)
		}
		stored := event.Encode()
		bytes += len(stored.Data)
		h.seal([]eventstore.Record{{Name: cmd.Name.Stream(), Version: 1, Type: stored.Type, SchemaVersion: stored.SchemaVersion, Data: stored.Data, RecordedAt: at}})
	}
	events := memory.New()
	if err := events.Append(b.Context(), eventstore.Head{}, h.records); err != nil {
		b.Fatal(err)
	}
	h.records = nil
	var held int
	for b.Loop() {
		b.StopTimer()
		before := liveHeap()
		p := projection.New(forgetful{})
		f := projection.NewFollower(p, events, projection.Options{Codec: auth.Codec()})
		b.StartTimer()
		if err := f.CatchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		held = liveHeap() - before
		if n := p.View().Head().Seq; n != eventstore.Seq(tokens) {
			b.Fatalf("the view is at %d", n)
		}
		runtime.KeepAlive(f)
		b.StartTimer()
	}
	b.ReportMetric(float64(held)/float64(tokens), "B/token")
	b.ReportMetric(float64(bytes)/float64(tokens), "B/event")
}
