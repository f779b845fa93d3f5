package clientcmd

import (
	"context"
	"errors"
	"io"
	"testing"
)

// TestInterruptedInput waits for input that never comes, until the user types ^C.
func TestInterruptedInput(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	defer out.Close()
	stdin := &interruptible{ctx, in}
	ended := make(chan error, 1)
	go func() {
		_, err := readAll(stdin, 1<<20)
		ended <- err
	}()
	if _, err := io.WriteString(out, "some of it"); err != nil { // is read, so that the next read waits
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, errInterrupted) {
		t.Errorf("got %v, want that it was interrupted", err)
	}
}
