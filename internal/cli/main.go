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
// SIGINT or SIGTERM asks the command to end; the second one ends the process at once. SIGINT does
// nothing while the command holds interrupts.
func Main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	s := catchSignals(func(caught os.Signal) { cancel(&clientcmd.Interrupt{Signal: caught}) })
	code := Run(ctx, Env{
		Args: os.Args[1:], Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		HoldInterrupts: s.holdInterrupts,
	})
	if code == fault.ExitInterrupted {
		dieInterrupted()
	}
	os.Exit(code)
}

// signals are those that ask this process to end.
type signals struct {
	interrupts, terminations chan os.Signal
	caught                   chan struct{} // closed when the first one has come
}

// catchSignals calls end with the first signal. The next one has its usual effect.
func catchSignals(end func(os.Signal)) *signals {
	s := &signals{make(chan os.Signal, 1), make(chan os.Signal, 1), make(chan struct{})}
	signal.Notify(s.interrupts, os.Interrupt)
	signal.Notify(s.terminations, syscall.SIGTERM)
	go func() {
		var caught os.Signal
		select {
		case caught = <-s.interrupts:
		case caught = <-s.terminations:
		}
		signal.Stop(s.interrupts)
		signal.Stop(s.terminations)
		close(s.caught)
		end(caught)
	}()
	return s
}

// holdInterrupts has SIGINT do nothing until release is called. It must not be called again before.
func (s *signals) holdInterrupts() (release func()) {
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, os.Interrupt)
	signal.Stop(s.interrupts)
	return func() {
		// Stop returns once all signals that came before it are with their channels.
		last := make(chan os.Signal, 1)
		signal.Notify(last, os.Interrupt)
		signal.Stop(last)
		select {
		case <-s.caught:
		default:
			signal.Notify(s.interrupts, os.Interrupt)
		}
		signal.Stop(ignored)
	}
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
