package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"configapi/internal/processtest"
)

// patience is how long a process may take to stop, and subscribers to connect.
const patience = 60 * time.Second

// readyWord begins the line by which a reference server says that it is ready, and where.
const readyWord = "ready"

// rig is everything that runs for a comparison: one temporary directory and the processes that work in it.
type rig struct {
	options  options
	dir      string
	binary   string          // configapi
	postgres *postgresServer // nil when nothing needs it
	undo     []func()        // what close does, backwards
}

// newRig makes the directory and, where they are needed, the program under test and PostgreSQL.
// It must be closed, also after an error.
func newRig(ctx context.Context, o options) (*rig, error) {
	r := &rig{options: o, binary: o.Binary}
	dir, err := os.MkdirTemp(o.Dir, "configapi-bench-")
	if err != nil {
		return r, err
	}
	r.onClose(func() { _ = os.RemoveAll(dir) })
	if r.dir, err = filepath.Abs(dir); err != nil {
		return r, err
	}
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL, another user, must reach its part
		return r, err
	}
	if r.binary == "" {
		r.binary = filepath.Join(r.dir, "configapi")
		if err := processtest.Build(ctx, o.Tree, r.binary); err != nil {
			return r, err
		}
	}
	if slices.Contains(o.Stores, storePostgres) {
		return r, r.startPostgres(ctx)
	}
	return r, nil
}

// close stops all processes and removes all data.
func (r *rig) close() {
	for i := len(r.undo) - 1; i >= 0; i-- {
		r.undo[i]()
	}
	r.undo = nil
}

func (r *rig) onClose(f func()) { r.undo = append(r.undo, f) }

// logPath is where a process logs.
func (r *rig) logPath(name string) string { return filepath.Join(r.dir, name+".log") }

func (r *rig) startPostgres(ctx context.Context) error {
	pg, err := startPostgres(ctx, r.dir)
	if err != nil {
		return err
	}
	r.postgres = pg
	r.onClose(pg.stop)
	return nil
}

// newStore makes an empty store and returns how configapi is told of it. part keeps the stores of one rig apart.
func (r *rig) newStore(ctx context.Context, store, part string) (string, error) {
	switch store {
	case storeMemory:
		return "memory", nil
	case storeSQLite:
		dir := filepath.Join(r.dir, "sqlite-"+part)
		return "sqlite:" + filepath.Join(dir, "configapi.db"), os.Mkdir(dir, 0o755)
	default:
		name := fmt.Sprintf("configapi_bench_%s_%d", part, os.Getpid())
		url, err := r.postgres.createDatabase(ctx, name)
		if err != nil {
			return "", err
		}
		r.onClose(func() {
			if err := r.postgres.dropDatabase(context.WithoutCancel(ctx), name); err != nil {
				fmt.Fprintln(os.Stderr, "dropping a database:", err)
			}
		})
		return url, nil
	}
}

// startConfigapi runs the server under test on a store.
func (r *rig) startConfigapi(ctx context.Context, store, url string) (*processtest.Server, error) {
	server, err := startConfigapi(ctx, r.binary, url, r.logPath("configapi-"+store))
	if err != nil {
		return nil, fmt.Errorf("on store %s: %w", store, err)
	}
	return server, nil
}

// stop ends a server in good order. How it ended says nothing about what was measured.
func stop(p *processtest.Process) { _ = p.Stop(syscall.SIGTERM, patience) }

// databaseCPU is the CPU time of the database that a store is kept in, 0 when there is none that the rig started.
func (r *rig) databaseCPU(store string) time.Duration {
	if store != storePostgres {
		return 0
	}
	return r.postgres.cpu()
}

// startReference runs a reference server, which is this program with another command, and returns its address.
func (r *rig) startReference(ctx context.Context, command, argument string) (*processtest.Process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	log := r.logPath(command + "-" + filepath.Base(argument))
	p, err := processtest.Start(exec.Command(self, command, argument), log, syscall.SIGKILL)
	if err != nil {
		return nil, "", err
	}
	r.onClose(p.Kill) // nothing of it is kept
	address, err := p.AwaitLog(ctx, "\n"+readyWord+" ")
	return p, address, err
}
