package config

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// HashPrefix is the beginning of a revision's hash. Together with a version or a position it names
// one revision of one history: the same version of another history has another hash.
type HashPrefix [4]byte

// RevisionID is where a revision stands in the history.
type RevisionID struct {
	Seq  int64 // 0: there is no revision
	Hash HashPrefix
}

// RevisionMatch names the revision that a command expects, by version or by position. With both
// zero it matches none.
type RevisionMatch struct {
	Version Version // 0: not compared
	Seq     int64   // 0: not compared
	Hash    HashPrefix
	AnyHash bool // the hash is not compared, so a revision of another history can match
}

// Condition is what must hold of a config's newest revision for a command to be carried out. The
// zero Condition never holds.
type Condition struct {
	Revisions []RevisionMatch // the newest revision must be one of these
	Any       bool            // any revision will do, as long as the config exists
	Not       bool            // the condition holds when Revisions and Any do not match
}

// RequireRevision is the condition that the newest revision is this one.
func RequireRevision(position int64, hash HashPrefix) Condition {
	return Condition{Revisions: []RevisionMatch{{Seq: position, Hash: hash}}}
}

// RequireAbsent is the condition that the config does not exist: it has no revision, or it is
// deleted.
func RequireAbsent() Condition { return Condition{Any: true, Not: true} }

// holds reports whether the condition is met by the present state of a config.
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

// String writes the condition in the one way that [RequestHash] covers: it never changes.
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
