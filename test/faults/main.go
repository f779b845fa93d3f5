// Command faults injects faults into three servers over one PostgreSQL and proves that no change is
// lost, invented, doubled or misplaced. Clients write, read and watch while processes, connections
// and disks fail at random times. Afterwards the answers are checked against the history. README.md
// describes the faults and the checks.
//
// The exit code is 0 when every promise held and every fault took effect, 3 when a promise was
// broken, else 1.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const (
	exitFailure = 1 // the run is void, or failed
	exitBroken  = 3 // a promise was broken
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	var broken *brokenError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.As(err, &broken):
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(exitBroken)
	default:
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(exitFailure)
	}
}

func run(ctx context.Context, args []string, stdout, progress io.Writer) error {
	o, err := parseOptions(args, progress)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Deadline, errors.New("the run has not ended by its deadline"))
	defer cancel()
	if o.Mutants {
		return tryMutants(ctx, o, stdout, progress)
	}
	r, err := runFaults(ctx, o, progress)
	if len(r.Rounds) > 0 {
		err = errors.Join(err, publish(r, o, stdout))
	}
	if err != nil {
		return err
	}
	return r.verdict()
}
