package fault

import (
	"context"
	"errors"
	"time"

	"configapi/test/faults/cluster"
)

const (
	refused = "writes refused or broken"
	behind  = "changes that the slow reader was behind"
)

func disks() []Fault {
	missing := func(c *cluster.Cluster) string { return c.Database.CanFill() }
	return []Fault{
		{Name: "disk-full", About: "PostgreSQL's disk is full", Strike: fillDisk, Proof: []string{refused}, Missing: missing},
		{Name: "log-full", About: "PostgreSQL ends because its log cannot grow", Strike: outgrowLog, Proof: []string{crashed}, Missing: missing},
	}
}

// outgrowLog fills the disk, makes the server end because of it, and empties the disk after a
// while.
func outgrowLog(ctx context.Context, a *Arena) error {
	database := a.World.Cluster.Database
	free, err := database.Fill()
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if database.OutgrowLog(bounded) {
		a.Evidence.Add(crashed, 1)
	}
	cluster.Pause(ctx, a.between(0, 600*time.Millisecond))
	return free(ctx)
}

// fillDisk keeps the disk full until writes fail.
func fillDisk(ctx context.Context, a *Arena) error {
	free, err := a.World.Cluster.Database.Fill()
	if err != nil {
		return err
	}
	before := a.sum(notTaken)
	err = a.await(ctx, refused, 5, func() (int64, error) { return a.sum(notTaken) - before, nil })
	return errors.Join(err, free(ctx))
}

// A node keeps changes of up to 64 MiB for its subscribers. Each change counts with its old and its
// new value. These writes exceed that, although some megabytes are in the buffers of the
// connection.
const (
	largeValues = 120
	largeBytes  = 400 << 10
	pastTheRing = 110 // large values
)

func slowReader() Fault {
	return Fault{
		Name: "slow-reader", About: "a subscriber that takes nothing while 90 MB of changes are made",
		Strike: stallReader, Proof: []string{behind}, SlowReader: true,
	}
}

func stallReader(ctx context.Context, a *Arena) error {
	release := a.Slow.Stall()
	defer release()
	if a.Writer.WriteLarge(ctx, largeValues, largeBytes) < pastTheRing {
		return nil // without evidence
	}
	head, err := a.World.Cluster.Database.Head(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	a.Evidence.Add(behind, head-a.Slow.Seq())
	return nil
}
