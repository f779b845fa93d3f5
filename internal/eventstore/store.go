// Package eventstore is the contract of the event store: what a history is, and what every store that keeps one guarantees.
//
// The stores themselves are below it: memory for tests, sqlite for one node, postgres for production. One conformance
// suite, eventstoretest, proves the laws on all of them.
package eventstore

import (
	"cmp"
	"context"
	"errors"
	"math"
	"time"
)

var (
	// ErrHeadMoved is what an append returns when the head is not the expected one. Nothing was written.
	ErrHeadMoved = errors.New("the head of the history has moved")

	// ErrKeyTaken is what an append returns when there is a receipt of one of its keys already. Nothing was written: look the
	// keys up and decide again.
	ErrKeyTaken = errors.New("there is a receipt of that idempotency key already")

	// ErrNotWritten is wrapped by an error of an append after which it is certain that nothing was written and that this
	// append can never be written later: the disk is full, the database is read-only, the statement was refused.
	ErrNotWritten = errors.New("nothing was written")

	// ErrDiverged is wrapped by errors that say that the history is not a continuation of what was
	// read before: its tail was lost and rewritten, or the store was replaced by another.
	ErrDiverged = errors.New("the history is not the one that was applied")

	// ErrBusy is wrapped by the error of a read for a user that found too many others before it.
	// Nothing was read.
	ErrBusy = errors.New("too many reads are waiting")
	// ErrSuperseded is wrapped by errors of a store whose server is a primary that a failover has
	// replaced: what it holds may be a branch of the history that is lost. Another attempt may
	// reach the primary of now.
	ErrSuperseded = errors.New("the server is a primary that a failover has replaced")
)

// Store keeps one history. Any number of stores, in any number of processes, may be open on the same history.
//
// The laws of the history:
//
//  1. Append is atomic: all records are there, at expected.Position+1, +2, …, and all receipts, or nothing is. When the head
//     is not the expected one (position and hash), it returns [ErrHeadMoved] and has written nothing.
//  2. Positions have no gap. Who has read position n will never later find a new record at a position <= n.
//  3. RecordedAt strictly increases with position, in whole microseconds: the later of the writer's clock and 1 µs after the
//     record before. So an "as of" an instant at or before the head's time has one answer for ever.
//  4. An acknowledged append is on disk (the memory store apart). Settings that would lose it are refused when a store is
//     opened.
//  5. Each record carries the hash of the chain up to it, so a fork (a tail that was lost in a failover, an old backup, a
//     changed row) is detected by whoever reads.
//  6. Unknown is never called failed. After an error of an append that wraps none of [ErrHeadMoved], [ErrKeyTaken] and
//     [ErrNotWritten], the records may be there, may never be there, or may still get there. Who has to know reads the history
//     again: the hash of the last record is in it, or the head has left expected without it. While the head is still the
//     expected one the same records may be sent again: at most one copy can win.
//  7. A store gives every record as it was written and skips none, also one of a type that this program does not know.
//  8. What can be read need not be safe yet: an append that waits for a synchronous standby can become visible before the
//     standby has it, when its session is ended or its server restarts. Only an append of this store that returned nil, or
//     [Store.DurableHead], says that what is before it is safe.
//
// Reads for users (all those that take a branch) never delay the other methods: they have
// connections of their own, of which a store bounds how many work at once and how many reads wait
// for them. The error of one that finds too many before it wraps [ErrBusy].
//
// They name a branch: the position and hash of a record that the history must have. What they
// return is read from the same snapshot of the history in which that record is there; otherwise the
// error wraps [ErrDiverged]. So records at or before the branch's position are of the chain that
// its hash covers. Every history has the zero Head.
//
// All methods may be called from any number of goroutines. A method that is given a context whose end comes first returns
// an error; for an append the outcome is then unknown, so a writer gives it a context of its own.
type Store interface {
	// Head returns the position, hash and time of the newest record, or the zero Head of an empty history.
	Head(ctx context.Context) (Head, error)

	// DurableHead returns the head as Head does, but only once every record up to it, and every
	// receipt that could be read before the call, is as safe as those of an acknowledged append. It
	// commits something itself for that, so it fails where an append would fail for a reason of the
	// store. It changes no record, no receipt and not the head. After an error nothing is known,
	// and it may be called again.
	DurableHead(ctx context.Context) (Head, error)

	// Append writes records, which [Chain.Seal] has made to follow expected, and receipts as one. There is at least one of
	// either. Receipts alone do not move the head, but are written only where it is the expected one.
	Append(ctx context.Context, expected Head, records []Record, receipts ...Receipt) error

	// AppendLocked keeps all others from appending while it reads the head and what was missed, has the caller decide on
	// that, and appends: it cannot lose to another writer. It is for when many write, and costs more than Append; whoever
	// dies or freezes in the middle of it holds the others up for a time that the store bounds. When the caller's decision is
	// an error, or to append nothing, nothing is written; the error is wrapped together with [ErrNotWritten]. It returns
	// [ErrHeadMoved] without asking for a decision when the head is before the position, or more than [MaxMissed] records or
	// [PageBytes] after it.
	AppendLocked(ctx context.Context, after Seq, decide Decide) error

	// Read returns records after a position, oldest first, as many as the limit allows. It is for
	// the node itself, such as its writer and its follower: no number of reads for users delays it.
	Read(ctx context.Context, after Seq, limit Limit) ([]Record, error)

	// ReadBranch is Read for users.
	ReadBranch(ctx context.Context, branch Head, after Seq, limit Limit) ([]Record, error)

	// ReadConfig returns records of one name after a version, oldest first, as many as the limit
	// allows.
	ReadConfig(ctx context.Context, branch Head, name string, after int, limit Limit) ([]Record, error)

	// ReadConfigBack returns records of one name before a version, newest first, as many as the
	// limit allows.
	ReadConfigBack(ctx context.Context, branch Head, name string, before int, limit Limit) ([]Record, error)

	// ReadInstant returns the newest record at or before an instant, without its data; the zero
	// Record when there is none.
	ReadInstant(ctx context.Context, branch Head, instant time.Time) (Record, error)

	// ReadAsOf returns for each of the names its newest record at or before a position, by name in
	// byte order. Names that had no record by then are left out. A page that the limit has ended
	// early holds the first of the names: ask again for those after the last one in it.
	ReadAsOf(ctx context.Context, branch Head, q AsOf, limit Limit) ([]Record, error)

	// ReadReceipts returns the receipts that there are of the keys, in any order. All keys must be different.
	ReadReceipts(ctx context.Context, keys []Key) ([]Receipt, error)

	// PruneReceipts removes receipts that were made before a time, the oldest first, at most limit of them, and returns how
	// many. It keeps no append waiting for longer than that takes.
	PruneReceipts(ctx context.Context, before time.Time, limit int) (int, error)

	// Wait returns nil when the history may have records after a position, and the context's error when that ends first.
	// It may return early for no reason, and it does so at least once in every interval of the store's choice: a
	// notification is a hint, the history is the truth.
	Wait(ctx context.Context, after Seq) error
}

