package rights

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"configapi/internal/postgrestest"
	"configapi/test/faults/cluster"
	"configapi/test/faults/proxy"
)

// outage is what a part with a fault acts on: a token that stays, one that is revoked in the course
// of the fault, and streams of both on all nodes.
type outage struct {
	*world
	name           string
	config         string // that both tokens may read
	stays, goes    made
	revoked        bool // the token that goes is revoked
	staying, going []*stream
	watching       context.Context // of the streams
	cancel         context.CancelFunc
	running        *sync.WaitGroup
}

// inOutage returns a part that acts on an outage with a name.
func inOutage(name string, act func(context.Context, *outage) error) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		o, err := w.beginOutage(ctx, name)
		if err != nil {
			return err
		}
		defer o.end()
		return act(ctx, o)
	}
}

// beginOutage makes the tokens and their streams.
func (w *world) beginOutage(ctx context.Context, name string) (*outage, error) {
	o := &outage{world: w, name: name, config: name + "/config", running: &sync.WaitGroup{}}
	var err error
	reads := []grant{{[]string{"READ", "WRITE"}, name}}
	if o.stays, err = w.create(ctx, w.cluster.Nodes[0], name+".stays", reads); err != nil {
		return nil, err
	}
	if o.goes, err = w.create(ctx, w.cluster.Nodes[0], name+".goes", reads); err != nil {
		return nil, err
	}
	after, err := w.head(ctx)
	if err != nil {
		return nil, err
	}
	o.watching, o.cancel = context.WithCancel(ctx)
	for i := range max(4*cluster.Nodes, w.options.Tokens/2) {
		n, e := w.cluster.Nodes[i%cluster.Nodes], edgeOf(i/cluster.Nodes)
		stays := w.newStream(e, n, name+".stays", o.stays.secret, []string{name}, after)
		goes := w.newStream(e, n, name+".goes", o.goes.secret, []string{name}, after)
		o.staying, o.going = append(o.staying, stays), append(o.going, goes)
		o.running.Go(func() { stays.run(o.watching) })
		o.running.Go(func() { goes.run(o.watching) })
	}
	if err := o.write(ctx, 0); err != nil {
		o.end()
		return nil, err
	}
	w.awaitFirst(ctx, slices.Concat(o.staying, o.going), after)
	return o, nil
}

func (o *outage) end() {
	o.cancel()
	o.running.Wait()
}

// write sets the config of the part, and fails unless that is acknowledged.
func (o *outage) write(ctx context.Context, node int) error {
	a, err := o.set(ctx, o.cluster.Nodes[node], o.stays.secret, o.config, time.Now().String())
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("writing through node %d: %v", node, a)
	}
	return err
}

// revokeNow revokes the token that goes, and says how its streams must end.
func (o *outage) revokeNow(ctx context.Context, node int) (err error) {
	o.goes, err = o.revoke(ctx, o.cluster.Nodes[node], o.name+".goes")
	o.revoked = err == nil
	for _, s := range o.going {
		s.must(revoked, o.goes.position.Seq, time.Time{})
	}
	return err
}

// awaitEnds waits until the streams of the revoked token have ended on some nodes, and records how
// long that took since a time.
func (o *outage) awaitEnds(ctx context.Context, what string, since time.Time, nodes ...*cluster.Node) {
	var ending []*stream
	for _, s := range o.going {
		if slices.Contains(nodes, s.node) {
			ending = append(ending, s)
		}
	}
	o.world.awaitEnds(ctx, ending)
	for _, s := range ending {
		if end := s.end(); end != nil {
			o.took(what, end.At.Sub(since))
		}
	}
}

// finish waits until the streams that stay have a last change, and checks all. Streams that a fault
// broke are left out of what must go on.
func (o *outage) finish(ctx context.Context, broken func(*stream) bool) error {
	if err := o.write(ctx, 1); err != nil {
		return err
	}
	if err := o.extend(ctx); err != nil {
		return err
	}
	last := o.history.Head()
	if expected := o.history.Between(0, last, o.name); len(expected) > 0 {
		last = expected[len(expected)-1].Seq
	}
	all := slices.DeleteFunc(slices.Concat(o.staying, o.going), func(s *stream) bool { return broken != nil && broken(s) })
	o.awaitAll(ctx, all, "to have the last change", func(s *stream) bool { return s.end() != nil || s.at().Seq >= last })
	return o.checkAll(ctx, all)
}

