package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"configapi/internal/processtest"
)

// nodeSetup is how many nodes share a PostgreSQL, and how many processors each of them may keep busy at once (GOMAXPROCS).
// 0: all that the machine has. On one machine a single node would then have as many to itself as several have together; on
// machines of their own each has the same, which is what one processor for each node comes close to.
type nodeSetup struct{ nodes, processors int }

// nodeSetups are those that are written to.
var nodeSetups = []nodeSetup{{1, 0}, {2, 0}, {3, 0}, {1, 1}, {3, 1}}

// nodeClients is how many clients write to all nodes together, the same number to each.
const nodeClients = 192

// nodeLoads are what is written to one node while subscribers of another watch.
var nodeLoads = []streamLoad{pacedLoad}

// nodeGroup is a number of configapis on one database.
type nodeGroup struct {
	nodeSetup
	members []*processtest.Server
}

// measureNodes starts groups of nodes, each on an empty database of its own: the nodes of the others cost a group nothing but
// what idle ones cost. Then it puts every load on them; groups take turns as in measureLoads. Subscribers come first, while
// nothing is under way from one node to another that they could get.
func measureNodes(ctx context.Context, r *rig, progress io.Writer) (measurements, error) {
	groups, err := r.startGroups(ctx)
	if err != nil {
		return nil, err
	}
	o := r.options
	o.Parts, o.Clients, o.Subscribers = []string{partWrites}, []int{nodeClients}, []int{o.nodeSubscribers()}
	all := measurements{}
	watched := slices.DeleteFunc(slices.Clone(groups), func(g nodeGroup) bool { return !g.isWatched() })
	if err := all.addSessions(ctx, each(watched, r.acrossNodes), nodeLoads, o, progress); err != nil {
		return nil, err
	}
	for _, g := range groups {
		if err := fill(ctx, httpConnector(g.members[0].Address, restPut(o.Size)), o); err != nil {
			return nil, err
		}
	}
	writes, err := measureLoads(ctx, o, each(groups, r.toAllNodes), progress)
	maps.Copy(all, writes)
	return all, err
}

// nodeSubscribers is how many subscribers watch a node: the least that streams are measured with.
func (o *options) nodeSubscribers() int { return slices.Min(o.Subscribers) }

func (r *rig) startGroups(ctx context.Context) ([]nodeGroup, error) {
	var groups []nodeGroup
	for _, setup := range nodeSetups {
		group, err := r.startGroup(ctx, setup)
		if err != nil {
			return nil, fmt.Errorf("starting %s: %w", setup, err)
		}
		groups = append(groups, group)
	}
	return groups, nil
}

// startGroup starts nodes one after the other: the first one makes the tables.
func (r *rig) startGroup(ctx context.Context, setup nodeSetup) (nodeGroup, error) {
	id := fmt.Sprintf("nodes%d_%d", setup.nodes, setup.processors)
	url, err := r.newStore(ctx, storePostgres, id)
	if err != nil {
		return nodeGroup{}, err
	}
	group := nodeGroup{nodeSetup: setup}
	for i := range setup.nodes {
		node, err := startConfigapi(ctx, r.binary, url, r.logPath(fmt.Sprintf("configapi-%s-%d", id, i+1)), setup.environment()...)
		if err != nil {
			return nodeGroup{}, err
		}
		r.onClose(func() { stop(node.Process) })
		group.members = append(group.members, node)
	}
	return group, nil
}

// isWatched tells whether there are subscribers of the setup, too.
func (s nodeSetup) isWatched() bool { return s.processors == 0 }

// environment is what a node of the setup is started with.
func (s nodeSetup) environment() []string {
	if s.processors == 0 {
		return nil
	}
	return []string{fmt.Sprintf("GOMAXPROCS=%d", s.processors)}
}

// String is who the nodes are, as the columns of the report call them.
func (s nodeSetup) String() string {
	text := "1 node"
	if s.nodes > 1 {
		text = fmt.Sprintf("%d nodes", s.nodes)
	}
	if s.processors > 0 {
		text += fmt.Sprintf(" of %d processor", s.processors)
	}
	return text
}

// acrossNodes is a group that is written to at its first node and watched at its last: of one node, the same.
func (r *rig) acrossNodes(g nodeGroup) publisher {
	first, last := g.members[0], g.members[g.nodes-1]
	p := r.overWebsockets(g.String(), last.Process, last.Address)
	p.write = func(writers, size int, life time.Duration) ([]writer, closers, error) {
		return r.restWriters(first.Address, writers, size, life)
	}
	p.used = func() time.Duration { return r.groupCPU(g) }
	return p
}

// toAllNodes is a group that is written to at all its nodes.
func (r *rig) toAllNodes(g nodeGroup) contender {
	addresses := each(g.members, func(node *processtest.Server) string { return node.Address })
	return contender{
		store:   storePostgres,
		by:      g.String(),
		connect: map[string]connector{partWrites: shareClients(addresses, restPut(r.options.Size))},
		cpu:     func() time.Duration { return r.groupCPU(g) },
		forget:  g.forgetLogs,
	}
}

// groupCPU is the CPU time of all nodes and of their PostgreSQL.
func (r *rig) groupCPU(g nodeGroup) time.Duration {
	total := r.databaseCPU(storePostgres)
	for _, node := range g.members {
		total += node.CPU()
	}
	return total
}

func (g nodeGroup) forgetLogs() error {
	return errors.Join(each(g.members, func(node *processtest.Server) error { return node.ForgetLog() })...)
}

// shareClients loads several servers with one kind of request, each with the same share of the clients, which must come out even.
func shareClients(addresses []string, r request) connector {
	return func(clients int, o clientOptions) ([]operation, closers, error) {
		if clients%len(addresses) != 0 {
			return nil, nil, fmt.Errorf("%d clients cannot be shared out evenly among %d servers", clients, len(addresses))
		}
		var operations []operation
		var opened closers
		for _, address := range addresses {
			its, closer, err := connect(address, r, clients/len(addresses), o)
			if err != nil {
				return nil, nil, errors.Join(err, opened.Close())
			}
			operations, opened = append(operations, its...), append(opened, closer)
		}
		return operations, opened, nil
	}
}
