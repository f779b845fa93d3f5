package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// buildConfigapi builds the program under test as anyone would and returns its path.
func buildConfigapi(ctx context.Context, tree, dir string) (string, error) {
	binary, err := filepath.Abs(filepath.Join(dir, "configapi"))
	if err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/configapi")
	build.Dir = tree
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building configapi in %q: %w: %s", tree, err, out)
	}
	return binary, nil
}

// configapi is a server under test.
type configapi struct {
	*process
	address string
	started time.Duration // from its start until /readyz said 200
}

// startConfigapi runs `configapi serve` on a free port and waits until it is ready. The store goes through the
// environment, since its URL may hold a password and command lines are public; more of that may be given.
func startConfigapi(ctx context.Context, binary, store, logPath string, environment ...string) (*configapi, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	command := exec.Command(binary, "serve", "--listen", address)
	command.Env = append(append(os.Environ(), "CONFIGAPI_STORE="+store), environment...)
	begin := time.Now()
	p, err := startProcess("configapi", command, logPath)
	if err != nil {
		return nil, err
	}
	err = p.awaitReady(ctx, 2*time.Millisecond, func(ctx context.Context) bool { return isReady(ctx, address) })
	if err != nil {
		p.stop(syscall.SIGKILL)
		return nil, err
	}
	return &configapi{process: p, address: address, started: time.Since(begin)}, nil
}

// freeAddress is a local address where nothing listens. Somebody else may take it before it is used; then the
// server says so and the run fails.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// runtimeVariables change how any Go program runs.
var runtimeVariables = []string{"GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GODEBUG"}

// settings are the environment variables that change how configapi runs; their values only where they are no secrets.
func settings(environment []string) []string {
	var found []string
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		switch {
		case slices.Contains(runtimeVariables, name):
			found = append(found, variable)
		case strings.HasPrefix(name, "CONFIGAPI_"):
			found = append(found, name)
		}
	}
	return found
}
