// Package cli is the command line of configapi: it parses flags and the environment, and runs one
// command. The commands of an operator, which open a store, are here, each in a file of its own;
// those that work over the API of a server are in package clientcmd. serve.go is the only place
// where the parts of the server are wired together.
//
// No secret of the command line or of the environment appears in an error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"configapi/internal/backup"
	"configapi/internal/clientcmd"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// Env is what a command gets from its process.
type Env = clientcmd.Env

// Run runs the command that env.Args name until it is done or ctx ends. It returns the exit code,
// one of those of package fault, and writes an error as one line to env.Stderr.
func Run(ctx context.Context, env Env) int {
	began := false
	root := newRoot(env, &began)
	// Without arguments, cobra would take those of the process.
	root.SetArgs(append([]string{}, env.Args...))
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	c, err := root.ExecuteContextC(ctx)
	if err != nil && !began {
		err = &startError{err}
	}
	code := report(env, err)
	exit, is := errors.AsType[*clientcmd.ExitError](err)
	if c.Name() == serveName || is && exit.Err == nil { // a signal ends it well, or a program of run has decided
		return code
	}
	return interruptedCode(ctx, code)
}

// report writes an error, if any, and returns the exit code for it. That nobody reads the output is
// nothing to say: a pipeline such as `configapi list | head -1` ends so.
func report(env Env, err error) int {
	switch {
	case err == nil:
		return fault.ExitDone
	case errors.Is(err, clientcmd.ErrOutput) && errors.Is(err, syscall.EPIPE):
		return fault.ExitClosed
	}
	if text := err.Error(); text != "" {
		fmt.Fprintf(env.Stderr, "configapi: %s\n", hideSecrets(env, text))
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var broken *eventstore.ChainError
	var damaged *backup.DamagedError
	switch {
	case errors.As(err, new(*startError)):
		return fault.ExitUsage
	case errors.As(err, &damaged):
		return fault.ExitInvalid
	case errors.As(err, &broken):
		return fault.ExitDiffers
	}
	return clientcmd.ExitCode(err)
}

// startError is a reason why a command could not start: it is written wrongly, or lacks what it
// needs to begin.
type startError struct{ err error }

func (e *startError) Error() string { return e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

func startErrorf(format string, args ...any) error { return &startError{fmt.Errorf(format, args...)} }
