package configtemplate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// The bounds of a template and of one execution.
const (
	MaxTemplateBytes = 1 << 20
	MaxOutputBytes   = 32 << 20
	maxSteps         = 1_000_000        // bodies that are executed, and configs that are listed
	maxWorkBytes     = 256 << 20        // of the results of all functions
	maxTime          = 10 * time.Second // of one execution
)

// budget is what an execution may still use.
type budget struct {
	ctx   context.Context
	steps int
	bytes int
}

var (
	errSteps = fmt.Errorf("the template takes more than %d steps: a loop is too long", maxSteps)
	errTime  = fmt.Errorf("the template takes longer than %v: a loop is too long", maxTime)
	errWork  = fmt.Errorf("the functions of the template make more than %d MiB of text", maxWorkBytes>>20)
)

// step is called at the begin of each body.
func (b *budget) step() (string, error) { return "", b.take(1, 0) }

// take takes steps, and bytes that a function is about to make.
func (b *budget) take(steps, bytes int) error {
	b.steps -= steps
	b.bytes -= bytes
	switch {
	case b.ctx.Err() != nil:
		return context.Cause(b.ctx)
	case b.steps < 0:
		return errSteps
	case b.bytes < 0:
		return errWork
	}
	return nil
}

// output is the text that an execution makes.
type output struct{ bytes.Buffer }

var errOutput = errors.New("the output is too long")

func (o *output) Write(p []byte) (int, error) {
	if o.Len()+len(p) > MaxOutputBytes {
		return 0, fmt.Errorf("%w: more than %d MiB", errOutput, MaxOutputBytes>>20)
	}
	return o.Buffer.Write(p)
}
