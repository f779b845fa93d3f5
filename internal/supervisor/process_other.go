//go:build !unix

package supervisor

import (
	"errors"
	"syscall"
)

func newProcess(Options) (program, error) {
	return nil, errors.New("this system has no process groups; use Linux or macOS")
}

// ParseSignal returns the signal with a name.
func ParseSignal(string) (syscall.Signal, bool) { return 0, false }
