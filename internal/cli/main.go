package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"configapi/internal/clientcmd"
	"configapi/internal/fault"
)

// Main runs the command that the arguments of this process name, and ends the process. The first
// SIGINT or SIGTERM asks the command to end; the second one ends the process at once.
func Main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		caught := <-signals
		signal.Stop(signals)
		cancel(&clientcmd.Interrupt{Signal: caught})
	}()
	code := Run(ctx, Env{Args: os.Args[1:], Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
	if code == fault.ExitInterrupted {
		dieInterrupted()
	}
	os.Exit(code)
}

// interruptedCode returns the exit code of a command whose context has ended, which would otherwise
// end with code. What the command knows better stays: an unknown outcome, or what a server refused.
func interruptedCode(ctx context.Context, code int) int {
	if ctx.Err() == nil {
		return code
	}
	switch code {
	case fault.ExitUsage, fault.ExitUnreachable, fault.ExitFailed:
		if caught, is := errors.AsType[*clientcmd.Interrupt](context.Cause(ctx)); is && caught.Signal == syscall.SIGTERM {
			return fault.ExitTerminated
		}
		return fault.ExitInterrupted
	}
	return code
}
