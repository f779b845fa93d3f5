package clientcmd

import (
	"context"
	"errors"
	"time"

	"configapi/client"
)

const (
	// renderQuiet is for how long nothing must change before files are made anew.
	renderQuiet = 300 * time.Millisecond
	// maxRenderWait is how long a change waits for that at most.
	maxRenderWait = 3 * time.Second
)

// watch makes the files anew at each change, until ctx ends. A failure leaves the files as they
// are, and is tried again: after a pause that doubles, or at the next change when only that can
// help.
func (r *renderer) watch(ctx context.Context, c *client.Client) error {
	for pause := firstExecPause; ; {
		s := c.Snapshot()
		done, err := r.render(ctx, s)
		for _, d := range done {
			if d.Written {
				if err := r.print([]byte(d.String() + "\n")); err != nil {
					return err
				}
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		var again <-chan time.Time
		if _, same := errors.AsType[*templateError](err); err != nil && !same {
			again = time.After(pause)
			pause = min(2*pause, maxExecPause)
		}
		r.report(err)
		select {
		case <-ctx.Done():
			return nil
		case <-again:
		case <-s.Changed():
			pause = firstExecPause
			if !waitForQuiet(ctx, c) {
				return nil
			}
		}
	}
}

// report says why the files are not what they should be, unless it is the same again, and when they
// are again.
func (r *renderer) report(err error) {
	text := ""
	if err != nil {
		text = printable(err.Error())
	}
	if text == r.noted {
		return
	}
	if r.noted = text; text == "" {
		r.note("configapi: the files are as they should be again")
		return
	}
	r.note("%s", "configapi: "+text+"; it is tried again")
}

// waitForQuiet returns true when nothing has changed for renderQuiet, or after maxRenderWait, and
// false when ctx ends.
func waitForQuiet(ctx context.Context, c *client.Client) bool {
	end := time.After(maxRenderWait)
	for {
		select {
		case <-ctx.Done():
			return false
		case <-end:
			return true
		case <-time.After(renderQuiet):
			return true
		case <-c.Snapshot().Changed():
		}
	}
}
