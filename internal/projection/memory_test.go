package projection_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
	"configapi/internal/slowtest"
)

// forgetful is a publisher that keeps nothing.
type forgetful struct{}

func (forgetful) Begin(eventstore.Head) {}

func (forgetful) Publish([]*eventstore.Revision) {}

// liveHeap returns how many bytes of the heap are reachable.
func liveHeap() int {
	runtime.GC()
	runtime.GC() // pools keep their contents over the first collection
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestKeepsPresentValuesAlone measures the memory of large values that are replaced and deleted.
// The records of all configs come in one page, so a state that kept part of it would keep all of
// it.
func TestKeepsPresentValuesAlone(t *testing.T) {
	const configs, size, slack = 50, 256 << 10, 1 << 20
	all := func(h *history, command func(name string) config.Command) []*eventstore.Revision {
		var records []eventstore.Record
		for i := range configs {
			records = append(records, h.commit(command(fmt.Sprintf("n%d", i)))...)
		}
		return mustDecode(t, records)
	}
	setTo := func(value string) func(string) config.Command {
		return func(name string) config.Command { return set(t, name, value) }
	}
	large := strings.Repeat("v", size)
	for _, test := range []struct {
		what string
		last func(name string) config.Command
		want int
	}{
		{"set again", setTo(strings.Repeat("w", size)), configs * size},
		{"deleted", func(name string) config.Command { return remove(t, name) }, 0},
		{"set to a few bytes", setTo("short"), 0},
	} {
		t.Run(test.what, func(t *testing.T) {
			p := projection.New(forgetful{})
			before := liveHeap()
			apply(t, p, func(h *history) []*eventstore.Revision { return all(h, setTo(large)) },
				func(h *history) []*eventstore.Revision { return all(h, test.last) })
			got := liveHeap() - before
			if got > test.want+slack || got < test.want-slack {
				t.Errorf("holds %d KiB, want %d KiB", got>>10, test.want>>10)
			}
			runtime.KeepAlive(p)
		})
	}
}

// apply applies what each step makes of one history.
func apply(t testing.TB, p *projection.Projection, steps ...func(*history) []*eventstore.Revision) {
	t.Helper()
	h := newHistory(t)
	for _, step := range steps {
		from := h.head
		if err := p.Apply(from, step(h)); err != nil {
			t.Fatal(err)
		}
		h.records = nil
	}
}

func TestReadsAllocateNothing(t *testing.T) {
	h := newHistory(t)
	for i := range 1000 {
		h.set(fmt.Sprintf("payments/service-%d/timeout", i), "30s")
	}
	p := projection.New(forgetful{})
	if err := p.Apply(eventstore.Head{}, mustDecode(t, h.records)); err != nil {
		t.Fatal(err)
	}
	name, view := mustName(t, "payments/service-512/timeout"), p.View()
	var length int
	if allocs := testing.AllocsPerRun(1000, func() {
		c := view.Get(name)
		length += len(c.Value.String()) + int(c.Version) + int(c.Position().Seq) + int(c.UpdatedAt().Unix())
	}); allocs != 0 || length == 0 {
		t.Errorf("%v allocations a read, want none", allocs)
	}
}

// BenchmarkMemory reports how much live heap a name takes, with 1,000,000 names of 40 bytes and
// values of 64: at first, and once configs were read by change.
func BenchmarkMemory(b *testing.B) {
	const names = 1_000_000
	for b.Loop() {
		p := projection.New(forgetful{})
		before := liveHeap()
		applyNames(b, p, newHistory(b), names, func(i int) string { return fmt.Sprintf("%040d", i) })
		b.ReportMetric(float64(liveHeap()-before)/names, "B/name")
		order(b, p, p.View())
		b.ReportMetric(float64(liveHeap()-before)/names, "B/name-by-change")
		runtime.KeepAlive(p)
	}
}

// TestFiltersCostWhatTheySelect compares filters that select next to nothing with a walk over all
// names, which takes hundreds of times as long.
func TestFiltersCostWhatTheySelect(t *testing.T) {
	names := slowtest.Rounds(20_000, 50_000)
	h, p := newHistory(t), projection.New(forgetful{})
	for i := range names {
		h.set(fmt.Sprintf("a-%06d", i), "v") // sorts between `a` and `a/b`
	}
	h.set("a", "v")
	h.set("a/b", "v")
	if err := p.Apply(eventstore.Head{}, mustDecode(t, h.records)); err != nil {
		t.Fatal(err)
	}
	view := p.View()
	cost := func(prefix string, listed []string, want int) time.Duration {
		filter, err := config.ParseFilter(prefix, listed)
		if err != nil {
			t.Fatal(err)
		}
		best := time.Hour // the best of several, so that other load does not count
		for range 10 {
			began, n := time.Now(), 0
			view.Ascend(filter, "", func(*projection.Config) bool {
				n++
				return true
			})
			n += view.Count(filter)
			if best = min(best, time.Since(began)); n != want {
				t.Fatalf("prefix %q, names %q: selects %d twice, want %d", prefix, listed, n/2, want/2)
			}
		}
		return best
	}
	all := cost("", nil, 2*(names+2))
	for _, f := range []struct {
		prefix string
		names  []string
		want   int
	}{{"a", nil, 4}, {"a/b", nil, 2}, {"z", nil, 0}, {"", []string{"a", "a/b", "z"}, 4}, {"a", []string{"a-000001"}, 0}} {
		if took := cost(f.prefix, f.names, f.want); took > all/5 {
			t.Errorf("%+v takes %v, all names take %v", f, took, all)
		}
	}
}
