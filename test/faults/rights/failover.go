package rights

import (
	"context"
	"net/http"
	"slices"
	"time"

	"configapi/internal/postgrestest"
	"configapi/test/faults/cluster"
	"configapi/test/faults/history"
)

// failOver revokes a token, and replaces the primary by a synchronous standby.
func failOver(ctx context.Context, w *world) error {
	o, err := w.beginOutage(ctx, "failover")
	if err != nil {
		return err
	}
	defer o.end()
	d := w.cluster.Database
	spare, err := d.Standby(ctx, true)
	if err != nil {
		return err
	}
	if err := o.revokeNow(ctx, 0); err != nil {
		return err
	}
	if err := d.Fail(postgrestest.Kill); err != nil {
		return err
	}
	o.mustServeWithout(ctx)
	if err := spare.Promote(ctx); err != nil {
		return err
	}
	old := d.Take(spare, false)
	promoted := time.Now()
	w.count(primariesReplaced, 1)
	if _, err := old.Retire(ctx); err != nil {
		return err
	}
	o.awaitEnds(ctx, "end of revoked streams, the primary killed at once", o.goes.at, w.cluster.Nodes[1:]...)
	o.awaitWrites(ctx, "first write after a failover", promoted)
	fresh, err := o.create(ctx, w.cluster.Nodes[0], o.name+".fresh", reading(o.name))
	if err != nil {
		return err
	}
	o.awaitLetIn(ctx, "first use of a new token after a failover", time.Now(), w.cluster.Nodes[1], fresh.secret)
	return o.finish(ctx, nil)
}

// loseTail replaces the primary by a standby that lacks the newest events. A token that was made
// with them is none any more: no node lets it in, and its streams end.
func loseTail(ctx context.Context, w *world) error {
	o, err := w.beginOutage(ctx, "lost")
	if err != nil {
		return err
	}
	defer o.end()
	d := w.cluster.Database
	spare, err := d.Standby(ctx, false)
	if err != nil {
		return err
	}
	if err := o.revokeNow(ctx, 0); err != nil {
		return err
	}
	if err := spare.Has(ctx, o.goes.position.Seq); err != nil {
		return err
	}
	if err := spare.Cut(ctx); err != nil {
		return err
	}
	lost, ending, err := o.loseToken(ctx)
	if err != nil {
		return err
	}
	if err := d.Fail(postgrestest.Kill); err != nil {
		return err
	}
	if err := spare.Promote(ctx); err != nil {
		return err
	}
	old := d.Take(spare, false)
	promoted := time.Now()
	w.count(primariesReplaced, 1)
	if _, err := old.Retire(ctx); err != nil {
		return err
	}
	w.history = history.New()
	o.awaitWrites(ctx, "first write after a failover", promoted)
	for _, n := range w.cluster.Nodes {
		if !until(ctx, func() bool {
			a, err := o.get(ctx, n, lost.secret, o.config)
			return err == nil && (a.status == http.StatusUnauthorized || a.status == http.StatusTooManyRequests)
		}) {
			w.found("a token that the history has lost is refused", "node %d still lets it in", n.Number)
		}
	}
	w.awaitEnds(ctx, ending)
	for _, s := range ending {
		if end := s.end(); end != nil {
			w.took("end of the streams of a token that a failover has lost", end.At.Sub(promoted))
		}
	}
	return w.checkAll(ctx, o.going)
}

// loseToken makes a token that no standby has, and streams of it.
func (o *outage) loseToken(ctx context.Context) (lost made, ending []*stream, err error) {
	if lost, err = o.create(ctx, o.cluster.Nodes[0], o.name+".token", reading(o.name)); err != nil {
		return lost, nil, err
	}
	after, err := o.head(ctx)
	if err != nil {
		return lost, nil, err
	}
	for i := range 4 * cluster.Nodes {
		n := o.cluster.Nodes[i%cluster.Nodes]
		s := o.newStream(edgeOf(i/cluster.Nodes), n, o.name+".token", lost.secret, []string{o.name}, after)
		ending = append(ending, s)
		o.running.Go(func() { s.run(o.watching) })
	}
	if err := o.write(ctx, 0); err != nil {
		return lost, nil, err
	}
	o.awaitAll(ctx, ending, "to have the first change", func(s *stream) bool { return s.at().Seq > after.Seq || s.end() != nil })
	if i := slices.IndexFunc(ending, func(s *stream) bool { return s.end() != nil }); i >= 0 {
		o.found(goesOn, "%s ended: %q", ending[i].seen.Name, ending[i].end().Text)
	}
	return lost, ending, nil
}
