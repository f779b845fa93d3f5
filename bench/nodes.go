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

// nodeSetup is how many nodes share a PostgreSQL, and how many processors each may use
// (GOMAXPROCS). 0: all. On one machine, a single node has as many processors as several nodes have
// together; with one processor per node, each has the same, as on separate machines.
type nodeSetup struct{ nodes, processors int }

// nodeSetups are the setups for writes.
var nodeSetups = []nodeSetup{{1, 0}, {2, 0}, {3, 0}, {1, 1}, {3, 1}}

// nodeClients is how many clients write to all nodes together, the same number to each.
const nodeClients = 192

// nodeLoads are the loads of one node while another one has subscribers, and busyNodeLoads those
// while it has a single one.
var nodeLoads, busyNodeLoads = []streamLoad{pacedLoad}, []streamLoad{busyLoad}

// nodeGroup is a number of nodes on one database.
type nodeGroup struct {
	nodeSetup
	servers []*processtest.Server
}

// measureNodes starts groups of nodes, each on an empty database, and puts every load on them.
// Groups take turns as in measureLoads; the others are idle meanwhile. Streams are measured first,
// before any other write.
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
	alone := o
	alone.Subscribers = []int{1}
	if err := all.addSessions(ctx, each(watched, r.acrossNodes), busyNodeLoads, alone, progress); err != nil {
		return nil, err
	}
	for _, g := range groups {
		if err := fill(ctx, httpConnector(g.servers[0].Address, restPut(o.Size)), o); err != nil {
			return nil, err
		}
	}
	writes, err := measureLoads(ctx, o, each(groups, r.toAllNodes), progress)
	maps.Copy(all, writes)
	return all, err
}

// nodeSubscribers returns how many subscribers a node has: the lowest number that streams are
// measured with.
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

// startGroup starts the nodes in turn, since the first one creates the tables.
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
		group.servers = append(group.servers, node)
	}
	return group, nil
}

// isWatched reports whether streams of the setup are measured.
func (s nodeSetup) isWatched() bool { return s.processors == 0 }

// environment returns the environment variables of a node.
func (s nodeSetup) environment() []string {
	if s.processors == 0 {
		return nil
	}
	return []string{fmt.Sprintf("GOMAXPROCS=%d", s.processors)}
}

// String returns the name of the setup in the report.
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

// acrossNodes is a group with writes to its first node and subscribers at its last one, which may
// be the same.
func (r *rig) acrossNodes(g nodeGroup) publisher {
	first, last := g.servers[0], g.servers[g.nodes-1]
	p := r.overWebsockets(g.String(), last.Process, last.Address, 1)
	p.write = func(writers, size int, life time.Duration) ([]writer, closers, error) {
		return r.restWriters(first.Address, restPut(size), writers, life)
	}
	p.used = func() time.Duration { return r.groupCPU(g) }
	return p
}

// toAllNodes is a group with writes to all its nodes.
func (r *rig) toAllNodes(g nodeGroup) contender {
	addresses := each(g.servers, func(node *processtest.Server) string { return node.Address })
	return contender{
		store:   storePostgres,
		by:      g.String(),
		connect: map[string]connector{partWrites: shareClients(addresses, restPut(r.options.Size))},
		cpu:     func() time.Duration { return r.groupCPU(g) },
		forget:  g.forgetLogs,
	}
}

// groupCPU returns the CPU time of all nodes and their PostgreSQL.
func (r *rig) groupCPU(g nodeGroup) time.Duration {
	total := r.databaseCPU(storePostgres)
	for _, node := range g.servers {
		total += node.CPU()
	}
	return total
}

func (g nodeGroup) forgetLogs() error {
	return errors.Join(each(g.servers, func(node *processtest.Server) error { return node.ForgetLog() })...)
}

// shareClients returns a connector for one kind of request to several servers, each with an equal
// share of the clients.
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
