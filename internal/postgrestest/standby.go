package postgrestest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// NewStandby makes a standby that follows a cluster, which must run, and starts it. It ends with
// the test. What is written to the cluster waits for it only when the cluster's
// synchronous_standby_names says so. To promote it, call pg_promote() there.
func NewStandby(t testing.TB, primary *Cluster) *Cluster {
	t.Helper()
	c, err := Follow(t.Context(), primary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Follow makes a standby that follows a cluster, which must run, and starts it. Whoever calls it
// calls Close.
func Follow(ctx context.Context, primary *Cluster) (*Cluster, error) {
	c, err := backup(ctx, primary, "--write-recovery-conf")
	if err != nil {
		return nil, err
	}
	if err := c.Start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Backup makes a base backup of a cluster, which must run. It is for [Cluster.Recover]. Whoever
// calls it calls Close.
func Backup(ctx context.Context, primary *Cluster) (*Cluster, error) { return backup(ctx, primary) }

// Recover starts a base backup and brings it to a point in time of the cluster that it was made of,
// whose log it reads: to an LSN such as pg_current_wal_lsn() gives. It is a primary on a timeline
// of its own when Recover returns. The error of a backup that cannot be recovered within 30 s is
// that of [Cluster.Start].
func (c *Cluster) Recover(ctx context.Context, primary *Cluster, lsn string) error {
	signal := filepath.Join(c.Dir(), "recovery.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		return err
	}
	if err := c.home.give(signal); err != nil {
		return err
	}
	settings := c.Settings
	defer func() { c.Settings = settings }()
	c.Settings = append(slices.Clip(settings), "hot_standby=off", "recovery_target_action=promote", "recovery_target_lsn="+lsn,
		"restore_command=cp "+filepath.Join(primary.Dir(), "pg_wal")+"/%f %p")
	return c.Start(ctx)
}

// backup makes a base backup with more options, which is not started.
func backup(ctx context.Context, primary *Cluster, options ...string) (*Cluster, error) {
	home, err := newHome(baseDir(primary.owner), primary.owner)
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: primary.bin, home: home, owner: primary.owner, password: primary.password, Settings: primary.Settings}
	// Where postgres itself is a link, the programs that are less known are beside what it leads
	// to.
	program, err := filepath.EvalSymlinks(filepath.Join(c.bin, "postgres"))
	if err == nil {
		err = c.run(ctx, "copying the primary", filepath.Join(filepath.Dir(program), "pg_basebackup"),
			append([]string{"--dbname=" + primary.DSN(""), "--pgdata=" + c.Dir(), "--checkpoint=fast", "--no-sync"}, options...)...)
	}
	if err == nil {
		err = c.keepPassword()
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}
