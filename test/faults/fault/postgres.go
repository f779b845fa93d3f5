package fault

import (
	"context"
	"slices"
	"time"

	"configapi/internal/postgrestest"
	"configapi/test/faults/cluster"
)

const (
	crashed = "stops of PostgreSQL"
	cut     = "connections to PostgreSQL cut"
)

func postgres() []Fault {
	return []Fault{
		{Name: "postgres-immediate", About: "immediate stop of PostgreSQL", Strike: crash(postgrestest.Immediate), Proof: []string{crashed, cut}},
		{Name: "postgres-kill", About: "kill -9 of PostgreSQL", Strike: crash(postgrestest.Kill), Proof: []string{crashed, cut}},
		{Name: "listener-end", About: "pg_terminate_backend of the listeners", Strike: terminate(true), Proof: []string{"listeners ended"}},
		{Name: "writer-end", About: "pg_terminate_backend of the connections that append", Strike: terminate(false), Proof: []string{"appending connections ended"}},
	}
}

func crash(how postgrestest.Shutdown) func(context.Context, *Arena) error {
	return func(ctx context.Context, a *Arena) error {
		before := int64(0)
		for _, n := range a.World.Cluster.Nodes {
			pids, err := a.World.Cluster.Database.Backends(ctx, n.Number)
			if err != nil {
				return err
			}
			before += int64(len(pids))
		}
		if err := a.World.Cluster.Database.Crash(ctx, how, a.between(0, 600*time.Millisecond)); err != nil {
			return err
		}
		a.Evidence.Add(crashed, 1)
		a.Evidence.Add(cut, before)
		return nil
	}
}

// terminate ends connections of all nodes, several times in a row.
func terminate(listeners bool) func(context.Context, *Arena) error {
	what := "appending connections ended"
	if listeners {
		what = "listeners ended"
	}
	return func(ctx context.Context, a *Arena) error {
		for range 3 {
			err := a.await(ctx, what, 1, func() (int64, error) {
				ended := 0
				for _, n := range a.World.Cluster.Nodes {
					some, err := a.World.Cluster.Database.Terminate(ctx, n.Number, listeners)
					if err != nil {
						return 0, err
					}
					ended += some
				}
				return int64(ended), nil
			})
			if err != nil {
				return err
			}
			cluster.Pause(ctx, a.between(10*time.Millisecond, 200*time.Millisecond))
		}
		return nil
	}
}

// connected returns the server processes of a node's connections. It waits for them, since a node
// may have none right after another fault.
func connected(ctx context.Context, a *Arena, n *cluster.Node) ([]int32, error) {
	for begin := time.Now(); ; cluster.Pause(ctx, 10*time.Millisecond) {
		pids, err := a.World.Cluster.Database.Backends(ctx, n.Number)
		if err != nil || len(pids) >= enough || time.Since(begin) > patience || ctx.Err() != nil {
			return pids, err
		}
	}
}

// gone counts the connections of a node that existed before and are closed now.
func gone(ctx context.Context, a *Arena, n *cluster.Node, before []int32) (int64, error) {
	now, err := a.World.Cluster.Database.Backends(ctx, n.Number)
	if err != nil {
		return 0, err
	}
	count := int64(0)
	for _, pid := range before {
		if !slices.Contains(now, pid) {
			count++
		}
	}
	return count, nil
}
