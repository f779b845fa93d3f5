package postgrestest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// NewStandby makes a standby of a running cluster and starts it. It ends with the test. Commits of
// the cluster wait for it only if the cluster's synchronous_standby_names says so. Call
// pg_promote() on it to promote it.
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

// Follow makes a standby of a running cluster and starts it. The caller must call [Cluster.Close].
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

// Backup makes a base backup of a running cluster, for [Cluster.Recover]. The caller must call
// [Cluster.Close].
func Backup(ctx context.Context, primary *Cluster) (*Cluster, error) { return backup(ctx, primary) }

// Recover starts a base backup and recovers it from the log of the cluster that it was made of, up
// to an LSN such as pg_current_wal_lsn() returns. It is a primary on a new timeline when Recover
// returns. If that takes more than 30 s, the error is that of [Cluster.Start].
func (c *Cluster) Recover(ctx context.Context, primary *Cluster, lsn string) error {
	signal := filepath.Join(c.Dir(), "recovery.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		return err
	}
	if err := c.home.giveToOwner(signal); err != nil {
		return err
	}
	settings := c.Settings
	defer func() { c.Settings = settings }()
	c.Settings = append(slices.Clip(settings), "hot_standby=off", "recovery_target_action=promote", "recovery_target_lsn="+lsn,
		"restore_command=cp "+filepath.Join(primary.Dir(), "pg_wal")+"/%f %p")
	return c.Start(ctx)
}

// backup makes a base backup with further options of pg_basebackup. It does not start it.
func backup(ctx context.Context, primary *Cluster, options ...string) (*Cluster, error) {
	home, err := newHome(baseDir(primary.owner), primary.owner)
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: primary.bin, home: home, owner: primary.owner, password: primary.password, Settings: primary.Settings}
	// If postgres is a symbolic link, pg_basebackup is beside the file that it leads to.
	program, err := filepath.EvalSymlinks(filepath.Join(c.bin, "postgres"))
	if err == nil {
		err = c.run(ctx, "copying the primary", filepath.Join(filepath.Dir(program), "pg_basebackup"),
			append([]string{"--dbname=" + primary.DSN(""), "--pgdata=" + c.Dir(), "--checkpoint=fast", "--no-sync"}, options...)...)
	}
	if err == nil {
		err = c.writePassword()
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}
