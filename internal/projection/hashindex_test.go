package projection_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
	"configapi/internal/slowtest"
)

// TestGetInEveryView keeps views, and looks names up in each while later events are applied: names
// that change, are deleted, or come only later. Each view must find what it found at first.
func TestGetInEveryView(t *testing.T) {
	h, p := newHistory(t), projection.New(&listener{})
	var names []config.Name
	for i := range 2000 {
		names = append(names, mustName(t, fmt.Sprintf("payments/%d/timeout", i)))
	}
	var readers sync.WaitGroup
	defer readers.Wait()
	random := rand.New(rand.NewPCG(1, 2))
	for round := range slowtest.Rounds(10, 30) {
		known := min(len(names), 10<<round) // so the hash index grows in the first rounds
		for range 100 {
			name := names[random.IntN(known)].String()
			switch state := h.states[name]; {
			case state.Deleted:
				h.commit(config.Restore{Name: mustName(t, name)})
			case state.Exists() && random.IntN(3) == 0:
				h.commit(remove(t, name))
			default:
				h.set(name, fmt.Sprint("v", round))
			}
		}
		from := p.View().Head()
		if err := p.Apply(from, mustDecode(t, h.records[from.Seq:])); err != nil {
			t.Fatal(err)
		}
		view, want := p.View(), make([]config.Aggregate, len(names))
		for i, name := range names {
			want[i] = h.states[name.String()]
		}
		readers.Go(func() {
			for range 20 {
				for i, name := range names {
					got := view.Get(name)
					if got == nil && want[i].Version == 0 {
						continue
					}
					if got == nil || got.Version != want[i].Version || got.Exists() != want[i].Exists() {
						t.Errorf("the view of seq %d has %+v of %s, want %+v", view.Head().Seq, got, name, want[i])
						return
					}
				}
			}
		})
	}
}

// BenchmarkGet looks up 10,000 names in turns that no cache foresees.
func BenchmarkGet(b *testing.B) {
	h := newHistory(b)
	names := make([]config.Name, 10_000)
	for i, at := range rand.Perm(len(names)) {
		h.set(fmt.Sprintf("payments/%08d/timeout", at), "30s")
		names[i] = mustName(b, h.records[i].Name)
	}
	p := projection.New(forgetful{})
	if err := p.Apply(eventstore.Head{}, mustDecode(b, h.records)); err != nil {
		b.Fatal(err)
	}
	view := p.View()
	b.ReportAllocs()
	for b.Loop() {
		view.Get(names[rand.IntN(len(names))])
	}
}
