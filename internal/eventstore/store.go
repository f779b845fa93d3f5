// Package eventstore is the contract of the event store: what a history is, and what every store
// that keeps one guarantees. It also computes and checks the chain of hashes, and decodes records
// into revisions.
//
// The packages below it are the stores: memory for tests, sqlite for one node, postgres for
// production. One conformance suite, eventstoretest, proves the laws on all of them. Nothing here
// decides what may be written: that is for the domain (package config) and the writer.
package eventstore

import (
	"cmp"
	"context"
	"math"
	"time"
)

// Store keeps one history. Any number of stores, in any number of processes, may be open on the
// same history.
//
// The laws of the history:
//
//  1. Append is atomic: all records (at expected.Seq+1, +2, …) and all receipts are written, or
//     nothing is. When the head is not the expected one (seq and hash), Append returns
//     [ErrHeadMoved] and has written nothing.
//  2. Seqs have no gap. A reader that has read seq n never finds a new record at a seq <= n later.
//  3. RecordedAt strictly increases with the seq, in whole microseconds: it is the later of the
//     writer's clock and 1 µs after the record before. So an "as of" an instant at or before the
//     head's time has one answer for ever.
//  4. An acknowledged append is on disk (except in the memory store). A store refuses to open with
//     settings that would lose it.
//  5. Each record carries the hash of the chain up to it. A reader therefore detects a fork: a
//     tail that was lost in a failover, an old backup, a changed row.
//  6. An unknown outcome is never called a failure. After an error of an append that wraps none of
//     [ErrHeadMoved], [ErrKeyTaken] and [ErrNotWritten], the records may be there, may never be
//     there, or may still get there. The writer then reads the history again: either the hash of
//     its last record is in it, or the head has left expected without it. While the head is still
//     the expected one the same records may be sent again: at most one copy can win.
//  7. A store returns every record as it was written and skips none, also those of a type that
//     this program does not know.
//  8. What can be read need not be safe yet: an append that waits for a synchronous standby can
//     become visible before the standby has it, when its session is ended or its server restarts.
//     Only an append of this store that returned nil, or [Store.DurableHead], proves that
//     everything before it is safe.
//  9. A change set is 1 to [config.MaxChanges] records that follow one another, the ChangeSet of
//     each being the seq of the last. One append writes all of them, so no reader ever finds a
//     history that ends inside a set; only a page can. Records that merely share an append are sets
//     of their own. A set of several records has at most [config.MaxChangeSetBytes] of names,
//     reason and new values, and as many of the values that it replaces or deletes; a set of one
//     may be of any size. One append takes any number of such sets.
//
// Reads of users are all methods that take a basis, except EachNewest. They never delay the other
// methods: they have connections of their own, and a store bounds how many of them run and how many
// wait. A read that finds too many others waiting returns an error that wraps [ErrBusy].
//
// A basis is the head that a read builds on: the history must contain a record with its seq and
// hash, in the same snapshot from which the result is read. Otherwise the error wraps
// [ErrDiverged]. So results up to the basis are of the chain that its hash covers. Every history
// contains the zero Head.
//
// All methods are safe for concurrent use. When the context of a call ends first, the call returns
// an error; after an append its outcome is then unknown, so the writer gives appends a context of
// their own.
type Store interface {
	// Head returns the seq, hash and time of the newest record, or the zero Head of an empty
	// history.
	Head(ctx context.Context) (Head, error)

	// DurableHead returns the head as Head does, but only once every record up to it, and every
	// receipt that could be read before the call, is as safe as an acknowledged append. It commits
	// a transaction that changes no record, no receipt and not the head, so it fails where an
	// append would fail. After an error nothing is known, and it may be called again.
	DurableHead(ctx context.Context) (Head, error)

	// Append writes records and receipts in one transaction. [Chain.Seal] has made the records
	// follow expected. At least one record or receipt is needed. Receipts alone do not move the
	// head, but are written only when it is the expected one.
	Append(ctx context.Context, expected Head, records []Record, receipts ...Receipt) error

	// AppendLocked keeps all other writers out while it reads the head and the missed records after
	// a seq, lets decide choose what to append, and appends that: it cannot lose a race. It costs
	// more than Append, so it is for times when many nodes write. A node that dies or freezes
	// meanwhile holds the others up for a time that the store bounds.
	//
	// When decide returns an error, nothing is written and the error is wrapped together with
	// [ErrNotWritten]. When it returns no records and no receipts, nothing is written and the error
	// is nil. AppendLocked returns [ErrHeadMoved] without calling decide when the head is before
	// the seq, or more than [MaxMissed] records or [MaxMissedBytes] after it.
	AppendLocked(ctx context.Context, after Seq, decide Decide) error

	// Read returns the records after a seq, oldest first, as many as the limit allows. The node
	// itself uses it, for example its writer and its follower: reads of users never delay it.
	Read(ctx context.Context, after Seq, limit Limit) ([]Record, error)

	// EachNewest calls yield for the newest records of all names at or before a basis, page by
	// page, in any order, one call after the other, until yield returns an error. The node itself
	// uses it at its start: all pages are of the history of the basis, but it never delays reads of
	// users, nor do they delay it. The transaction of a page has ended when yield gets the page.
	EachNewest(ctx context.Context, basis Head, yield func([]Newest) error) error

	// ReadHistory returns the same as Read, to users: on a basis and after waiting for its turn.
	ReadHistory(ctx context.Context, basis Head, after Seq, limit Limit) ([]Record, error)

	// ReadConfig returns records of one name after a version, oldest first, as many as the limit
	// allows.
	ReadConfig(ctx context.Context, basis Head, name string, after int, limit Limit) ([]Record, error)

	// ReadConfigBack returns records of one name before a version, newest first, as many as the
	// limit allows.
	ReadConfigBack(ctx context.Context, basis Head, name string, before int, limit Limit) ([]Record, error)

	// ReadBack returns the records that q selects, newest first, as many as the limit allows. It
	// examines a bounded number of records: every record that q selects at or after the seq end is
	// in the page. The next page is the one before end; when end is not after q.After+1, there is
	// none.
	ReadBack(ctx context.Context, basis Head, q Back, limit Limit) (records []Record, end Seq, err error)

	// ReadNames returns the names that have a record after one seq and up to another, in byte order
	// and each once. It examines all records between, so there must not be more than [MaxExamined].
	ReadNames(ctx context.Context, basis Head, after, upTo Seq) ([]string, error)

	// ReadHeads returns the heads that the history had at some seqs, in their order. All must be
	// different, at most [MaxAsOfNames] of them. Those that the history does not have are left out.
	ReadHeads(ctx context.Context, basis Head, seqs []Seq) ([]Head, error)

	// ReadInstant returns the newest record at or before an instant, without its data. It returns
	// the zero Record when there is none.
	ReadInstant(ctx context.Context, basis Head, instant time.Time) (Record, error)

	// ReadAsOf returns for each of the names its newest record at or before a seq, by name in byte
	// order. Names without such a record are left out. A page that the limit has ended early holds
	// the first of the names: the caller asks again for the names after the last one in it.
	ReadAsOf(ctx context.Context, basis Head, q AsOf, limit Limit) ([]Record, error)

	// ReadVersions returns the records with the names and versions that are asked for, in the order
	// asked, as many as the limit allows. Those that the history does not have are left out. All
	// must be different, at most [MaxAsOfNames] of them.
	ReadVersions(ctx context.Context, basis Head, versions []VersionOf, limit Limit) ([]Record, error)

	// LookUp returns the same as ReadVersions, but as Read does: for the node itself, without a
	// basis.
	LookUp(ctx context.Context, versions []VersionOf, limit Limit) ([]Record, error)

	// ReadReceipts returns the receipts of the keys that have one, in any order. All keys must be
	// different.
	ReadReceipts(ctx context.Context, keys []Key) ([]Receipt, error)

	// Key returns the key of the store, which was made at random with its tables and is the same
	// for all that use them. It is no part of the history.
	Key(ctx context.Context) (StoreKey, error)

	// PruneReceipts removes receipts that were made before a time, the oldest first, at most limit
	// of them, and returns how many it has removed. Appends wait no longer than the call takes.
	PruneReceipts(ctx context.Context, before time.Time, limit int) (int, error)

	// KeepUses notes when secrets of tokens were used, all or none. Of several times of one secret,
	// whichever node has noted them, the latest stays. All secrets must be different, at most
	// [MaxUses] of them. Uses are no part of the history.
	KeepUses(ctx context.Context, uses []Use) error

	// DropUses removes what is noted of secrets, at most [MaxUses] of them.
	DropUses(ctx context.Context, secrets []string) error

	// ReadUses returns what is noted of the secrets after one ("": from the first on), by public id
	// in byte order, at most [MaxUses] of them.
	ReadUses(ctx context.Context, after string) ([]Use, error)

	// Wait returns nil when the history may have records after a seq, and the context's error when
	// the context ends first. It may return early, and does so at least once in every interval of
	// the store's choice: a notification is only a hint, so callers read the history after each
	// return.
	Wait(ctx context.Context, after Seq) error
}

