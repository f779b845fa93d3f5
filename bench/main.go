// Command bench measures configapi beside a bare net/http handler and etcd on this machine, and
// prints a report in Markdown. README.md in this folder says how to run it, how it measures, and
// how to read the report.
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

// Commands that run the reference servers, each with one argument. The bench starts itself with
// them.
const (
	commandBare   = "serve-bare"
	commandEtcd   = "serve-etcd"
	commandGqlgen = "serve-gqlgen"
	commandTLS    = "serve-tls"
)

var references = map[string]func(argument string, out io.Writer) error{
	commandBare:   serveBare,
	commandEtcd:   serveEtcd,
	commandGqlgen: serveGqlgen,
	commandTLS:    serveTLS,
}

// isReference reports whether arguments are the command of a reference server.
func isReference(args []string) bool { return len(args) == 2 && references[args[0]] != nil }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run runs the whole bench, or a reference server.
func run(ctx context.Context, args []string, stdout, progress io.Writer) error {
	if isReference(args) {
		return references[args[0]](args[1], stdout)
	}
	o, err := parseOptions(args, progress)
	if err != nil {
		return err
	}
	result, err := compare(ctx, o, progress)
	if err != nil {
		return err
	}
	if err := publish(result, o.Out, stdout); err != nil {
		return err
	}
	return result.failures()
}

// compare measures all parts that the options select. It leaves no process and no data behind.
func compare(ctx context.Context, o options, progress io.Writer) (*report, error) {
	r, err := newRig(ctx, o)
	defer r.close()
	if err != nil {
		return nil, err
	}
	result := &report{Options: o}
	if result.Machine, err = describe(ctx, r); err != nil {
		return nil, err
	}
	if o.loads() {
		contenders, err := r.startContenders(ctx)
		if err != nil {
			return nil, err
		}
		if result.Loads, err = measureLoads(ctx, o, contenders, progress); err != nil {
			return nil, err
		}
	}
	if o.has(partValues) {
		if result.Values, err = measureValues(ctx, r, progress); err != nil {
			return nil, err
		}
	}
	if o.histories() {
		if err := measureHistories(ctx, r, result, progress); err != nil {
			return nil, err
		}
	}
	if o.has(partMemory) {
		if result.Memory, err = measureMemory(ctx, r, progress); err != nil {
			return nil, err
		}
	}
	if o.has(partLarge) {
		if result.Large, err = measureLarge(ctx, r, progress); err != nil {
			return nil, err
		}
	}
	if o.has(partStreams) {
		if result.Streams.Loads, err = measureStreams(ctx, r, progress); err != nil {
			return nil, err
		}
	}
	if o.has(partIdle) {
		if result.Streams.Idle, err = measureAllIdle(ctx, r, progress); err != nil {
			return nil, err
		}
	}
	if o.nodes() {
		if result.Nodes, err = measureNodes(ctx, r, progress); err != nil {
			return nil, err
		}
	}
	if o.has(partLimits) {
		if result.Limits, err = measureLimits(ctx, r, progress); err != nil {
			return nil, err
		}
	}
	if o.has(partRights) {
		if result.Rights, err = measureRights(ctx, r, progress); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// publish writes the report to stdout, and to a file if out is not "".
func publish(r *report, out string, stdout io.Writer) error {
	text := r.markdown()
	if _, err := io.WriteString(stdout, text); err != nil {
		return err
	}
	if out == "" {
		return nil
	}
	return os.WriteFile(out, []byte(text), 0o644)
}
