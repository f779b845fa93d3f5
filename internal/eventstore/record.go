package eventstore

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Seq is an event's number in the whole history: 1, 2, 3, … without gaps. 0 is before the first.
type Seq int64

// Hash is the SHA-256 of the chain up to and including one record. Before the first record it is all zeros.
type Hash [32]byte

// AppendID is what makes the bytes of one append different from those of any other: 16 random bytes.
type AppendID [16]byte

// Head is the newest record's seq, hash and time. The zero Head is that of an empty history.
type Head struct {
	Seq        Seq
	Hash       Hash
	RecordedAt time.Time
}

// Same reports whether both are the same record of the same history.
func (h Head) Same(other Head) bool { return h.Seq == other.Seq && h.Hash == other.Hash }

// Position returns the position of the head.
func (h Head) Position() Position { return NewPosition(h.Seq, h.Hash) }

// Record is one event as it is stored, a row of the table events. Its fields are what the hash covers.
type Record struct {
	Seq           Seq
	Hash          Hash
	Name          string // column config_name
	Version       int    // of the config, after the event
	Type          string
	SchemaVersion int
	Data          string    // JSON; the hash needs these exact bytes
	Actor         *string   // nil: made without authentication
	Reason        *string   // nil: none was given
	RecordedAt    time.Time // UTC, whole microseconds
	AppendID      AppendID
	ChangeSet     Seq // of the last event of the change set
}

// HeadOf returns the head that the history has when the record is its newest.
func HeadOf(r *Record) Head { return Head{r.Seq, r.Hash, r.RecordedAt} }

// Position names a record to clients: its seq and the first bytes of its hash. A position of another
// history is therefore not mistaken for one of this history.
type Position struct {
	Seq    Seq
	Prefix [4]byte // of the hash
}

// NewPosition returns the position of a record.
func NewPosition(p Seq, h Hash) Position { return Position{p, [4]byte(h[:4])} }

// String returns the text that clients see, such as `1842-9f3a21c0`.
func (b Position) String() string {
	return string(b.AppendTo(make([]byte, 0, 28)))
}

// AppendTo appends what [Position.String] returns.
func (b Position) AppendTo(text []byte) []byte {
	text = strconv.AppendInt(text, int64(b.Seq), 10)
	text = append(text, '-')
	return hex.AppendEncode(text, b.Prefix[:])
}

// ParsePosition reads what [Position.String] writes, and refuses any other text. It does not check that
// the history has the position.
func ParsePosition(text string) (Position, error) {
	number, prefix, _ := strings.Cut(text, "-")
	p, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return Position{}, errMalformedPosition
	}
	b := Position{Seq: Seq(p)}
	if len(prefix) != 2*len(b.Prefix) {
		return Position{}, errMalformedPosition
	}
	if _, err := hex.Decode(b.Prefix[:], []byte(prefix)); err != nil || b.String() != text {
		return Position{}, errMalformedPosition
	}
	return b, nil
}

var errMalformedPosition = errors.New("a position looks like 1842-9f3a21c0: hand back one that this server gave")

// ChainError says that a record does not follow the one before it: the history was changed, or it is another history.
type ChainError struct {
	Seq     Seq // of the record that does not fit
	Problem string
}

func (e *ChainError) Error() string {
	return fmt.Sprintf("the history is broken at position %d: %s", e.Seq, e.Problem)
}
