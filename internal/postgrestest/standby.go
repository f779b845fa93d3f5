package postgrestest

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

// NewStandby makes a standby that follows a cluster, which must run, and starts it. It ends with the test. What is written to
// the cluster waits for it only when the cluster's synchronous_standby_names says so. To promote it, call pg_promote() there.
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

// Follow makes a standby that follows a cluster, which must run, and starts it. Whoever calls it calls Close.
func Follow(ctx context.Context, primary *Cluster) (*Cluster, error) {
	home, err := newHome(primary.owner)
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: primary.bin, home: home, owner: primary.owner, password: primary.password, Settings: primary.Settings}
	// Where postgres itself is a link, the programs that are less known are beside what it leads to.
	program, err := filepath.EvalSymlinks(filepath.Join(c.bin, "postgres"))
	if err == nil {
		err = c.run(ctx, "copying the primary", filepath.Join(filepath.Dir(program), "pg_basebackup"),
			"--dbname="+primary.DSN(""), "--pgdata="+c.Dir(), "--write-recovery-conf", "--checkpoint=fast", "--no-sync")
	}
	if err == nil {
		err = c.keepPassword()
	}
	if err == nil {
		err = c.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}
