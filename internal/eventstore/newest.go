package eventstore

import (
	"time"

	"configapi/internal/config"
)

// Newest is the newest record of a name at a basis, with what shows that it belongs to the chain,
// and what a view needs of older records.
type Newest struct {
	Record
	// Part and Order are the place of the name among all names at the basis, in byte order. A store
	// that reads several parts of the names at once numbers each of them 0, 1, 2, …, and the names
	// of a part come after those of the parts before. Other stores have part 0 alone.
	Part, Order int
	// Before is the head before the record. It is zero when the store has no record there, as for
	// the first of all.
	Before Head
	// SetEnd is the hash of the last record of the change set. It is zero when that is missing.
	SetEnd Hash
	// CreatedAt is the time of the first record of the name: UTC, whole microseconds. It is zero
	// when that is missing.
	CreatedAt time.Time
}

// NewestOf returns a record with what it says by itself: of a change set that it ends, and of a
// name that begins with it. A store adds the rest.
func NewestOf(r Record) Newest {
	n := Newest{Record: r}
	if r.ChangeSet == r.Seq {
		n.SetEnd = r.Hash
	}
	if r.Version == 1 {
		n.CreatedAt = r.RecordedAt
	}
	return n
}

// VerifyNewest checks that records belong to the chain at a basis: each follows the record before
// it, its change set is whole, and its name has a first record. It does not check the records
// before. The error is a [*ChainError].
func (c *Chain) VerifyNewest(basis Head, found []Newest) error {
	for i := range found {
		n := &found[i]
		switch {
		case n.Seq > 1 && n.Before.Seq != n.Seq-1:
			return &ChainError{n.Seq - 1, "its record is missing"}
		case n.ChangeSet < n.Seq || n.ChangeSet > basis.Seq || n.SetEnd == Hash{}:
			return &ChainError{n.Seq, "its change set is not whole"}
		case n.Erased:
			return &ChainError{n.Seq, "it is erased, although it is the newest of its config"}
		case n.CreatedAt.IsZero():
			return &ChainError{n.Seq, "the first record of its config is missing"}
		}
		if _, err := c.Verify(n.Before, []Record{n.Record}); err != nil {
			return err
		}
	}
	return nil
}

// Revision decodes the record, like [DecodeFacts]. Its change set is known.
func (n *Newest) Revision(codec config.Codec) (*Revision, error) {
	r, err := decodeFact(codec, &n.Record)
	if err != nil {
		return nil, err
	}
	r.ChangeSet = NewPosition(n.ChangeSet, n.SetEnd)
	return r, nil
}
