package eventstore

import (
	"fmt"
	"runtime"
	"slices"

	"configapi/internal/config"
)

// Revision is an event as clients see it: a fact about a config, and where it stands in the history. It is immutable once
// it is made, and shared by all who read it.
type Revision struct {
	config.Event
	Seq  Seq
	Hash Hash
	// ChangeSet is the last event of the change set. Only its seq is certain to be there: see [Revision.SetKnown].
	ChangeSet Position
	Actor     *string // nil: made without authentication
	Reason    *string // nil: none was given
}

// EndsSet reports whether the revision is the last of its change set.
func (r *Revision) EndsSet() bool { return r.Seq == r.ChangeSet.Seq }

// SetKnown reports whether ChangeSet is complete. It is not for a revision that was decoded without
// the end of its set.
func (r *Revision) SetKnown() bool { return r.EndsSet() || r.ChangeSet.Prefix != [4]byte{} }

// Position returns the position of the revision.
func (r *Revision) Position() Position { return NewPosition(r.Seq, r.Hash) }

// Head returns the head that the history had when the revision was its newest.
func (r *Revision) Head() Head { return Head{r.Seq, r.Hash, r.At} }

// Bytes is how many bytes the name and the values of the revision have together, the old value
// included.
func (r *Revision) Bytes() int {
	return len(r.Name.String()) + len(r.Value.String()) + len(r.OldValue.String())
}

// NewRevision returns the revision that a record is stored for, given the event that it holds.
func NewRevision(r *Record, e config.Event) *Revision {
	revision := &Revision{Event: e, Seq: r.Seq, Hash: r.Hash, Actor: r.Actor, Reason: r.Reason}
	revision.ChangeSet.Seq = r.ChangeSet
	if revision.EndsSet() {
		revision.ChangeSet = revision.Position()
	}
	return revision
}

// Decode reads the event of a record. The error names the position; it wraps a [*config.UnknownEventError] when the
// record is of a type or schema version that this program does not know.
func Decode(r *Record) (*Revision, error) {
	name, err := config.ParseName(r.Name)
	if err != nil {
		// Not wrapped: nobody's input is wrong here, the history is.
		return nil, fmt.Errorf("decoding the event at position %d: %v", r.Seq, err)
	}
	stored := config.Stored{Type: r.Type, SchemaVersion: r.SchemaVersion, Data: r.Data}
	event, err := config.Decode(stored, name, config.Version(r.Version), r.RecordedAt.UTC())
	if err != nil {
		return nil, fmt.Errorf("decoding the event at position %d: %w", r.Seq, err)
	}
	return NewRevision(r, event), nil
}

// DecodeNoData is DecodeAll for records without data: the events lack their values.
func DecodeNoData(records []Record) ([]*Revision, error) {
	return decodeAll(records, func(r *Record) (*Revision, error) {
		name, err := config.ParseName(r.Name)
		if err != nil {
			return nil, fmt.Errorf("decoding the event at position %d: %v", r.Seq, err) // not wrapped: see Decode
		}
		if err := config.CheckKnown(r.Type, r.SchemaVersion); err != nil {
			return nil, fmt.Errorf("decoding the event at position %d: %w", r.Seq, err)
		}
		event := config.Event{Type: config.EventType(r.Type), Name: name, Version: config.Version(r.Version), At: r.RecordedAt.UTC()}
		return NewRevision(r, event), nil
	})
}

// DecodeAll reads the events of records, in their order. The change set of a record is known when its end is among those
// that follow.
func DecodeAll(records []Record) ([]*Revision, error) { return decodeAll(records, Decode) }

// largeData is from how many bytes of data on it takes so long to decode a record that others get
// the processor before the next one. A goroutine that does not give it up has it for 10 ms.
const largeData = 16 << 10

func decodeAll(records []Record, decode func(*Record) (*Revision, error)) ([]*Revision, error) {
	revisions := make([]*Revision, len(records))
	for i := range records {
		var err error
		if revisions[i], err = decode(&records[i]); err != nil {
			return nil, err
		}
		if len(records[i].Data) >= largeData {
			runtime.Gosched()
		}
	}
	var end Position // of the set that the revision after belongs to
	for _, r := range slices.Backward(revisions) {
		if r.EndsSet() || end.Seq != r.ChangeSet.Seq {
			end = r.ChangeSet
		}
		r.ChangeSet = end
	}
	return revisions, nil
}

// WholeSets returns those of records, which follow one another, that come before the first of a change set that is not
// whole.
func WholeSets(records []Record) []Record {
	for i, r := range slices.Backward(records) {
		if r.Seq == r.ChangeSet {
			return records[: i+1 : i+1]
		}
	}
	return nil
}
