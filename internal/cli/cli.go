// Package cli is the command line: one file per command. serve.go is the only place where the parts of the server are put
// together.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"configapi/internal/fault"
)

// Exit codes of the program. A command that ran and failed has that of the kind of its error: see
// package fault.
const (
	exitOK    = 0
	exitUsage = 2 // the command could not begin: its words are wrong, or something that it needs is missing
)

// Env is what a command sees of the world.
type Env struct {
	Args   []string // without the program's name
	Getenv func(key string) string
	Stdout io.Writer
	Stderr io.Writer
}

// command is one word after `configapi`.
type command struct {
	name, summary string
	run           func(ctx context.Context, env Env) error
}

func commands() []command {
	return []command{
		{"serve", "run the server", serve},
		{"verify", "check the hash chain of a history", verify},
		{"version", "print the version", version},
	}
}

// Run carries out the command that env.Args name, until it is done or ctx ends, and returns the exit code. What goes wrong is
// told in one line on env.Stderr.
func Run(ctx context.Context, env Env) int {
	if len(env.Args) == 0 || isHelp(env.Args[0]) {
		help(env.Stdout)
		return exitOK
	}
	for _, c := range commands() {
		if c.name == env.Args[0] {
			env.Args = env.Args[1:]
			return report(env, c.run(ctx, env))
		}
	}
	return report(env, unusable("there is no command %q; see `configapi help`", env.Args[0]))
}

func isHelp(arg string) bool {
	return arg == "help" || arg == "-h" || arg == "-help" || arg == "--help"
}

func help(out io.Writer) {
	fmt.Fprint(out, "ConfigApi keeps named text values, and every change to them.\n\nUsage: configapi COMMAND [FLAGS]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(out, "  %-8s  %s\n", c.name, c.summary)
	}
	fmt.Fprint(out, "\n`configapi COMMAND -h` lists the flags of a command.\n")
}

// report tells what went wrong, and returns the exit code that goes with it.
func report(env Env, err error) int {
	var start *startError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &start):
		fmt.Fprintf(env.Stderr, "configapi: %s\n", hideSecrets(env, err.Error()))
		return exitUsage
	default:
		fmt.Fprintf(env.Stderr, "configapi: %s\n", hideSecrets(env, err.Error()))
		return fault.KindOf(err).ExitCode()
	}
}

// startError is a reason why a command could not begin.
type startError struct{ err error }

func (e *startError) Error() string { return e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

func unusable(format string, args ...any) error { return &startError{fmt.Errorf(format, args...)} }
