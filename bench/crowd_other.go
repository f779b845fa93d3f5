//go:build unix && !linux

package main

import (
	"context"
	"errors"
	"io"
)

// joinCrowd needs epoll: without it, the subscribers would use more CPU than the servers.
func joinCrowd(context.Context, string, int, int, bool, []string, *tally) (io.Closer, error) {
	return nil, errors.New("streams are measured on Linux only; leave them out with -only")
}

// checkFiles has nothing to check where nothing is measured.
func checkFiles(int) error { return nil }

// joinSecured is left out with joinCrowd.
func joinSecured(context.Context, string, int, *tally) (io.Closer, error) {
	return nil, errors.New("streams are measured on Linux only; leave them out with -only")
}
