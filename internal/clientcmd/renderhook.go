package clientcmd

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// runHook runs a command of the shell, which gets args as $1 and so on, until --timeout. When it
// takes longer, or ctx ends, it and what it has started are asked to end, and killed after endTime.
func (r *renderer) runHook(ctx context.Context, command, position string, args ...string) error {
	late := fmt.Errorf("it took longer than %v; --timeout gives it longer", r.flags.timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, r.flags.timeout, late)
	defer cancel()
	run := exec.CommandContext(ctx, "sh", append([]string{"-c", command, "configapi"}, args...)...)
	run.Env = commandEnvironment(position)
	run.Stdout, run.Stderr = r.env.Stderr, r.env.Stderr
	if locked, is := r.env.Stderr.(*lockedWriter); is {
		if file, is := locked.inner.(*os.File); is { // a daemon that it starts may keep it
			run.Stdout, run.Stderr = file, file
		}
	}
	endRest := endGroup(run, endTime)
	err := run.Run()
	endRest()
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
