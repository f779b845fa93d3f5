package configstore

import (
	"context"
	"runtime"

	"configapi/internal/config"
	"configapi/internal/projection"
)

// scanTurns returns how many scans over names run at once, so that many requests together take no
// more than half of the processors. The others wait until their ctx ends. A turn is for at most
// [Options.ScanNames] names, so that a page does not wait for long counts.
func scanTurns() int64 { return int64(max(1, runtime.GOMAXPROCS(0)/2)) }

// scan counts the names that are looked at and are not what is looked for.
type scan struct{ looked, most int }

func (g *generation) newScan() *scan { return &scan{most: g.opts.ScanNames} }

// next counts a name, and lets other goroutines run now and then. It reports whether the scan may
// look at another one.
func (s *scan) next() bool {
	const pauseAfter = 1024
	if s.looked++; s.looked%pauseAfter == 0 {
		runtime.Gosched()
	}
	return s.looked < s.most
}

// countParts counts the states that a filter with a part selects. It looks at all names that the
// rest of the filter selects, in many turns. The error is that of ctx.
func (g *generation) countParts(ctx context.Context, ascend ascend, filter config.Filter) (int, error) {
	count, after := 0, ""
	for more := true; more; {
		if err := g.scans.Acquire(ctx, 1); err != nil {
			return 0, err
		}
		scan := g.newScan()
		more = false
		ascend(filter.WithoutPart(), after, func(c *projection.Config) bool {
			if filter.Matches(c.Name) {
				count++
			}
			after, more = c.Name.String(), !scan.next()
			return !more
		})
		g.scans.Release(1)
	}
	return count, ctx.Err()
}

// ascend is how a view visits states by name.
type ascend = func(filter config.Filter, after string, yield func(*projection.Config) bool)
