package rights

import (
	"context"
	"slices"
	"time"

	"configapi/internal/postgrestest"
	"configapi/test/faults/cluster"
	"configapi/test/faults/history"
)

// failOver revokes a token, and replaces the primary by a synchronous standby.
func failOver(ctx context.Context, o *outage) error {
	d := o.cluster.Database
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
	promoted, err := o.promote(ctx, spare)
	if err != nil {
		return err
	}
	o.awaitEnds(ctx, "end of revoked streams, the primary killed at once", o.goes.at, o.cluster.Nodes[1:]...)
	o.awaitWrites(ctx, "first write after a failover", promoted)
	fresh, err := o.create(ctx, o.cluster.Nodes[0], o.name+".fresh", reading(o.name))
	if err != nil {
		return err
	}
	o.awaitLetIn(ctx, "first use of a new token after a failover", time.Now(), o.cluster.Nodes[1], fresh.secret)
	return o.finish(ctx, nil)
}

// loseTail replaces the primary by a standby that lacks the newest events. A token that was made
// with them is none any more: no node lets it in, and its streams end.
func loseTail(ctx context.Context, o *outage) error {
	d := o.cluster.Database
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
	promoted, err := o.promote(ctx, spare)
	if err != nil {
		return err
	}
	o.history = history.New()
	o.awaitWrites(ctx, "first write after a failover", promoted)
	for _, n := range o.cluster.Nodes {
		if !until(ctx, func() bool {
			a, err := o.get(ctx, n, lost.secret, o.config)
			return err == nil && a.refused()
		}) {
			o.found("a token that the history has lost is refused", "node %d still lets it in", n.Number)
		}
	}
	o.world.awaitEnds(ctx, ending)
	for _, s := range ending {
		if end := s.end(); end != nil {
			o.took("end of the streams of a token that a failover has lost", end.At.Sub(promoted))
		}
	}
	return o.checkAll(ctx, o.going)
}

// promote replaces the primary, which has failed, by a standby. It returns when that was done.
func (o *outage) promote(ctx context.Context, spare *cluster.Spare) (promoted time.Time, err error) {
	if err := spare.Promote(ctx); err != nil {
		return promoted, err
	}
	old := o.cluster.Database.Take(spare, false)
	promoted = time.Now()
	o.count(primariesReplaced, 1)
	_, err = old.Retire(ctx)
	return promoted, err
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
	o.awaitFirst(ctx, ending, after)
	if i := slices.IndexFunc(ending, func(s *stream) bool { return s.end() != nil }); i >= 0 {
		o.found(goesOn, "%s ended: %q", ending[i].seen.Name, ending[i].end().Text)
	}
	return lost, ending, nil
}