// Decide is what [Store.AppendLocked] asks for: the records and receipts that are to follow the head, given what was missed
// of the way to it. It must be quick, and must not call the store.
type Decide func(head Head, missed []Record) ([]Record, []Receipt, error)

// Limit bounds one page of records. A page is empty only when there is no record to return.
type Limit struct {
	// Records is how many records a page holds at most. 0 means that only the bytes bound it.
	Records int
	// Bytes is how many bytes of data fill a page: it ends with the record with which it holds so
	// many. 0 means [PageBytes].
	Bytes int
}

// WithDefaults returns the limit with its zero fields replaced by what they mean.
func (l Limit) WithDefaults() Limit {
	return Limit{Records: cmp.Or(l.Records, math.MaxInt), Bytes: cmp.Or(l.Bytes, PageBytes)}
}

// Fills reports whether the limit may be what ended a page, so that more records may follow.
func (l Limit) Fills(page []Record) bool {
	l = l.WithDefaults()
	if len(page) >= l.Records {
		return true
	}
	bytes := 0
	for i := range page {
		bytes += len(page[i].Data)
	}
	return bytes >= l.Bytes
}

// AsOf is what [Store.ReadAsOf] is asked for.
type AsOf struct {
	At Seq
	// Names must be different from each other, and at most [MaxAsOfNames].
	Names []string
	// NoData leaves the data of the records out, which is then "". Their types tell which of the
	// configs existed.
	NoData bool
}

const (
	// PageBytes is how many bytes of data fill a page of records unless its limit says otherwise: 8
	// MiB.
	PageBytes = 8 << 20
	// MaxAsOfNames is how many names one [Store.ReadAsOf] takes.
	MaxAsOfNames = 500
	// MaxMissed is how many records [Store.AppendLocked] reads to catch up.
	MaxMissed = 1000
)
