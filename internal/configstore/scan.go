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

// pauseAfter is after how many names a walk over them lets other goroutines run.
const pauseAfter = 1024

// walk calls yield for the present states that a filter selects, by name after a name, until yield
// returns false, or until ctx ends: then it returns the error of ctx.
func walk(ctx context.Context, view *projection.View, filter config.Filter, after string, yield func(*projection.Config) bool) (err error) {
	visited := 0
	view.Ascend(filter, after, func(present *projection.Config) bool {
		if visited++; visited%pauseAfter == 0 {
			runtime.Gosched()
			err = ctx.Err()
		}
		return err == nil && yield(present)
	})
	return err
}

// scan counts the names that are looked at and are not what is looked for.
type scan struct{ looked, most int }

func (g *generation) newScan() *scan { return &scan{most: g.opts.ScanNames} }

// next counts a name, and lets other goroutines run now and then. It reports whether the scan may
// look at another one.
func (s *scan) next() bool {
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
