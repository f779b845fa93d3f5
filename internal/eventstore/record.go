package eventstore

import (
	"strings"
	"time"
)

// Seq is an event's number in the whole history: 1, 2, 3, … without gaps. 0 is before the first.
type Seq int64

// Hash is the SHA-256 of the chain up to and including one record. Before the first record it is
// all zeros.
type Hash [32]byte

// AppendID is 16 random bytes that are the same in all records of one append and in no other. With
// them no two appends ever write the same bytes.
type AppendID [16]byte

// Salt is 16 random bytes that are hashed together with contents. Without the salt, nobody can find
// out by guessing which contents a digest is of.
type Salt [16]byte

// Digest is a SHA-256 over a salt and some of the fields of one record: see [Chain].
type Digest [32]byte

// Head is the newest record's seq, hash and time. The zero Head is that of an empty history.
type Head struct {
	Seq        Seq
	Hash       Hash
	RecordedAt time.Time // UTC, whole microseconds
}

// Same reports whether both are the same record of the same history.
func (h Head) Same(other Head) bool { return h.Seq == other.Seq && h.Hash == other.Hash }

// Position returns the position of the head.
func (h Head) Position() Position { return NewPosition(h.Seq, h.Hash) }

// Record is one event as it is stored, a row of the table events. The hash covers all of its
// fields.
type Record struct {
	Seq           Seq // column position
	Hash          Hash
	Name          string // column config_name
	Version       int    // of the config, after the event
	Type          string
	SchemaVersion int
	Data          string    // JSON; the hash needs these exact bytes
	Actor         *string   // nil: the change was made without authentication
	Reason        *string   // nil: no reason was given
	RecordedAt    time.Time // UTC, whole microseconds
	AppendID      AppendID
	ChangeSet     Seq       // of the last event of the change set
	Reverts       *Position // what the change set undoes; nil: nothing, or more than one set
	SaltWho       Salt
	SaltWhat      Salt   // zero when Erased
	What          Digest // of SaltWhat and Data; it stays when they are erased
	// Erased reports whether Data and SaltWhat were removed, which a later event of the history
	// says. Columns data and salt_what are then null.
	Erased bool
}

// HeadOf returns the head that the history has when the record is its newest.
func HeadOf(r *Record) Head { return Head{r.Seq, r.Hash, r.RecordedAt} }

// Key is an idempotency key together with the caller who chose it: two callers may use the same
// text.
type Key struct {
	Actor string // "": the caller is not known
	Text  string
}

// StoreKey is a secret of 32 random bytes: a reader of receipts who lacks the key cannot find out
// by guessing what was requested.
type StoreKey [32]byte

// Receipt is the stored outcome of a request with an idempotency key: the same request, sent again,
// gets the same answer and has no second effect. It is a row of the table idempotency. Receipts are
// not part of the history: the chain of hashes does not cover them, and [Store.PruneReceipts]
// removes old ones.
type Receipt struct {
	Key
	// RequestHash is an HMAC-SHA-256 of the request under the [StoreKey]. Another request with the
	// same key has another one.
	RequestHash [32]byte
	// First is the seq of the outcome's first event. When there was nothing to do, it is the seq of
	// the head on which that was decided. Column first_position.
	First Seq
	// EventCount is how many events the outcome has; 0 means that there was nothing to do.
	EventCount int
	// Unchanged are the names that were as asked for already. Column unchanged: see [JoinNames].
	Unchanged []string
	// CreatedAt is when the outcome was decided: UTC, whole microseconds.
	CreatedAt time.Time
}

// JoinNames returns names as the stores keep a list of them: one a line. A name has no line feed.
func JoinNames(names []string) string { return strings.Join(names, "\n") }

// SplitNames returns the names that [JoinNames] has joined, nil for none.
func SplitNames(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// Use says when a secret of a token was last used, as far as it is noted. It is a row of the table
// token_uses.
type Use struct {
	Secret string    // its public id
	At     time.Time // UTC, whole microseconds
}
