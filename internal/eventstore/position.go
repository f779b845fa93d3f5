package eventstore

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// Position names a record to clients: its seq and the first bytes of its hash, written as
// `1842-9f3a21c0`. A position of another history is therefore not mistaken for one of this history.
// The zero Position, `0-00000000`, is before the first record of every history.
type Position struct {
	Seq    Seq
	Prefix [4]byte // of the hash
}

// NewPosition returns the position of the record with a seq and a hash.
func NewPosition(seq Seq, hash Hash) Position { return Position{seq, [4]byte(hash[:4])} }

// String returns the text that clients see, such as `1842-9f3a21c0`.
func (p Position) String() string {
	return string(p.AppendTo(make([]byte, 0, 28)))
}

// AppendTo appends what [Position.String] returns.
func (p Position) AppendTo(text []byte) []byte {
	text = strconv.AppendInt(text, int64(p.Seq), 10)
	text = append(text, '-')
	return hex.AppendEncode(text, p.Prefix[:])
}

// ParsePosition reads what [Position.String] writes, and refuses any other text. It does not check
// that a history has the position.
func ParsePosition(text string) (Position, error) {
	number, prefix, _ := strings.Cut(text, "-")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return Position{}, errMalformedPosition
	}
	p := Position{Seq: Seq(seq)}
	if len(prefix) != 2*len(p.Prefix) {
		return Position{}, errMalformedPosition
	}
	if _, err := hex.Decode(p.Prefix[:], []byte(prefix)); err != nil || p.String() != text {
		return Position{}, errMalformedPosition
	}
	return p, nil
}

var errMalformedPosition = errors.New("a position looks like 1842-9f3a21c0: hand back one that this server gave")
