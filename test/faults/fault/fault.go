// Package fault is what goes wrong. Each fault strikes at a moment that a seed decides, holds until there is evidence of it,
// and is healed. What follows is for others to judge.
package fault

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"configapi/test/faults/client"
	"configapi/test/faults/cluster"
)

// patience is how long a fault may hold until there is evidence of it.
const patience = 20 * time.Second

// Doubts is evidence that nodes themselves give: in their logs.
const UnknownAppends = "appends of unknown outcome"

// Fault is one way to go wrong.
type Fault struct {
	Name, About string
	// Strike makes it happen once and heals it, except that a node that was killed is the caller's to start. An error is
	// a broken promise, or a fault that could not be made.
	Strike func(ctx context.Context, a *Arena) error
	// Proof is the evidence that a round must have.
	Proof []string
	// Missing says what this machine lacks for it: "" for nothing. nil: it needs nothing.
	Missing func(c *cluster.Cluster) string
	// Graceful: no request that a node has accepted may fail.
	Graceful bool
	// SlowReader: the round has a subscriber that can be stalled.
	SlowReader bool
	// Forks: another history may take the place of the one that there is, as [Arena.Forks] says.
	Forks bool
}

// Arena is where faults strike.
type Arena struct {
	World    *client.World
	Rand     *rand.Rand
	Evidence *Evidence
	// Slow can be stalled. nil: there is none.
	Slow *client.Subscriber
	// Writer writes large values.
	Writer *client.Client
	// Forks are the primaries that were replaced, in their order.
	Forks []Fork
}

// Evidence counts what faults have done. It may be used by many at once.
type Evidence struct {
	mu     sync.Mutex
	counts map[string]int64 // :: what → how often
}

// Add counts something that was done n times.
func (e *Evidence) Add(what string, n int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.counts == nil {
		e.counts = map[string]int64{}
	}
	e.counts[what] += n
}

// Counts are all counts.
func (e *Evidence) Counts() map[string]int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.counts)
}

// Describe writes counts for people.
func Describe(counts map[string]int64) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[what], what))
	}
	return strings.Join(parts, ", ")
}

// All are all faults, the ones that combine others last.
func All() []Fault {
	return slices.Concat(nodes(), postgres(), links(), disks(), failovers(), limits(), []Fault{slowReader(), everything()})
}

// Pick returns the faults of the given names.
func Pick(names []string) ([]Fault, error) {
	var picked []Fault
	for _, name := range names {
		i := slices.IndexFunc(All(), func(f Fault) bool { return f.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no fault %q", name)
		}
		picked = append(picked, All()[i])
	}
	return picked, nil
}

// node is one at random.
func (a *Arena) node() *cluster.Node { return a.World.Node(a.Rand) }

// between is a time at random.
func (a *Arena) between(least, most time.Duration) time.Duration {
	return least + time.Duration(a.Rand.Int64N(int64(most-least)))
}

// await asks for a count until it is at least what is wanted, and adds it to the evidence. Without evidence it goes on after a
// while: the round is void then.
func (a *Arena) await(ctx context.Context, what string, want int64, count func() (int64, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		n, err := count()
		if err == nil && (n >= want || ctx.Err() != nil) {
			a.Evidence.Add(what, n)
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		cluster.Pause(ctx, 10*time.Millisecond)
	}
}
