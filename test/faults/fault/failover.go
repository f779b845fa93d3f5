package fault

import (
	"context"
	"errors"
	"time"

	"configapi/internal/postgrestest"
	"configapi/test/faults/cluster"
	"configapi/test/faults/history"
)

const (
	replaced   = "primaries replaced"
	behindIt   = "acknowledged writes behind the standby"
	refusals   = "positions refused as unknown"
	waitsEnded = "commits that waited for the standby ended"
	recovered  = "recoveries to a point in time"
	fenced     = "sessions with the old primary refused"

	// leastTail is the least number of writes that the standby must lack, or must have.
	leastTail = 30
)

// Fork is the replacement of a primary by a server that may lack its newest events.
type Fork struct {
	Old *history.History // the whole history of the old primary
	At  int64            // the newest seq that the new primary had
	// Begin is before the first write to the new primary, End after the last write to the old one.
	Begin, End time.Duration
	// Taken is when the new primary was ready.
	Taken time.Duration
	// Lossless: no acknowledged write may be missing.
	Lossless bool
}

// failovers returns the faults that replace the primary.
func failovers() []Fault {
	return []Fault{
		{
			Name: "failover-async", About: "failover to an asynchronous standby that was cut off before", Strike: failOverAsync,
			Proof: []string{replaced, behindIt, refusals, restarting}, Forks: true,
		},
		{
			Name: "failover-sync", About: "failover to a synchronous standby", Strike: failOverSync,
			Proof: []string{replaced}, Forks: true,
		},
		{
			Name: "two-primaries", About: "a standby is promoted while its primary goes on, and sessions go to both", Strike: splitBrain,
			Proof: []string{replaced, fenced}, Forks: true,
		},
		{
			Name: "restore", About: "an older backup, or a point in time, takes the place of the primary", Strike: restore,
			Proof: []string{replaced, behindIt, refusals, restarting}, Forks: true,
		},
	}
}

// failOverAsync cuts the replication, lets clients go on writing, and kills the primary.
func failOverAsync(ctx context.Context, a *Arena) error {
	spare, err := a.World.Cluster.Database.Standby(ctx, false)
	if err != nil {
		return err
	}
	a.pauseForWrites(ctx)
	if err := spare.Cut(ctx); err != nil {
		return err
	}
	a.pauseForWrites(ctx)
	return a.replace(ctx, spare, func() error { return spare.Promote(ctx) }, Fork{})
}

// failOverSync kills the primary while writes wait for the standby. In half of the cases the
// standby is cut off before, and the sessions whose commits wait for it are ended. Their writes are
// visible on the primary, but no node may acknowledge them.
func failOverSync(ctx context.Context, a *Arena) error {
	spare, err := a.World.Cluster.Database.Standby(ctx, true)
	if err != nil {
		return err
	}
	a.pauseForWrites(ctx)
	if a.Rand.IntN(2) == 0 {
		if err := spare.Cut(ctx); err != nil {
			return err
		}
		if err := a.endWaits(ctx); err != nil {
			return err
		}
	}
	return a.replace(ctx, spare, func() error { return spare.Promote(ctx) }, Fork{Lossless: true})
}

// endWaits ends sessions that wait for an unreachable standby, for a second.
func (a *Arena) endWaits(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for ctx.Err() == nil {
		ended, err := a.World.Cluster.Database.EndWaits(context.WithoutCancel(ctx))
		if err != nil {
			return err
		}
		a.Evidence.Add(waitsEnded, int64(ended))
		cluster.Pause(ctx, a.between(10*time.Millisecond, 100*time.Millisecond))
	}
	return nil
}

// restore goes back to an earlier state: to a copy of the data, or to a point in time by a base
// backup and the log. The copy has the timeline of the primary, so that only the chain of hashes
// distinguishes the two.
func restore(ctx context.Context, a *Arena) error {
	if a.Rand.IntN(2) == 0 {
		return restorePointInTime(ctx, a)
	}
	backup, err := a.World.Cluster.Database.Backup(ctx)
	if err != nil {
		return err
	}
	a.pauseForWrites(ctx)
	return a.replace(ctx, backup, func() error { return nil }, Fork{})
}

