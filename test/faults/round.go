package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"configapi/test/faults/checker"
	"configapi/test/faults/client"
	"configapi/test/faults/cluster"
	"configapi/test/faults/fault"
	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

const (
	// mostClients is the greatest number of clients of a round. Rounds have different numbers,
	// because many clients make large batches and lose more races.
	mostClients = 6
	// patience bounds the recovery of nodes and streams. It is not a promise: it only ends the
	// wait.
	patience = 60 * time.Second
	// checkPatience bounds the check of linearizability.
	checkPatience = 60 * time.Second
	// The traffic that a round needs to prove anything.
	leastWrites, leastReads, leastMessages = 50, 20, 20
	// mostFindings bounds the reported findings of a round.
	mostFindings = 10
)

// Numbers of the clients that do not make the load.
const (
	firstSubscriber = 100
	firstProbe      = 200
	largeWriter     = 300
)

// round is a running round, in which one fault strikes.
type round struct {
	suite          *suite
	fault          fault.Fault
	world          *client.World
	arena          *fault.Arena
	rand           *rand.Rand
	probes         [cluster.Nodes]*client.Client
	subscribers    []*client.Subscriber
	result         roundResult
	unknownAppends int64 // in the logs of the nodes before the round

	load, streams             sync.WaitGroup
	stopLoad, stopSubscribers context.CancelFunc
}

// round runs one fault under load and checks the answers. An error means that the round could not
// be run.
func (s *suite) round(ctx context.Context, number int, f fault.Fault) (roundResult, error) {
	begin := time.Now()
	r := &round{suite: s, fault: f, rand: rand.New(rand.NewPCG(s.options.Seed, uint64(number)+1))}
	r.result = roundResult{Fault: f.Name, About: f.About}
	if f.Missing != nil {
		if missing := f.Missing(s.cluster); missing != "" {
			r.result.Void = []string{missing}
			return r.result, nil
		}
	}
	if err := s.extend(ctx); err != nil {
		return r.result, err
	}
	base := s.history.Head()
	var err error
	if r.unknownAppends, err = s.cluster.UnknownAppends(); err != nil {
		return r.result, err
	}
	r.start(ctx, number, base)
	r.run(ctx)
	if err := context.Cause(ctx); err != nil {
		return r.result, err
	}
	seen := r.seen(ctx, base)
	r.check(ctx, seen)
	r.result.Took = time.Since(begin)
	return r.result, context.Cause(ctx)
}

// extend reads the newest events of the history.
func (s *suite) extend(ctx context.Context) error {
	conn, err := s.cluster.Database.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return s.history.Extend(ctx, conn)
}

// start starts all clients.
func (r *round) start(ctx context.Context, number int, base int64) {
	s := r.suite
	r.world = &client.World{Cluster: s.cluster, Record: record.New(), Features: s.features, Prefix: fmt.Sprintf("r%d", number)}
	r.world.Busy = r.rand.IntN(cluster.Nodes)
	var after *record.Position
	r.world.Base, r.world.Forks = record.Position{Hash: "00000000"}, r.fault.Forks
	if e := s.history.Event(base); e != nil {
		r.world.Base = record.Position{Seq: e.Seq, Hash: e.Hash}
		after = &r.world.Base
	}
	for _, n := range s.cluster.Nodes {
		n.Forks.Store(r.fault.Forks)
	}
	r.arena = &fault.Arena{World: r.world, Rand: r.rand, Evidence: &fault.Evidence{}, Writer: client.New(r.world, largeWriter, r.rand.Uint64())}
	for i := range r.probes {
		r.probes[i] = client.New(r.world, firstProbe+i, r.rand.Uint64())
	}
	subscribe := func(prefix string, after *record.Position, slow bool) *client.Subscriber {
		sub := client.NewSubscriber(r.world, firstSubscriber+len(r.subscribers), r.rand.Uint64(), prefix, after, slow)
		r.subscribers = append(r.subscribers, sub)
		return sub
	}
	subscribe(r.world.Prefix, after, false)
	subscribe(r.world.Prefix, nil, false)
	subscribe(r.world.Prefix+"/"+client.Shared+"/0", after, false)
	subscribe(r.world.Prefix+"/"+client.Shared, after, false)
	if r.fault.SlowReader {
		r.arena.Slow = subscribe(r.world.Prefix, after, true)
	}
	var loading, watching context.Context
	loading, r.stopLoad = context.WithCancel(ctx)
	watching, r.stopSubscribers = context.WithCancel(ctx)
	for _, sub := range r.subscribers {
		r.streams.Go(func() { sub.Run(watching) })
	}
	for i := range 1 + r.rand.IntN(mostClients) {
		c := client.New(r.world, i, r.rand.Uint64())
		r.load.Go(func() { c.Run(loading) })
	}
}

// run makes the fault strike, waits for the recovery, and ends the load.
func (r *round) run(ctx context.Context) {
	defer r.streams.Wait()
	defer r.stopSubscribers()
	defer r.load.Wait()
	defer r.stopLoad()
	recovered := r.recover(ctx) // all nodes must work before the first strike
	for strike := 0; recovered && strike < r.suite.options.Strikes; strike++ {
		cluster.Pause(ctx, time.Duration(200+r.rand.IntN(600))*time.Millisecond)
		r.result.Strikes++
		if err := r.fault.Strike(ctx, r.arena); err != nil && ctx.Err() == nil {
			r.found("what was to be done can be done", "%v", err)
		}
		healed := time.Now()
		if len(r.arena.Forks) > 0 {
			r.suite.history = history.New()
		}
		if recovered = r.recover(ctx); recovered {
			r.result.Recoveries = append(r.result.Recoveries, time.Since(healed))
		}
	}
	if recovered {
		r.awaitTraffic(ctx)
	}
	r.stopLoad()
	r.load.Wait()
	if recovered {
		r.quiesce(ctx)
	}
}

