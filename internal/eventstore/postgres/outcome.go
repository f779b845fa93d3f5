package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

// notWritten wraps an error from before anything was sent.
func notWritten(err error) error { return fmt.Errorf("%w: %w", eventstore.ErrNotWritten, err) }

// appendError returns the error of an append whose statement failed with err, perhaps before it was
// sent.
func appendError(err error) error {
	if pgconn.SafeToRetry(err) { // nothing was sent
		return notWritten(err)
	}
	return sentError(err)
}

// sentError returns the error of an append whose statement failed with err after it was sent.
//
// An ERROR of PostgreSQL is definite, because it aborts the statement's transaction. A FATAL is
// not, because it can come after the commit, and neither is an error of a pooler that has lost the
// server. An unknown outcome wraps none of [eventstore.ErrHeadMoved], [eventstore.ErrKeyTaken] and
// [eventstore.ErrNotWritten].
func sentError(err error) error {
	var reply *pgconn.PgError
	if !errors.As(err, &reply) {
		return fmt.Errorf("the outcome is unknown: %w", err)
	}
	if reply.SeverityUnlocalized != "ERROR" || len(reply.Code) != 5 || uncertainClasses[reply.Code[:2]] || reply.Code == "40003" {
		return fmt.Errorf("the outcome is unknown: %s (SQLSTATE %s)", reply.Message, reply.Code)
	}
	switch {
	case reply.Code == "40001", reply.Code == "23505" && reply.ConstraintName == "events_pkey":
		return eventstore.ErrHeadMoved
	case reply.Code == "23505" && reply.ConstraintName == "idempotency_pkey":
		return eventstore.ErrKeyTaken
	case reply.Code[:2] == "22": // bad data, which the message may quote
		return fmt.Errorf("%w: the server refuses the data (SQLSTATE %s)", eventstore.ErrNotWritten, reply.Code)
	}
	// Detail, hint and position of an error are left out, because they quote the data.
	return fmt.Errorf("%w: %w", eventstore.ErrNotWritten, &refusedError{reply.Message, reply.Code})
}

// refusedError is an ERROR of PostgreSQL without what it quotes.
type refusedError struct{ message, code string }

func (e *refusedError) Error() string { return fmt.Sprintf("%s (SQLSTATE %s)", e.message, e.code) }

// isReadOnly reports whether the server refused a write as read-only. default_transaction_read_only
// can make a single session read-only, so the connection is dropped: a new session may be able to
// write.
func isReadOnly(err error) bool {
	const readOnlyTransaction = "25006"
	var refused *refusedError
	return errors.As(err, &refused) && refused.code == readOnlyTransaction || hasState(err, readOnlyTransaction)
}

// hasState reports whether the server refused a statement with an SQLSTATE.
func hasState(err error, state string) bool {
	var reply *pgconn.PgError
	return errors.As(err, &reply) && reply.Code == state
}

// uncertainClasses are the SQLSTATE classes of failures of the connection, the server or its files.
// After them the outcome of an append is unknown.
var uncertainClasses = map[string]bool{"08": true, "58": true, "F0": true, "XX": true}
