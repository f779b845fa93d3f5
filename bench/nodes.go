package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"syscall"
	"time"
)

// nodeCounts are how many nodes share a PostgreSQL, and nodeClients how many clients write to all of them together, the same
// number to each.
var nodeCounts = []int{1, 2, 3}

const nodeClients = 192

// nodeLoads are what is written to one node while subscribers of another watch.
var nodeLoads = []streamLoad{pacedLoad}

// nodeGroup is a number of configapis on one database.
type nodeGroup []*configapi

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
	if err := all.addSessions(ctx, each(groups, r.acrossNodes), nodeLoads, o, progress); err != nil {
		return nil, err
	}
	for _, g := range groups {
		if err := fill(ctx, httpConnector(g[0].address, restPut(o.Size)), o); err != nil {
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
	for _, count := range nodeCounts {
		group, err := r.startGroup(ctx, count)
		if err != nil {
			return nil, fmt.Errorf("starting %s: %w", byNodes(count), err)
		}
		groups = append(groups, group)
	}
	return groups, nil
}

// startGroup starts nodes one after the other: the first one makes the tables.
func (r *rig) startGroup(ctx context.Context, count int) (nodeGroup, error) {
	url, err := r.newStore(ctx, storePostgres, fmt.Sprintf("nodes%d", count))
	if err != nil {
		return nil, err
	}
	var group nodeGroup
	for i := range count {
		node, err := startConfigapi(ctx, r.binary, url, r.logPath(fmt.Sprintf("configapi-node-%d-of-%d", i+1, count)))
		if err != nil {
			return nil, err
		}
		r.onClose(func() { node.stop(syscall.SIGTERM) })
		group = append(group, node)
	}
	return group, nil
}

// byNodes is who a group is, as the columns of the report call it.
func byNodes(count int) string {
	if count == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", count)
}

// acrossNodes is a group that is written to at its first node and watched at its last: of one node, the same.
func (r *rig) acrossNodes(g nodeGroup) publisher {
	first, last := g[0], g[len(g)-1]
	p := r.overWebsockets(byNodes(len(g)), last.process, last.address)
	p.write = func(writers, size int, life time.Duration) ([]writer, closers, error) {
		return r.restWriters(first.address, writers, size, life)
	}
	p.used = func() time.Duration { return r.groupCPU(g) }
	return p
}

// toAllNodes is a group that is written to at all its nodes.
func (r *rig) toAllNodes(g nodeGroup) contender {
	addresses := each(g, func(node *configapi) string { return node.address })
	return contender{
		store:   storePostgres,
		by:      byNodes(len(g)),
		connect: map[string]connector{partWrites: shareClients(addresses, restPut(r.options.Size))},
		cpu:     func() time.Duration { return r.groupCPU(g) },
		forget:  g.forgetLogs,
	}
}

// groupCPU is the CPU time of all nodes and of their PostgreSQL.
func (r *rig) groupCPU(g nodeGroup) time.Duration {
	total := r.databaseCPU(storePostgres)
	for _, node := range g {
		total += cpuOf(node.pid())
	}
	return total
}

func (g nodeGroup) forgetLogs() error {
	return errors.Join(each(g, func(node *configapi) error { return node.forgetLog() })...)
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
