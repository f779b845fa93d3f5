package fault

import (
	"context"
	"errors"
	"time"

	"configapi/test/faults/cluster"
	"configapi/test/faults/proxy"
)

const (
	delayed = "requests delayed"
	broken  = "requests and streams broken"
	failed  = "requests broken or refused"

	latency = 200 * time.Millisecond
)

// links returns the faults of the links between clients and nodes, and between nodes and
// PostgreSQL.
func links() []Fault {
	reset := func(*Arena) proxy.Toxic { return proxy.Reset() }
	part := func(a *Arena) proxy.Toxic { return proxy.Cut(1 + a.Rand.IntN(16<<a.Rand.IntN(9))) } // some answers are long
	blackhole := func(*Arena) proxy.Toxic { return proxy.Blackhole() }
	delay := func(*Arena) proxy.Toxic { return proxy.Latency(latency) }
	return []Fault{
		{Name: "front-reset", About: "resets between clients and a node", Strike: again(front(reset, broken)), Proof: []string{broken}},
		{Name: "front-cut", About: "answers of a node cut in the middle", Strike: again(front(part, broken)), Proof: []string{broken}},
		{Name: "front-blackhole", About: "blackhole between clients and a node", Strike: front(blackhole, broken), Proof: []string{broken}},
		{Name: "front-latency", About: "200 ms between clients and a node", Strike: front(delay, delayed), Proof: []string{delayed}},
		{Name: "back-reset", About: "resets between a node and PostgreSQL", Strike: again(back(reset, cut)), Proof: []string{cut}},
		{Name: "back-cut", About: "answers of PostgreSQL cut in the middle", Strike: untilUnknownAppend(again(back(part, cut))), Proof: []string{cut, UnknownAppends}},
		{Name: "back-blackhole", About: "blackhole between a node and PostgreSQL", Strike: back(blackhole, failed), Proof: []string{failed}},
		{Name: "back-latency", About: "200 ms between a node and PostgreSQL", Strike: back(delay, delayed), Proof: []string{delayed}},
	}
}

// again strikes several times in a row: only some of the answers that are cut belong to a write
// that was made.
func again(strike func(context.Context, *Arena) error) func(context.Context, *Arena) error {
	return func(ctx context.Context, a *Arena) error {
		for range 4 {
			if err := strike(ctx, a); err != nil {
				return err
			}
			cluster.Pause(ctx, a.between(100*time.Millisecond, 300*time.Millisecond))
		}
		return nil
	}
}

// untilUnknownAppend strikes until a node had an append of unknown outcome, which is the purpose of
// the fault.
func untilUnknownAppend(strike func(context.Context, *Arena) error) func(context.Context, *Arena) error {
	return func(ctx context.Context, a *Arena) error {
		before, err := a.World.Cluster.UnknownAppends()
		if err != nil {
			return err
		}
		for range 10 {
			if err := strike(ctx, a); err != nil {
				return err
			}
			if now, err := a.World.Cluster.UnknownAppends(); err != nil || now > before {
				return err
			}
		}
		return nil
	}
}

// front makes the link between clients and a node fail until clients have noticed.
func front(toxic func(*Arena) proxy.Toxic, evidence string) func(context.Context, *Arena) error {
	return func(ctx context.Context, a *Arena) error {
		n := a.node()
		noticed := a.noticed(n, evidence)
		return a.hold(ctx, n.Front, toxic(a), func() error { return a.await(ctx, evidence, enough, noticed) })
	}
}

// back makes the link between a node and PostgreSQL fail until PostgreSQL or clients have noticed.
func back(toxic func(*Arena) proxy.Toxic, evidence string) func(context.Context, *Arena) error {
	return func(ctx context.Context, a *Arena) error {
		n := a.node()
		noticed := a.noticed(n, evidence)
		want := int64(enough)
		if evidence == cut {
			want = 1 // only one of them may be in use
			before, err := connected(ctx, a, n)
			if err != nil {
				return err
			}
			noticed = func() (int64, error) { return gone(ctx, a, n, before) }
		}
		return a.hold(ctx, n.Back, toxic(a), func() error { return a.await(ctx, evidence, want, noticed) })
	}
}

// enough is how often a fault must be noticed before it is healed.
const enough = 2

// hold makes a link fail for a random time, and at least until the function until returns.
func (a *Arena) hold(ctx context.Context, l *proxy.Link, toxic proxy.Toxic, until func() error) error {
	heal, err := l.Infect(toxic)
	if err != nil {
		return err
	}
	cluster.Pause(ctx, a.between(100*time.Millisecond, 400*time.Millisecond))
	return errors.Join(until(), heal())
}

// noticed returns a function that counts what clients notice of a node from now on.
func (a *Arena) noticed(n *cluster.Node, evidence string) func() (int64, error) {
	counts := &a.World.Counts[n.Number]
	sum := func() int64 {
		switch evidence {
		case broken:
			return counts.Broken.Load()
		case delayed:
			return counts.Slow.Load()
		}
		return counts.Broken.Load() + counts.Unavailable.Load()
	}
	before := sum()
	return func() (int64, error) { return sum() - before, nil }
}
