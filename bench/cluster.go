package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// postgresPrograms is the directory of initdb and postgres: the PATH's, else the newest below /usr/lib/postgresql.
func postgresPrograms() (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(initdb), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("no PostgreSQL here: install its server (Debian: apt-get install postgresql), "+
			"or set %s to one where databases may be created, or run with -stores sqlite", postgresVariable)
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return majorVersion(a) - majorVersion(b) })
	return filepath.Dir(newest), nil
}

// majorVersion is the 15 of /usr/lib/postgresql/15/bin/initdb.
func majorVersion(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb)))) // 0, the oldest, when it is no number
	return n
}

// ownerOf gives dir to the user that PostgreSQL is to run as and returns the attributes to run as that user: nothing
// special, but for root, whom initdb refuses.
func ownerOf(dir string) (attributes func() *syscall.SysProcAttr, err error) {
	if os.Geteuid() != 0 {
		return func() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }, nil
	}
	owner, err := user.Lookup("postgres")
	if err != nil {
		owner, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and there is neither a user postgres nor nobody: %w", err)
	}
	uid, err := strconv.ParseUint(owner.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(owner.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return func() *syscall.SysProcAttr {
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}, os.Chown(dir, int(uid), int(gid))
}

// initCluster makes a cluster whose user postgres has a password: other users of the machine reach its port too.
func initCluster(ctx context.Context, initdb, data, password string, attributes *syscall.SysProcAttr) error {
	dir := filepath.Dir(data)
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o644); err != nil { // nobody else enters dir
		return err
	}
	command := exec.CommandContext(ctx, initdb, "--pgdata", data, "--username", "postgres", "--pwfile", file,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C")
	command.Dir, command.SysProcAttr = dir, attributes
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}
