// Package cli is the command line of configapi: it parses flags and the environment, opens the
// store, and runs one command. Each command has a file of its own; serve.go is the only place where
// the parts of the server are wired together.
//
// No secret of the command line or of the environment appears in an error.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime/debug"

	"configapi/internal/clientcmd"
	"configapi/internal/fault"
)

// Env is what a command gets from its process.
type Env = clientcmd.Env

// command is one command of the program.
type command struct {
	name, summary string
	run           func(ctx context.Context, env Env) error
}

func commands() []command {
	return []command{
		{"serve", "run the server", serve},
		{"migrate", "make the tables of a PostgreSQL store, and grant a role the rights of a server", migrate},
		{"verify", "check the hash chain of a history", verify},
		{"backup", "write a history into a file", backUp},
		{"restore-backup", "put a history from a file into a store", restoreBackup},
		{"token", "make and manage tokens, and say whose one is", token},
		{"can", "say whether a token may do something, and why", can},
		{"version", "print the version", version},
	}
}

// Run runs the command that env.Args name until it is done or ctx ends. It returns the exit code,
// and writes an error as one line to env.Stderr.
func Run(ctx context.Context, env Env) int {
	if len(env.Args) == 0 || isHelp(env.Args[0]) {
		help(env.Stdout)
		return fault.ExitDone
	}
	for _, c := range commands() {
		if c.name == env.Args[0] {
			env.Args = env.Args[1:]
			return report(env, c.run(ctx, env))
		}
	}
	return report(env, startErrorf("there is no command %q; see `configapi help`", env.Args[0]))
}

func isHelp(arg string) bool {
	return arg == "help" || arg == "-h" || arg == "-help" || arg == "--help"
}

func help(out io.Writer) {
	fmt.Fprint(out, "ConfigApi keeps named text values, and every change to them.\n\nUsage: configapi COMMAND [FLAGS]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(out, "  %-14s  %s\n", c.name, c.summary)
	}
	fmt.Fprint(out, "\n`configapi COMMAND -h` lists the flags of a command.\n")
}

// report writes an error, if any, and returns the exit code for it.
func report(env Env, err error) int {
	var start *startError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return fault.ExitDone
	case errors.As(err, &start):
		fmt.Fprintf(env.Stderr, "configapi: %s\n", hideSecrets(env, err.Error()))
		return fault.ExitUsage
	default:
		fmt.Fprintf(env.Stderr, "configapi: %s\n", hideSecrets(env, err.Error()))
		return clientcmd.ExitCode(err)
	}
}

// startError is a reason why a command could not start.
type startError struct{ err error }

func (e *startError) Error() string { return e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

func startErrorf(format string, args ...any) error { return &startError{fmt.Errorf(format, args...)} }

// version prints the version of the program and of Go.
func version(_ context.Context, env Env) error {
	if err := parseFlags(env, flag.NewFlagSet("version", flag.ContinueOnError), "Prints the version.", nil); err != nil {
		return err
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("reading the build information: the program has none")
	}
	fmt.Fprintf(env.Stdout, "configapi %s %s\n", build.Main.Version, build.GoVersion)
	return nil
}
