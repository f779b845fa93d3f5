package client

import (
	"errors"
	"fmt"

	"configapi/client/rest"
)

var (
	// ErrClosed says that the client was closed.
	ErrClosed = errors.New("the client of ConfigApi is closed")
	// ErrHistoryReplaced says that the server's history does not have the position that was read:
	// an older backup was restored, or it is another one. The configs are read anew then.
	ErrHistoryReplaced = errors.New("the history of the server was replaced")
	// ErrTooLarge says that the configs have more bytes than [Options.MaxBytes].
	ErrTooLarge = errors.New("the configs are too large")
)

// ValueError says that a config has a value that a [Value] cannot take. The last good one stays in
// force.
type ValueError struct {
	Name     string
	Position string // of the change that made the value
	Err      error  // it does not have the value
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("the config %s has a value that cannot be used since %s: %v; the last good one stays in force", e.Name, e.Position, e.Err)
}

// Unwrap returns why the value cannot be used.
func (e *ValueError) Unwrap() error { return e.Err }

// isUnavailable reports whether an error says that the server cannot answer now, which is when a
// file may stand in for it: there is no connection or no whole answer, or it is not ready or
// overloaded.
func isUnavailable(err error) bool {
	failed, is := errors.AsType[*rest.Error](err)
	return is && (failed.Status == 0 || failed.Status == 429 || failed.Status >= 500)
}

// isRefused reports whether the server has refused the token, or what it may read.
func isRefused(err error) bool {
	failed, is := errors.AsType[*rest.Error](err)
	return is && (failed.Status == 401 || failed.Code == rest.CodeUnauthenticated)
}

func isCode(err error, code string) bool {
	failed, is := errors.AsType[*rest.Error](err)
	return is && failed.Code == code
}
