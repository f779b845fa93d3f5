// Package eventstore is the contract of the event store: what a history is, and what every store that keeps one guarantees.
//
// The stores themselves are below it: memory for tests, sqlite for one node, postgres for production. One conformance
// suite, eventstoretest, proves the laws on all of them.
package eventstore

import (
	"context"
	"errors"
)

// ErrHeadMoved is what [Store.Append] returns when the head is not the expected one. Nothing was written.
var ErrHeadMoved = errors.New("the head of the history has moved")

// ErrNotWritten is wrapped by an error of [Store.Append] after which it is certain that nothing was written and that this
// append can never be written later: the disk is full, the database is read-only, the statement was refused.
var ErrNotWritten = errors.New("nothing was written")

// Store keeps one history. Any number of stores, in any number of processes, may be open on the same history.
//
// The laws of the history:
//
//  1. Append is atomic: all records are there, at expected.Position+1, +2, …, or none. When the head is not the expected one
//     (position and hash), it returns [ErrHeadMoved] and has written nothing.
//  2. Positions have no gap. Who has read position n will never later find a new record at a position <= n.
//  3. RecordedAt strictly increases with position, in whole microseconds: the later of the writer's clock and 1 µs after the
//     record before. So an "as of" an instant at or before the head's time has one answer for ever.
//  4. An acknowledged append is on disk (the memory store apart). Settings that would lose it are refused when a store is
//     opened.
//  5. Each record carries the hash of the chain up to it, so a fork (a tail that was lost in a failover, an old backup, a
//     changed row) is detected by whoever reads.
//  6. Unknown is never called failed. After an error of Append that wraps neither [ErrHeadMoved] nor [ErrNotWritten], the
//     records may be there, may never be there, or may still get there. Who has to know reads the history again: the
//     hash of the last record is in it, or the head has left expected without it. While the head is still the expected
//     one the same records may be sent again: at most one copy can win.
//  7. A store gives every record as it was written and skips none, also one of a type that this program does not know.
//
// All methods may be called from any number of goroutines. A method that is given a context whose end comes first returns
// an error; for Append the outcome is then unknown, so a writer gives it a context of its own.
type Store interface {
	// Head returns the position, hash and time of the newest record, or the zero Head of an empty history.
	Head(ctx context.Context) (Head, error)

	// Append writes records, which [Seal] has made to follow expected, as one. There is at least one.
	Append(ctx context.Context, expected Head, records []Record) error

	// Read returns records after a position, oldest first: at most limit of them, fewer when they hold more than
	// [PageBytes], but never none unless there is none.
	Read(ctx context.Context, after Position, limit int) ([]Record, error)

	// ReadConfig returns records of one name after a version, oldest first, bounded as those of Read are.
	ReadConfig(ctx context.Context, name string, after int, limit int) ([]Record, error)

	// ReadAsOf returns for each of the names its newest record at or before a position, by name. Names that had no record
	// by then are left out. All names must be different, and at most [MaxAsOfNames].
	ReadAsOf(ctx context.Context, at Position, names []string) ([]Record, error)

	// Wait returns nil when the history may have records after a position, and the context's error when that ends first.
	// It may return early for no reason, and it does so at least once in every interval of the store's choice: a
	// notification is a hint, the history is the truth.
	Wait(ctx context.Context, after Position) error
}

const (
	// PageBytes is how many bytes of data a page of records holds before it ends early.
	PageBytes = 8 << 20
	// MaxAsOfNames is how many names one [Store.ReadAsOf] takes.
	MaxAsOfNames = 500
)