// Decide returns the records and receipts that [Store.AppendLocked] appends after the head. missed
// are the records between the seq that AppendLocked was given and the head. Decide must be quick
// and must not call the store.
type Decide func(head Head, missed []Record) ([]Record, []Receipt, error)

// Limit bounds one page of records. A page is empty only when there is no record to return. The
// zero Limit means one page of [PageBytes]. Negative fields are not allowed.
type Limit struct {
	// Records is how many records a page holds at most. 0 means that only Bytes bounds the page.
	Records int
	// Bytes is how many bytes of data fill a page: the record that reaches this sum is the last one
	// of the page. 0 means [PageBytes].
	Bytes int
}

// WithDefaults returns the limit with its zero fields replaced by what they mean.
func (l Limit) WithDefaults() Limit {
	return Limit{Records: cmp.Or(l.Records, math.MaxInt), Bytes: cmp.Or(l.Bytes, PageBytes)}
}

// Fills reports whether a page has reached the limit, so that more records may follow.
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

// AsOf says what [Store.ReadAsOf] returns.
type AsOf struct {
	// At is the seq as of which the names are read.
	At Seq
	// Names must all be different, at most [MaxAsOfNames] of them.
	Names []string
	// NoData leaves Data of the records empty. The type of a record still says whether its config
	// existed.
	NoData bool
}

// VersionOf names one record: a version of a name.
type VersionOf struct {
	Name    string
	Version int
	// Next is the seq of the record of the version after it, 0 when that is not known. It is only a
	// hint, with which some stores find the record sooner: a wrong one changes no result.
	Next Seq
}

const (
	// PageBytes is how many bytes of data fill a page of records unless its limit says otherwise: 8
	// MiB.
	PageBytes = 8 << 20
	// MaxAsOfNames is how many names one [Store.ReadAsOf] takes, how many versions one
	// [Store.ReadVersions], and how many seqs one [Store.ReadHeads].
	MaxAsOfNames = 500
	// MaxUses is how many uses one [Store.KeepUses] or [Store.ReadUses] is about.
	MaxUses = 500
	// MaxMissed and MaxMissedBytes are how many missed records, and bytes of their data,
	// [Store.AppendLocked] reads at most: what some other nodes append while one waits for the
	// lock, each up to two of the largest change sets at once.
	MaxMissed      = 4000
	MaxMissedBytes = 2 * PageBytes
)

// MissedLimit is the limit of what [Store.AppendLocked] reads.
func MissedLimit() Limit { return Limit{Records: MaxMissed, Bytes: MaxMissedBytes} }