func restorePointInTime(ctx context.Context, a *Arena) error {
	d := a.World.Cluster.Database
	backup, err := d.BaseBackup(ctx)
	if err != nil {
		return err
	}
	a.pauseForWrites(ctx)
	lsn, err := d.Now(ctx)
	if err != nil {
		return err
	}
	a.pauseForWrites(ctx)
	promote := func() error {
		if err := backup.Recover(ctx, lsn); err != nil {
			return err
		}
		a.Evidence.Add(recovered, 1)
		return nil
	}
	return a.replace(ctx, backup, promote, Fork{})
}

// pauseForWrites waits until clients have written enough.
func (a *Arena) pauseForWrites(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for before := a.sum(done); a.sum(done)-before < leastTail && ctx.Err() == nil; {
		cluster.Pause(ctx, 10*time.Millisecond)
	}
	cluster.Pause(ctx, a.between(0, 100*time.Millisecond))
}

// replace kills the primary, promotes a spare and puts it in its place.
func (a *Arena) replace(ctx context.Context, spare *cluster.Spare, promote func() error, f Fork) error {
	d := a.World.Cluster.Database
	restartedBefore, refusedBefore := a.sum(restarted), a.sum(unknownPositions)
	f.Begin = a.World.Record.Now()
	if err := d.Fail(postgrestest.Kill); err != nil {
		return err
	}
	f.End = a.World.Record.Now()
	err := promote()
	if err != nil {
		return err
	}
	if f.At, err = spare.Head(ctx); err != nil {
		return err
	}
	f.Taken = a.World.Record.Now()
	old := d.Take(spare, false)
	a.Evidence.Add(replaced, 1)
	if f.Old, err = old.Retire(ctx); err != nil {
		return err
	}
	a.Forks = append(a.Forks, f)
	if f.Lossless {
		return nil
	}
	err = a.await(ctx, restarting, 1, func() (int64, error) { return a.sum(restarted) - restartedBefore, nil })
	return errors.Join(err, a.await(ctx, refusals, 1, func() (int64, error) { return a.sum(unknownPositions) - refusedBefore, nil }))
}

// splitBrain promotes a standby while its primary goes on. New sessions go to both in turn, until
// each node has connected to the new primary and some session with the old one was refused. What
// the old primary acknowledges meanwhile is lost.
func splitBrain(ctx context.Context, a *Arena) error {
	d := a.World.Cluster.Database
	spare, err := d.Standby(ctx, false)
	if err != nil {
		return err
	}
	a.pauseForWrites(ctx)
	var f Fork
	if err := spare.Promote(ctx); err != nil {
		return err
	}
	if f.At, err = spare.Head(ctx); err != nil {
		return err
	}
	before, err := a.World.Cluster.LogLines(refusedSession)
	if err != nil {
		return err
	}
	f.Begin = a.World.Record.Now()
	f.Taken = f.Begin
	old := d.Take(spare, true)
	err = a.await(ctx, fenced, cluster.Nodes, func() (int64, error) {
		if _, err := old.EndSessions(ctx); err != nil {
			return 0, err
		}
		cluster.Pause(ctx, a.between(20*time.Millisecond, 200*time.Millisecond))
		if _, err := d.EndSessions(ctx); err != nil { // nodes then reconnect, to either primary
			return 0, err
		}
		now, err := a.World.Cluster.LogLines(refusedSession)
		return now - before, err
	})
	d.RouteToPrimary()
	if err := errors.Join(err, old.Stop(postgrestest.Immediate)); err != nil {
		return err
	}
	f.End = a.World.Record.Now()
	a.Evidence.Add(replaced, 1)
	if f.Old, err = old.Retire(ctx); err != nil {
		return err
	}
	a.Forks = append(a.Forks, f)
	return nil
}

// refusedSession is the log line of a node that refuses a session with an old primary.
const refusedSession = "a connection to an old primary is refused"
