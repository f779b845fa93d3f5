// Package fault injects faults. Each fault strikes at a time that a seed determines, holds until
// there is evidence of it, and is healed. The package does not check the consequences.
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

// patience bounds the wait for evidence of a fault.
const patience = 20 * time.Second

// UnknownAppends is evidence from the logs of the nodes.
const UnknownAppends = "appends of unknown outcome"

// Fault is one kind of fault.
type Fault struct {
	Name, About string
	// Strike makes the fault happen once and heals it. The caller restarts nodes that were killed.
	// An error means that a promise was broken, or that the fault could not be made.
	Strike func(ctx context.Context, a *Arena) error
	// Proof is the evidence that a round needs.
	Proof []string
	// Missing returns what this machine lacks for the fault, "" for nothing; nil: the fault needs
	// nothing.
	Missing func(c *cluster.Cluster) string
	// Graceful: no request that a node accepted may fail.
	Graceful bool
	// SlowReader: the round has a subscriber that can be stalled.
	SlowReader bool
	// Forks: another history may replace the current one; see [Arena.Forks].
	Forks bool
	// Rights: the round is a run of package rights, on a cluster of its own. It has no Strike.
	Rights bool
}

// Arena is what a fault of a round acts on.
type Arena struct {
	World    *client.World
	Rand     *rand.Rand
	Evidence *Evidence
	// Slow is a subscriber that can be stalled; nil: there is none.
	Slow *client.Subscriber
	// Writer writes large values.
	Writer *client.Client
	// Forks are the replacements of primaries, oldest first.
	Forks []Fork
}

// Evidence counts the effects of faults. The zero value is ready to use. It is safe for concurrent
// use.
type Evidence struct {
	mu     sync.Mutex
	counts map[string]int64 // :: effect → count
}

// Add adds n to the count of an effect.
func (e *Evidence) Add(what string, n int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.counts == nil {
		e.counts = map[string]int64{}
	}
	e.counts[what] += n
}

// Counts returns a copy of all counts.
func (e *Evidence) Counts() map[string]int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.counts)
}

// Describe formats counts for people.
func Describe(counts map[string]int64) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[what], what))
	}
	return strings.Join(parts, ", ")
}

// All returns all faults. Those that combine others are last.
func All() []Fault {
	return slices.Concat(nodes(), postgres(), links(), disks(), failovers(), limits(), []Fault{slowReader(), everything(), rights()})
}

// rights is the round in which rights of tokens change.
func rights() Fault {
	return Fault{Name: "rights", About: "rights of tokens end and change, also under faults", Rights: true}
}

// Pick returns the faults with the given names.
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

// node returns a random node.
func (a *Arena) node() *cluster.Node { return a.World.Node(a.Rand) }

// between returns a random time.
func (a *Arena) between(least, most time.Duration) time.Duration {
	return least + time.Duration(a.Rand.Int64N(int64(most-least)))
}

// await polls a count until it is at least want, and adds it to the evidence. After patience it
// gives up: the round is void then, for lack of evidence.
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
