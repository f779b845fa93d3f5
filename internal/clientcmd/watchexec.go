package clientcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Pauses between two runs of a command that fails: they double from one to the other.
const (
	firstExecPause = time.Second
	maxExecPause   = time.Minute
)

// endTime is how long a command may take to end when the watch is interrupted.
const endTime = 10 * time.Second

// runUntilDone runs the command for a change set until it has ended well. The error is that of ctx:
// it may have ended while the command ran.
func (w *watch) runUntilDone(ctx context.Context, set changeSet) error {
	text, err := json.Marshal(set)
	if err != nil {
		return err
	}
	for pause := w.pause; ; pause = min(2*pause, maxExecPause) {
		err := w.runOnce(ctx, append(text, '\n'), set.Position)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		w.note("the command failed for the change set %s: %s; it is run again in %v", set.Position, printable(err.Error()), pause)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// runOnce runs the command once. When ctx ends, the command is asked to end, and killed when it
// does not.
func (w *watch) runOnce(ctx context.Context, set []byte, position string) error {
	run := exec.CommandContext(ctx, "sh", "-c", w.exec)
	run.Env = append(os.Environ(), "CONFIGAPI_POSITION="+position)
	run.Stdin, run.Stdout, run.Stderr = bytes.NewReader(set), w.env.Stdout, w.env.Stderr
	run.Cancel = func() error { return run.Process.Signal(syscall.SIGTERM) }
	run.WaitDelay = endTime
	return run.Run()
}
