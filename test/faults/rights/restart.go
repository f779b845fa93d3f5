package rights

import (
	"context"
	"net/http"
	"sync"
	"time"

	"configapi/test/faults/cluster"
)

// killNode kills a node, revokes a token and makes another one, and asks the node from its start
// on: until it has applied the history it answers nothing but probes.
func killNode(ctx context.Context, o *outage) error {
	killed := o.cluster.Nodes[2]
	if err := killed.Kill(); err != nil {
		return err
	}
	o.count(nodesKilled, 1)
	if err := o.revokeNow(ctx, 0); err != nil {
		return err
	}
	fresh, err := o.create(ctx, o.cluster.Nodes[0], o.name+".fresh", reading(o.name))
	if err != nil {
		return err
	}
	stop := o.keepAsking(ctx, []*cluster.Node{killed}, asker{"a token that is new", fresh.secret, true})
	err = killed.Start(ctx)
	started := time.Now()
	if err == nil {
		o.awaitLetIn(ctx, "first use of a new token after the start of a node", started, killed, fresh.secret)
		o.mustRefuse(ctx, killed, o.goesSecret())
	}
	stop()
	if err != nil {
		return err
	}
	o.awaitEnds(ctx, "end of revoked streams beside a killed node", o.goes.at, o.cluster.Nodes[0], o.cluster.Nodes[1])
	return o.finish(ctx, func(s *stream) bool { return s.node == killed })
}

// asker sends one kind of request again and again.
type asker struct {
	what, secret string
	inForce      bool // the secret is one that a node may never refuse; else it may never be let in
}

// keepAsking asks nodes with a token that is in force, a revoked one, none and others, until stop
// is called.
func (o *outage) keepAsking(ctx context.Context, nodes []*cluster.Node, others ...asker) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	for _, a := range append(others,
		asker{"a revoked token", o.goesSecret(), false}, asker{"no token", "", false}, asker{"a token that is in force", o.stays.secret, true},
	) {
		for _, n := range nodes {
			asking.Go(func() { a.ask(ctx, o, n) })
		}
	}
	return func() {
		cancel()
		asking.Wait()
	}
}

// ask asks a node until ctx ends. While the node starts, or has no store, it may answer with 503,
// or not at all.
func (a asker) ask(ctx context.Context, o *outage, n *cluster.Node) {
	for ctx.Err() == nil {
		got, err := o.get(ctx, n, a.secret, o.config)
		switch {
		case err != nil, got.unreached():
			o.count(unanswered, 1)
		case got.status != http.StatusOK && a.inForce:
			o.found("a token in force is never refused", "%s: %s on node %d: %v", o.name, a.what, n.Number, got)
			return
		case got.status == http.StatusOK && !a.inForce:
			o.found("nobody is let in without rights", "%s: %s on node %d: %v", o.name, a.what, n.Number, got)
			return
		default:
			o.count(answered, 1)
		}
		cluster.Pause(ctx, 3*time.Millisecond)
	}
}
