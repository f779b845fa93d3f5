package configstore

import (
	"log/slog"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/eventstore/memory"
)

func publicID(text string) auth.PublicID {
	secret, err := auth.ParsePublicID(text)
	if err != nil {
		panic(err)
	}
	return secret
}

// TestUsesCostNoMemory: what is noted for each request must not allocate.
func TestUsesCostNoMemory(t *testing.T) {
	u := newUses(memory.New(), slog.New(slog.DiscardHandler))
	id, at := publicID("cfg_3k4sd9u8w1yhoos0kXXydu"), time.Now()
	u.note(id, at)
	if made := testing.AllocsPerRun(1000, func() {
		at = at.Add(time.Second)
		u.note(id, at)
	}); made > 0 {
		t.Errorf("a use costs %v allocations, want none", made)
	}
	if got, want := u.last(id), at.UTC().Truncate(time.Minute); !got.Equal(want) {
		t.Errorf("the last use is at %v, want %v", got, want)
	}
	u.note(id, at.Add(-time.Hour)) // by a request that was slow
	if got, want := u.last(id), at.UTC().Truncate(time.Minute); !got.Equal(want) {
		t.Errorf("after an earlier use the last one is at %v, want %v", got, want)
	}
}

func BenchmarkUse(b *testing.B) {
	u := newUses(memory.New(), slog.New(slog.DiscardHandler))
	for range 10_000 {
		_, kept := auth.NewSecret()
		u.note(kept.ID, time.Now())
	}
	id, at := publicID("cfg_3k4sd9u8w1yhoos0kXXydu"), time.Now()
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			u.note(id, at)
		}
	})
}
