//go:build !unix

package sqlite

import (
	"errors"
	"io"
)

// takeLock refuses: a server that could run twice on one file must not run at all.
func takeLock(string) (io.Closer, error) {
	return nil, errors.New("locking it is not possible on this system: only Unix has what it takes")
}
