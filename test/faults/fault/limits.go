package fault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"configapi/test/faults/client"
	"configapi/test/faults/cluster"
)

const (
	tightWrites = "acknowledged writes with tight limits"
	lockWaits   = "times that the head was locked for longer than lock_timeout"
)

// limits returns the faults that restrict what the nodes may do.
func limits() []Fault {
	return []Fault{
		{Name: "read-only", About: "default_transaction_read_only is set, and taken back", Strike: readOnly, Proof: []string{refused}},
		{Name: "tight-role", About: "a role with 7 connections, statement_timeout 1 s, lock_timeout 100 ms", Strike: tightRole, Proof: []string{tightWrites, lockWaits}},
	}
}

func readOnly(ctx context.Context, a *Arena) error {
	d := a.World.Cluster.Database
	if err := d.ReadOnly(ctx, true); err != nil {
		return err
	}
	before := a.sum(notTaken)
	err := a.await(ctx, refused, 5, func() (int64, error) { return a.sum(notTaken) - before, nil })
	cluster.Pause(ctx, a.between(0, 500*time.Millisecond))
	return errors.Join(err, d.ReadOnly(context.WithoutCancel(ctx), false))
}

// tightRole restricts the roles of all nodes, and holds the head for longer than their
// lock_timeout. It checks that no node opens more connections than its role may have.
func tightRole(ctx context.Context, a *Arena) error {
	d := a.World.Cluster.Database
	if err := d.Tighten(ctx); err != nil {
		return err
	}
	err := a.workTightly(ctx)
	return errors.Join(err, d.Loosen(context.WithoutCancel(ctx)))
}

func (a *Arena) workTightly(ctx context.Context) error {
	d := a.World.Cluster.Database
	for range 3 {
		if err := d.HoldHead(ctx, 300); err != nil {
			return err
		}
		a.Evidence.Add(lockWaits, 1)
		for _, n := range a.World.Cluster.Nodes { // each node must still acknowledge writes
			counts := &a.World.Counts[n.Number]
			before := counts.Done.Load()
			if err := a.await(ctx, tightWrites, enough, func() (int64, error) { return counts.Done.Load() - before, nil }); err != nil {
				return err
			}
			if counts.Done.Load()-before < enough {
				return fmt.Errorf("node %d takes no write with the rights and limits of a tight role: %s", n.Number, n.LastLines())
			}
		}
	}
	for _, n := range a.World.Cluster.Nodes {
		if sessions, err := d.Sessions(ctx, n.Number); err != nil || sessions > cluster.TightConnections {
			return errors.Join(err, fmt.Errorf("node %d has %d sessions, more than its role may have", n.Number, sessions))
		}
	}
	return nil
}

// Counts that sum adds up over all nodes.
var (
	done             = func(c *client.Counts) int64 { return c.Done.Load() }
	restarted        = func(c *client.Counts) int64 { return c.Restarting.Load() }
	unknownPositions = func(c *client.Counts) int64 { return c.Refused.Load() }
	notTaken         = func(c *client.Counts) int64 { return c.Unavailable.Load() + c.Broken.Load() }
)

// sum adds up a count over all nodes.
func (a *Arena) sum(count func(*client.Counts) int64) (n int64) {
	for i := range a.World.Counts {
		n += count(&a.World.Counts[i])
	}
	return n
}
