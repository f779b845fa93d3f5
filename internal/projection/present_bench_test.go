package projection_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"configapi/internal/config"
	"configapi/internal/projection"
)

// applyNames applies one change of each of many names, in an order that is not theirs.
func applyNames(b *testing.B, p *projection.Projection, h *history, names int, name func(int) string) {
	b.Helper()
	value := strings.Repeat("v", 64)
	for n := 0; n < names; {
		from := h.head
		for range 1000 {
			h.set(name(n*7919%names), value)
			n++
		}
		if err := p.Apply(from, mustDecode(b, h.records)); err != nil {
			b.Fatal(err)
		}
		h.records = nil
	}
}

// tree1M are names in three kinds of folders: one with 100,000 configs, 100 of very different sizes
// with 400,000 folders of one config, and 500,000 configs at the top.
func tree1M(i int) string {
	switch {
	case i < 100_000:
		return fmt.Sprintf("folder/of-many/config-%06d", i)
	case i < 500_000:
		return fmt.Sprintf("services/team-%02d/service-%06d/timeout", i%(1+i%100), i)
	}
	return fmt.Sprintf("config-at-the-top-of-the-tree-%06d", i)
}

// BenchmarkChildren reads pages of children among 1,000,000 names, at random segments.
func BenchmarkChildren(b *testing.B) {
	all := config.Below("")
	p, h := projection.New(forgetful{}), newHistory(b)
	applyNames(b, p, h, 1_000_000, tree1M)
	view := p.View()
	for _, first := range []int{100, 500} {
		for _, test := range []struct {
			name, prefix string
			after        func() string
		}{
			{"the top", "", func() string { return "" }},
			{"the top, any page", "", func() string { return fmt.Sprintf("config-at-the-top-of-the-tree-%06d", 500_000+rand.IntN(500_000)) }},
			{"100 folders of 400,000", "services", func() string { return "" }},
			{"folders of 1, any page", "services/team-07", func() string { return fmt.Sprintf("service-%06d", rand.IntN(500_000)) }},
			{"100,000 configs, any page", "folder/of-many", func() string { return fmt.Sprintf("config-%06d", rand.IntN(100_000)) }},
			{"1 folder of 100,000", "folder", func() string { return "" }},
		} {
			b.Run(fmt.Sprintf("first=%d/%s", first, test.name), func(b *testing.B) {
				for b.Loop() {
					n := 0
					view.Children(test.prefix, all, test.after(), func(projection.Child) bool {
						n++
						return n < first
					})
				}
			})
		}
	}
	runtime.KeepAlive(h)
}

// BenchmarkOrder makes the order of 1,000,000 names, and carries it over one change or 100.
func BenchmarkOrder(b *testing.B) {
	p, h := projection.New(forgetful{}), newHistory(b)
	const names = 1_000_000
	applyNames(b, p, h, names, tree1M)
	heap := liveHeap()
	order(b, p, p.View())
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(float64(liveHeap()-heap)/names, "B/name")
	})
	for _, changes := range []int{1, 100} {
		b.Run(fmt.Sprintf("after=%d", changes), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				from := h.head
				for range changes {
					h.set(tree1M(rand.IntN(names)), "v")
				}
				if err := p.Apply(from, mustDecode(b, h.records)); err != nil {
					b.Fatal(err)
				}
				h.records = nil
				b.StartTimer()
				order(b, p, p.View())
			}
		})
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			next := projection.New(forgetful{})
			next.Begin(p.View(), p.View().Head(), nil)
			b.StartTimer()
			order(b, next, next.View())
		}
	})
}

// BenchmarkContains counts the names that contain a part, of 1,000,000.
func BenchmarkContains(b *testing.B) {
	p := projection.New(forgetful{})
	applyNames(b, p, newHistory(b), 1_000_000, tree1M)
	filter, err := config.Filter{}.Containing("9/Time")
	if err != nil {
		b.Fatal(err)
	}
	view := p.View()
	for b.Loop() {
		if n := view.Count(filter); n != 40_000 {
			b.Fatal(n)
		}
	}
}
