package rights

import (
	"context"
	"errors"
	"time"

	"configapi/internal/postgrestest"
	"configapi/test/faults/cluster"
	"configapi/test/faults/history"
)

// split is how long sessions lead to two primaries.
const split = 3 * time.Second

// splitBrain promotes a standby while its primary goes on, and lets sessions of nodes lead to both
// in turn. Both know that a token was revoked, and no node may let it in meanwhile.
func splitBrain(ctx context.Context, o *outage) error {
	d := o.cluster.Database
	spare, err := d.Standby(ctx, false)
	if err != nil {
		return err
	}
	if err := o.revokeNow(ctx, 0); err != nil {
		return err
	}
	o.awaitEnds(ctx, "end of revoked streams before two primaries", o.goes.at, o.cluster.Nodes[1:]...)
	if err := spare.Has(ctx, o.goes.position.Seq); err != nil {
		return err
	}
	if err := o.checkAll(ctx, o.going); err != nil {
		return err
	}
	stop := o.keepAsking(ctx, o.cluster.Nodes[:])
	old, err := takeSlowly(ctx, d, spare)
	stop()
	if err != nil {
		return err
	}
	o.count(primariesReplaced, 1)
	if _, err := old.Retire(ctx); err != nil {
		return err
	}
	o.history = history.New()
	o.awaitWrites(ctx, "first write after two primaries", time.Now())
	fresh, err := o.create(ctx, o.cluster.Nodes[0], o.name+".fresh", reading(o.name))
	if err != nil {
		return err
	}
	for _, n := range o.cluster.Nodes[1:] {
		o.awaitLetIn(ctx, "first use of a new token after two primaries", fresh.at, n, fresh.secret)
	}
	return nil
}

// takeSlowly promotes a standby and ends sessions with both primaries again and again. Then the old
// one is stopped, and returned.
func takeSlowly(ctx context.Context, d *cluster.Database, spare *cluster.Spare) (old *cluster.Spare, err error) {
	if err := spare.Promote(ctx); err != nil {
		return nil, err
	}
	old = d.Take(spare, true)
	for end := time.Now().Add(split); time.Now().Before(end) && err == nil && ctx.Err() == nil; {
		_, err = old.EndSessions(ctx)
		cluster.Pause(ctx, 100*time.Millisecond)
		_, worse := d.EndSessions(ctx)
		err = errors.Join(err, worse)
	}
	d.RouteToPrimary()
	return old, errors.Join(err, old.Stop(postgrestest.Immediate))
}
