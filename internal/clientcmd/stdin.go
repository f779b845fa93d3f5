package clientcmd

import (
	"context"
	"errors"
	"io"
)

// errInterrupted is what a command ends with that waits for input when the user types ^C.
var errInterrupted = errors.New("interrupted while waiting for input; nothing was written")

// interruptible is standard input whose reads end with ctx, which ^C ends: the operating system
// would wait for a line. A read that was given up takes its input to its end.
type interruptible struct {
	ctx   context.Context
	inner io.Reader
}

func (i *interruptible) Read(into []byte) (int, error) {
	type outcome struct {
		n   int
		err error
	}
	read := make(chan outcome, 1)
	own := make([]byte, len(into)) // since the caller goes on to use its own
	go func() {
		n, err := i.inner.Read(own)
		read <- outcome{n, err}
	}()
	select {
	case done := <-read:
		return copy(into, own[:done.n]), done.err
	case <-i.ctx.Done():
		return 0, errInterrupted
	}
}
