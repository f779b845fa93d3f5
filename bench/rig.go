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

// readyWord begins the line in which a reference server prints its address when it is ready.
const readyWord = "ready"

// rig has all processes of a run and their temporary directory.
type rig struct {
	options  options
	dir      string
	binary   string          // configapi
	postgres *postgresServer // nil if no part needs it
	undo     []func()        // the functions that close calls, in reverse order
}

// newRig creates the directory and, if they are needed, configapi and PostgreSQL. The rig must be
// closed, also after an error.
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
	// PostgreSQL runs as another user, which must reach its directory
	if err := os.Chmod(dir, 0o711); err != nil {
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
func (r *rig) close() { r.closeTo(0) }

// closeTo stops and removes what has been added since len(r.undo) was n.
func (r *rig) closeTo(n int) {
	for i := len(r.undo) - 1; i >= n; i-- {
		r.undo[i]()
	}
	r.undo = r.undo[:n]
}

func (r *rig) onClose(f func()) { r.undo = append(r.undo, f) }

// logPath returns the path of a process's log.
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

// newStore creates an empty store and returns its URL for configapi. part distinguishes the stores
// of one rig.
func (r *rig) newStore(ctx context.Context, store, part string) (string, error) {
	switch store {
	case storeMemory:
		return "memory", nil
	case storeSQLite:
		dir := filepath.Join(r.dir, "sqlite-"+part)
		r.onClose(func() { _ = os.RemoveAll(dir) })
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

// startConfigapi runs configapi on a store.
func (r *rig) startConfigapi(ctx context.Context, store, url string) (*processtest.Server, error) {
	server, err := startConfigapi(ctx, r.binary, url, r.logPath("configapi-"+store))
	if err != nil {
		return nil, fmt.Errorf("on store %s: %w", store, err)
	}
	return server, nil
}

// stop stops a server gracefully. Its exit code does not matter for the measurements.
func stop(p *processtest.Process) { _ = p.Stop(syscall.SIGTERM, patience) }

// databaseCPU returns the CPU time of a store's database, 0 if the rig has not started one.
func (r *rig) databaseCPU(store string) time.Duration {
	if store != storePostgres {
		return 0
	}
	return r.postgres.cpu()
}

// startReference runs a reference server, which is this program with another command, and returns
// its address.
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
	r.onClose(p.Kill) // its data are discarded
	address, err := p.AwaitLog(ctx, "\n"+readyWord+" ")
	return p, address, err
}

// startConfigapi runs `configapi serve` until it is stopped. The store is passed in the
// environment, since its URL may have a password and command lines are public. Further variables
// may be given.
func startConfigapi(ctx context.Context, binary, store, logPath string, environment ...string) (*processtest.Server, error) {
	return processtest.Serve(ctx, serveCommand(binary, store, environment...), logPath)
}

func serveCommand(binary, store string, environment ...string) *exec.Cmd {
	command := exec.Command(binary, "serve")
	command.Env = append(append(os.Environ(), "CONFIGAPI_STORE="+store), environment...)
	return command
}