// cutListeners ends the connections that listen for changes, and revokes a token at once.
func cutListeners(ctx context.Context, o *outage) error {
	for _, n := range o.cluster.Nodes {
		ended, err := o.cluster.Database.Terminate(ctx, n.Number, true)
		if err != nil {
			return err
		}
		o.count(listenersEnded, ended)
	}
	if err := o.revokeNow(ctx, 0); err != nil {
		return err
	}
	o.awaitEnds(ctx, "end of revoked streams after the listeners were cut, on another node", o.goes.at, o.cluster.Nodes[1], o.cluster.Nodes[2])
	return o.finish(ctx, nil)
}

// isolateNode cuts one node off from PostgreSQL and revokes a token on another one. The node may
// not know, but it lets in nobody that it does not know.
func isolateNode(ctx context.Context, o *outage) error {
	cutOff := o.cluster.Nodes[1]
	heal, err := cutOff.Back.Infect(proxy.Blackhole())
	if err != nil {
		return err
	}
	fresh, err := o.whileIsolated(ctx, cutOff)
	healed := time.Now()
	if err := errors.Join(err, heal()); err != nil {
		return err
	}
	o.awaitEnds(ctx, "end of revoked streams after a node has PostgreSQL again", healed, cutOff)
	o.awaitLetIn(ctx, "first use of a new token after a node has PostgreSQL again", healed, cutOff, fresh.secret)
	o.mustRefuse(ctx, cutOff, o.goesSecret())
	if !until(ctx, func() bool { return o.write(ctx, 1) == nil }) {
		o.found("all comes back by itself", "node %d takes no write after it has PostgreSQL again", cutOff.Number)
	}
	return o.finish(ctx, nil)
}

// whileIsolated asks a node that cannot reach PostgreSQL, and returns a token that it does not
// know.
func (o *outage) whileIsolated(ctx context.Context, cutOff *cluster.Node) (fresh made, err error) {
	others := []*cluster.Node{o.cluster.Nodes[0], o.cluster.Nodes[2]}
	if err = o.revokeNow(ctx, 0); err != nil {
		return fresh, err
	}
	o.awaitEnds(ctx, "end of revoked streams on nodes beside an isolated one", o.goes.at, others...)
	if fresh, err = o.create(ctx, o.cluster.Nodes[0], o.name+".fresh", reading(o.name)); err != nil {
		return fresh, err
	}
	o.mustServeKnown(ctx, cutOff)
	o.mustNotKnow(ctx, cutOff, fresh.secret)
	return fresh, nil
}

// mustServeKnown checks that a node without PostgreSQL serves reads to a token that it knows, and
// takes no write.
func (o *outage) mustServeKnown(ctx context.Context, n *cluster.Node) {
	for range 5 {
		if a, err := o.get(ctx, n, o.stays.secret, o.config); err != nil || a.status != http.StatusOK {
			o.found("readers with known tokens go on", "node %d without PostgreSQL: %v, %v", n.Number, a, err)
		}
		o.count(knownServed, 1)
	}
	if a, err := o.set(ctx, n, o.stays.secret, o.config, "no"); err == nil && !a.unreached() {
		o.found("a node without PostgreSQL takes no write", "node %d: %v", n.Number, a)
	}
}

// mustNotKnow checks that a node without PostgreSQL neither lets in nor refuses a token that it
// does not know.
func (o *outage) mustNotKnow(ctx context.Context, n *cluster.Node, secret string) {
	var asking errgroup.Group
	for _, unknown := range []string{secret, stranger()} {
		asking.Go(func() error {
			a, err := o.get(ctx, n, unknown, o.config)
			if err != nil || !a.unreached() {
				o.found("in doubt nobody is let in, and nobody refused", "node %d without PostgreSQL: %v, %v", n.Number, a, err)
			}
			o.count(unknownRefused, 1)
			return nil
		})
	}
	_ = asking.Wait() // never fails
}

