package fault

import (
	"context"
	"time"
)

const (
	killed  = "nodes killed"
	stopped = "nodes stopped in order"
)

func nodes() []Fault {
	return []Fault{
		{Name: "node-kill", About: "kill -9 of a node", Strike: killNode, Proof: []string{killed}},
		{
			Name: "node-stop", About: "SIGTERM of the nodes in turn", Strike: stopNodes,
			Proof: []string{stopped, "streams told to come back"}, Graceful: true,
		},
	}
}

func killNode(ctx context.Context, a *Arena) error {
	if err := a.node().Kill(); err != nil {
		return err
	}
	a.Evidence.Add(killed, 1)
	pause(ctx, a.between(0, 300*time.Millisecond))
	return nil
}

// stopNodes restarts one node after the other, so that there is always one to go to.
func stopNodes(ctx context.Context, a *Arena) error {
	for _, n := range a.World.Cluster.Nodes {
		before := a.World.Counts[n.Number].Restarting.Load()
		if err := n.Terminate(); err != nil {
			return err
		}
		a.Evidence.Add(stopped, 1)
		if err := n.Start(ctx); err != nil {
			return err
		}
		a.Evidence.Add("streams told to come back", a.World.Counts[n.Number].Restarting.Load()-before)
		pause(ctx, a.between(100*time.Millisecond, 400*time.Millisecond))
	}
	return nil
}
