package config

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// HashPrefix is the first 4 bytes of a revision's hash. With a version or a seq it names one
// revision of one history: the same version in another history has another hash.
type HashPrefix [4]byte

// RevisionID says where a revision is in the history.
type RevisionID struct {
	Seq  int64 // 0: there is no revision
	Hash HashPrefix
}

// RevisionMatch names the revision that a command expects, by version or by seq. It matches nothing
// when both are 0.
type RevisionMatch struct {
	Version Version // 0: not compared
	Seq     int64   // 0: not compared
	Hash    HashPrefix
	AnyHash bool // do not compare the hash: a revision of another history can match
}

// Condition is a condition on a config's newest revision; a command is refused with
// [ErrRevisionConflict] when it does not hold. The zero Condition never holds.
type Condition struct {
	Revisions []RevisionMatch // the newest revision must be one of these
	Any       bool            // any revision matches, if the config exists
	Not       bool            // the condition holds when neither Revisions nor Any matches
}

// RequireRevision is the condition that the newest revision has this seq and hash.
func RequireRevision(seq int64, hash HashPrefix) Condition {
	return Condition{Revisions: []RevisionMatch{{Seq: seq, Hash: hash}}}
}

// holds reports whether the present state of a config meets the condition.
func (c Condition) holds(a Aggregate) bool {
	matches := c.Any && a.Exists()
	for _, r := range c.Revisions {
		matches = matches || r.matches(a)
	}
	return matches != c.Not
}

func (m RevisionMatch) matches(a Aggregate) bool {
	switch {
	case a.Version == 0, m.Version == 0 && m.Seq == 0:
		return false
	case m.Version != 0 && m.Version != a.Version:
		return false
	case m.Seq != 0 && m.Seq != a.Newest.Seq:
		return false
	}
	return m.AnyHash || m.Hash == a.Newest.Hash
}

// String returns the form of the condition that [RequestHash] covers. It must never change.
func (c Condition) String() string {
	var b strings.Builder
	if c.Not {
		b.WriteByte('!')
	}
	if c.Any {
		b.WriteByte('*')
	}
	for _, r := range c.Revisions {
		b.WriteString(",v")
		b.WriteString(strconv.Itoa(int(r.Version)))
		b.WriteByte('p')
		b.WriteString(strconv.FormatInt(r.Seq, 10))
		if !r.AnyHash {
			b.WriteByte('-')
			b.WriteString(hex.EncodeToString(r.Hash[:]))
		}
	}
	return b.String()
}
