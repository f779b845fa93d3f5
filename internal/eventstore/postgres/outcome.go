package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

// notWritten wraps an error that came before anything was sent.
func notWritten(err error) error { return fmt.Errorf("%w: %w", eventstore.ErrNotWritten, err) }

// outcome says what an error of an append means for its records, which may not even have been sent.
func outcome(err error) error {
	if pgconn.SafeToRetry(err) { // that is, nothing was sent
		return notWritten(err)
	}
	return outcomeOfSent(err)
}

// outcomeOfSent says what an error of an append that was sent means for its records.
//
// An ERROR of PostgreSQL is definite, because it aborts the transaction that the statement is. A FATAL is not: it can come
// after the commit. Neither is what a pooler says when it lost the server. An unknown outcome wraps none of
// [eventstore.ErrHeadMoved], [eventstore.ErrKeyTaken] and [eventstore.ErrNotWritten].
func outcomeOfSent(err error) error {
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
	case reply.Code[:2] == "22": // bad data, of which the message may quote some
		return fmt.Errorf("%w: the server does not take the data (SQLSTATE %s)", eventstore.ErrNotWritten, reply.Code)
	}
	// Details, hints and places of an error are left out, because they quote what was to be written.
	return fmt.Errorf("%w: %w", eventstore.ErrNotWritten, &refusedError{reply.Message, reply.Code})
}

// refusedError is an ERROR of PostgreSQL without what it quotes.
type refusedError struct{ message, code string }

func (e *refusedError) Error() string { return fmt.Sprintf("%s (SQLSTATE %s)", e.message, e.code) }

// isReadOnly reports whether the server refused something because it was not to write. That is a
// matter of the session too, by default_transaction_read_only: the one that takes its place may
// write again, so this one is to be given up.
func isReadOnly(err error) bool {
	const readOnlyTransaction = "25006"
	var refused *refusedError
	var reply *pgconn.PgError
	return errors.As(err, &refused) && refused.code == readOnlyTransaction || errors.As(err, &reply) && reply.Code == readOnlyTransaction
}

// unsure are the classes of errors that say that something is wrong with the connection, the server or its files.
var uncertainClasses = map[string]bool{"08": true, "58": true, "F0": true, "XX": true}