// awaitTraffic lets clients go on until the round has enough traffic, however slow the machine is.
func (r *round) awaitTraffic(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for cluster.Pause(ctx, 300*time.Millisecond); ctx.Err() == nil && !r.enough(); {
		cluster.Pause(ctx, 100*time.Millisecond)
	}
}

// enough reports whether there was enough traffic.
func (r *round) enough() bool {
	acknowledged, messages := int64(0), 0
	for i := range r.world.Counts {
		acknowledged += r.world.Counts[i].Done.Load()
	}
	for _, sub := range r.subscribers {
		messages += sub.Messages()
	}
	return acknowledged >= leastWrites && len(r.world.Record.Reads()) >= leastReads && messages >= leastMessages
}

// recover starts nodes that are down. It waits until each node has acknowledged a write and has
// applied those of the others.
func (r *round) recover(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var nodes sync.WaitGroup
	var seqs [cluster.Nodes]int64
	var failures [cluster.Nodes]error
	for i, n := range r.suite.cluster.Nodes {
		if n.Died() {
			r.found("a server goes on whatever happens around it", "node %d has ended by itself: %s", i, n.LastLines())
		}
		nodes.Go(func() { seqs[i], failures[i] = r.startAndWrite(ctx, i) })
	}
	nodes.Wait()
	newest := slices.Max(seqs[:])
	for i := range r.suite.cluster.Nodes {
		if failures[i] == nil {
			failures[i] = r.await(ctx, i, newest)
		}
	}
	err := errors.Join(failures[:]...)
	if err != nil && !errors.Is(err, context.Canceled) {
		r.found("all comes back by itself", "%v", err)
	}
	return err == nil
}

// startAndWrite starts a node if it is down, and returns the seq of a write that it has
// acknowledged.
func (r *round) startAndWrite(ctx context.Context, node int) (int64, error) {
	n := r.suite.cluster.Nodes[node]
	if err := n.Start(ctx); err != nil {
		return 0, err
	}
	for ctx.Err() == nil {
		trying, cancel := context.WithTimeout(ctx, time.Second)
		position, ok := r.probes[node].WriteUntilAcknowledged(trying, n)
		cancel()
		if ok {
			return position.Seq, nil
		}
		if err := r.broken(ctx, n); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("node %d takes no write: %w: %s", node, ctx.Err(), n.LastLines())
}

// await waits until a node has applied a seq.
func (r *round) await(ctx context.Context, node int, seq int64) error {
	n := r.suite.cluster.Nodes[node]
	for ctx.Err() == nil {
		trying, cancel := context.WithTimeout(ctx, time.Second)
		ok := r.probes[node].Await(trying, n, seq)
		cancel()
		if ok {
			return nil
		}
		if err := r.broken(ctx, n); err != nil {
			return err
		}
	}
	return fmt.Errorf("node %d does not apply seq %d: %w: %s", node, seq, ctx.Err(), n.LastLines())
}

// broken returns an error when a node reports that its history is broken: that state is permanent.
func (r *round) broken(ctx context.Context, n *cluster.Node) error {
	_, err := n.Ready(ctx)
	var broken *cluster.BrokenError
	if errors.As(err, &broken) {
		return err
	}
	return nil
}

// quiesce makes one last change without a notification, and waits until all nodes and all streams
// have it. They find it only by polling.
//
// Each node appends an event before that. No earlier append that is still in flight can win after
// it.
func (r *round) quiesce(ctx context.Context) {
	if !r.recover(ctx) {
		return
	}
	for i := range r.suite.cluster.Nodes {
		if _, err := r.suite.cluster.Database.Terminate(ctx, i, true); err != nil {
			r.found("all comes back by itself", "%v", err)
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last, err := r.startAndWrite(ctx, r.rand.IntN(cluster.Nodes))
	for i := range r.suite.cluster.Nodes {
		if err == nil {
			err = r.await(ctx, i, last)
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		r.found("every node is live, also when it is not notified", "%v", err)
	}
	if err := r.suite.extend(ctx); err != nil {
		r.unreadable(err)
		return
	}
	for _, sub := range r.subscribers {
		r.awaitStream(ctx, sub)
	}
}

// awaitStream waits until a stream has all changes that it selects.
func (r *round) awaitStream(ctx context.Context, sub *client.Subscriber) {
	expected := r.suite.history.Between(0, r.suite.history.Head(), sub.Prefix())
	for {
		last := sub.Last()
		if r.suite.history.Has(last.Seq, last.Hash) && (len(expected) == 0 || last.Seq >= expected[len(expected)-1].Seq) {
			return
		}
		if cluster.Pause(ctx, 10*time.Millisecond); ctx.Err() != nil {
			return // the checks report what it misses
		}
	}
}

// unreadable handles an error of reading the history.
func (r *round) unreadable(err error) {
	var law *history.LawError
	if errors.As(err, &law) {
		r.found("the history keeps its laws", "%v", err)
		return
	}
	r.result.Void = append(r.result.Void, err.Error())
}

// found records a broken promise, up to mostFindings of them.
func (r *round) found(promise, format string, args ...any) {
	if len(r.result.Findings) >= mostFindings {
		return
	}
	r.result.Findings = append(r.result.Findings, checker.Finding{Promise: promise, Text: fmt.Sprintf(format, args...)})
}