// awaitLetIn waits until a node lets in a token that is in force. It must not be refused meanwhile.
func (o *outage) awaitLetIn(ctx context.Context, what string, since time.Time, n *cluster.Node, secret string) {
	if !until(ctx, func() bool {
		a, err := o.get(ctx, n, secret, o.config)
		if err == nil && a.status == http.StatusUnauthorized {
			o.found("a token in force is never refused", "node %d: %v", n.Number, a)
			return true
		}
		return err == nil && a.status == http.StatusOK
	}) {
		o.found("all comes back by itself", "node %d lets in no token that was new", n.Number)
	}
	o.took(what, time.Since(since))
}

// goesSecret is the secret that was revoked.
func (o *outage) goesSecret() string { return o.going[0].secret }

// mustRefuse checks that a node refuses a secret.
func (o *outage) mustRefuse(ctx context.Context, n *cluster.Node, secret string) {
	a, err := o.get(ctx, n, secret, o.config)
	if err != nil || !a.refused() {
		o.found("a revoked token is refused", "node %d: %v, %v", n.Number, a, err)
	}
	o.count(revokedRefused, 1)
}

// stopPostgres revokes a token, stops PostgreSQL at once, and asks all nodes meanwhile.
func stopPostgres(ctx context.Context, o *outage) error {
	if err := o.revokeNow(ctx, 0); err != nil {
		return err
	}
	if err := o.cluster.Database.Fail(postgrestest.Immediate); err != nil {
		return err
	}
	o.count(postgresStopped, 1)
	o.mustServeWithout(ctx)
	if err := o.cluster.Database.Start(ctx); err != nil {
		return err
	}
	back := time.Now()
	o.awaitEnds(ctx, "end of revoked streams, PostgreSQL stopped at once", o.goes.at, o.cluster.Nodes[1:]...)
	o.awaitWrites(ctx, "first write after PostgreSQL is back", back)
	return o.finish(ctx, nil)
}

// freezePostgres has PostgreSQL answer nobody for a while.
func freezePostgres(ctx context.Context, o *outage) error {
	var heals []func() error
	heal := func() (err error) {
		for _, h := range heals {
			err = errors.Join(err, h())
		}
		return err
	}
	for _, n := range o.cluster.Nodes {
		h, err := n.Back.Infect(proxy.Blackhole())
		if err != nil {
			return errors.Join(err, heal())
		}
		heals = append(heals, h)
	}
	o.count(postgresFrozen, 1)
	o.mustServeWithout(ctx)
	if err := heal(); err != nil {
		return err
	}
	o.awaitWrites(ctx, "first write after PostgreSQL answers again", time.Now())
	if err := o.revokeNow(ctx, 0); err != nil {
		return err
	}
	o.awaitEnds(ctx, "end of revoked streams after PostgreSQL answers again, on another node", o.goes.at, o.cluster.Nodes[1:]...)
	return o.finish(ctx, nil)
}

// mustServeWithout checks all nodes while none of them can reach PostgreSQL.
func (o *outage) mustServeWithout(ctx context.Context) {
	var asking sync.WaitGroup
	for _, n := range o.cluster.Nodes {
		asking.Go(func() {
			o.mustServeKnown(ctx, n)
			o.mustNotKnow(ctx, n, stranger())
		})
	}
	asking.Wait()
}

// awaitWrites waits until each node takes a write again. A token that was revoked is still refused
// then.
func (o *outage) awaitWrites(ctx context.Context, what string, since time.Time) {
	var asking sync.WaitGroup
	for _, n := range o.cluster.Nodes {
		asking.Go(func() {
			if !until(ctx, func() bool { return o.write(ctx, n.Number) == nil }) {
				o.found("all comes back by itself", "node %d takes no write", n.Number)
			}
			o.took(what, time.Since(since))
			if o.revoked {
				o.mustRefuse(ctx, n, o.goesSecret())
			}
		})
	}
	asking.Wait()
}
