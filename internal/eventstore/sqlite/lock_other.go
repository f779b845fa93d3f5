//go:build !unix

package sqlite

import (
	"errors"
	"io"
)

// takeLock always fails, because a server that could run twice on one file must not run at all.
func takeLock(string) (io.Closer, error) {
	return nil, errors.New("the file cannot be locked on this system; run the server on a Unix system")
}
