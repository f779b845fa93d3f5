package fault

import (
	"context"
	"time"

	"configapi/test/faults/cluster"
)

const (
	killed     = "nodes killed"
	stopped    = "nodes stopped in order"
	restarting = "streams closed by restart"
)

func nodes() []Fault {
	return []Fault{
		{Name: "node-kill", About: "kill -9 of a node", Strike: killNode, Proof: []string{killed}},
		{
			Name: "node-stop", About: "SIGTERM of the nodes in turn", Strike: stopNodes,
			Proof: []string{stopped, restarting}, Graceful: true,
		},
	}
}

func killNode(ctx context.Context, a *Arena) error {
	if err := a.node().Kill(); err != nil {
		return err
	}
	a.Evidence.Add(killed, 1)
	cluster.Pause(ctx, a.between(0, 300*time.Millisecond))
	return nil
}

// stopNodes restarts one node after the other. The others serve clients meanwhile.
func stopNodes(ctx context.Context, a *Arena) error {
	before := a.sum(restarted)
	for _, n := range a.World.Cluster.Nodes {
		if err := n.Terminate(); err != nil {
			return err
		}
		a.Evidence.Add(stopped, 1)
		if err := n.Start(ctx); err != nil {
			return err
		}
		cluster.Pause(ctx, a.between(100*time.Millisecond, 400*time.Millisecond))
	}
	return a.await(ctx, restarting, 1, func() (int64, error) { return a.sum(restarted) - before, nil })
}
