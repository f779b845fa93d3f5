// Command withpostgres runs a command with a PostgreSQL server for its tests. It sets
// TEST_DATABASE_URL to the server's URL and TEST_POSTGRES_TEMPLATE to a template for tests that
// start servers themselves. If TEST_DATABASE_URL is set already, it only runs the command.
//
//	go run ./internal/postgrestest/withpostgres -- go test ./...
//
// The server, started as package postgrestest describes, ends with this program. Interrupts are
// passed on to the command. The exit code is that of the command, 1 if it cannot be run, 2 for a
// wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"configapi/internal/postgrestest"
)

// grace is how long the command may take to end after an interrupt.
const grace = 10 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
	}
	os.Exit(code)
}

func run(ctx context.Context, args []string) (code int, err error) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return 2, errors.New("usage: withpostgres [--] COMMAND [ARGUMENT ...]")
	}
	env := os.Environ()
	if os.Getenv(postgrestest.EnvURL) == "" {
		template, err := postgrestest.NewTemplate(ctx)
		if err != nil {
			return 1, err
		}
		defer template.Close()
		cluster, err := postgrestest.NewFrom(ctx, template.Dir())
		if err != nil {
			return 1, err
		}
		defer cluster.Close()
		env = append(env, postgrestest.EnvURL+"="+cluster.DSN("postgres"), postgrestest.EnvTemplate+"="+template.Dir())
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = grace
	err = cmd.Run()
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, fmt.Errorf("running %s: %w", args[0], err)
	}
	return 0, nil
}
