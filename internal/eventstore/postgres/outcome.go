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
	if reply.SeverityUnlocalized != "ERROR" || len(reply.Code) != 5 || unsure[reply.Code[:2]] || reply.Code == "40003" {
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
	return fmt.Errorf("%w: %s (SQLSTATE %s)", eventstore.ErrNotWritten, reply.Message, reply.Code)
}

// unsure are the classes of errors that say that something is wrong with the connection, the server or its files.
var unsure = map[string]bool{"08": true, "58": true, "F0": true, "XX": true}
