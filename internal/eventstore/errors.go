package eventstore

import (
	"errors"
	"fmt"
)

// Errors of appends. After any other error of an append its outcome is unknown: see the sixth law
// of [Store].
var (
	// ErrHeadMoved means that the head is not the expected one. Nothing was written. Callers
	// compare with errors.Is.
	ErrHeadMoved = errors.New("the head of the history has moved")

	// ErrKeyTaken means that a receipt of one of the idempotency keys exists already. Nothing was
	// written; the caller reads the receipts and decides again.
	ErrKeyTaken = errors.New("a receipt of that idempotency key exists already")

	// ErrNotWritten is wrapped when it is certain that nothing was written and that this append can
	// never be written later: the disk is full, the database is read-only, the statement was
	// refused.
	ErrNotWritten = errors.New("nothing was written")

	// ErrNotNextVersion is wrapped by a store that refuses an event because its version is not the
	// next one of its config, which no server writes. Some stores find that only at the end of a
	// restore.
	ErrNotNextVersion = errors.New("the version of an event is not the next one of its config, so this is no history that a server has written")
)

// Errors of reads and appends that say what state the history is in.
var (
	// ErrDiverged is wrapped when the history does not continue what was read before: its tail was
	// lost and rewritten, or the store was replaced by another.
	ErrDiverged = errors.New("the history is not the one that was applied")

	// ErrBusy is wrapped by a read of users when too many others wait before it. Nothing was read;
	// the same read may be tried again.
	ErrBusy = errors.New("too many reads are waiting")

	// ErrSuperseded is wrapped when the server is a primary that a failover has replaced, so that
	// its history may lack events or have others. Another attempt may reach the new primary.
	ErrSuperseded = errors.New("the server is a primary that a failover has replaced")

	// ErrReplaced is wrapped when the store's file was removed or replaced while it was open.
	// Nothing can be written, and no read can be trusted, until the file is back or the process is
	// restarted.
	ErrReplaced = errors.New("the file of the history was removed or replaced while the server was running; its operator must put it back")
)

// ChainError says that a record does not follow the one before it: the history was changed, or it
// is another history.
type ChainError struct {
	Seq     Seq // of the record that does not follow
	Problem string
}

func (e *ChainError) Error() string {
	return fmt.Sprintf("the history is broken at position %d: %s", e.Seq, e.Problem)
}
