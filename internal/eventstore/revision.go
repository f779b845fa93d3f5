package eventstore

import (
	"fmt"
	"runtime"
	"slices"

	"configapi/internal/config"
)

// Revision is an event as clients see it: a fact about a config and its place in the history. A
// decoded revision lacks its old value: see [CompleteOldValues]. It is immutable once it is
// complete, and all readers share it.
type Revision struct {
	config.Event
	// Stream is not nil when the revision is of a stream that is no config. Event then has only the
	// time.
	Stream *config.StreamEvent
	Seq    Seq
	Hash   Hash
	// ChangeSet is the position of the change set's last event. Its seq is always set, its prefix
	// only when [Revision.ChangeSetKnown] reports true.
	ChangeSet Position
	Actor     *string // nil: the change was made without authentication
	Reason    *string // nil: no reason was given
	// Reverts is the change set that the revision's change set undoes. nil: none, or more than one.
	Reverts *Position
}

// Fact returns what the revision is: the event of a config, or that of another stream.
func (r *Revision) Fact() config.Fact {
	if r.Stream != nil {
		return r.Stream
	}
	return &r.Event
}

// EndsChangeSet reports whether the revision is the last of its change set.
func (r *Revision) EndsChangeSet() bool { return r.Seq == r.ChangeSet.Seq }

// ChangeSetKnown reports whether ChangeSet is complete: it is not when the revision was decoded
// without the last event of its set.
func (r *Revision) ChangeSetKnown() bool { return r.EndsChangeSet() || r.ChangeSet.Prefix != [4]byte{} }

// Position returns the position of the revision.
func (r *Revision) Position() Position { return NewPosition(r.Seq, r.Hash) }

// Head returns the head that the history had when the revision was its newest.
func (r *Revision) Head() Head { return Head{r.Seq, r.Hash, r.At} }

// Bytes returns how many bytes the name, the value and the old value have together, or the name and
// the data of an event of a stream that is no config.
func (r *Revision) Bytes() int {
	if r.Stream != nil {
		return len(r.Stream.Stream) + r.Stream.Bytes
	}
	return len(r.Name.String()) + len(r.Value.String()) + len(r.OldValue.String())
}

// NewRevision returns the revision of a record, given the event that the record holds.
func NewRevision(r *Record, e config.Event) *Revision {
	revision := &Revision{Event: e, Seq: r.Seq, Hash: r.Hash, Actor: r.Actor, Reason: r.Reason, Reverts: r.Reverts}
	revision.ChangeSet.Seq = r.ChangeSet
	if revision.EndsChangeSet() {
		revision.ChangeSet = revision.Position()
	}
	return revision
}

// DecodeFacts reads the events of any records of a history, in their order. The change set of a
// record is known when the last event of the set is among the records. Errors are those of
// [Decode].
func DecodeFacts(codec config.Codec, records []Record) ([]*Revision, error) {
	return decodeAll(records, func(r *Record) (*Revision, error) { return decodeFact(codec, r) })
}

func decodeFact(codec config.Codec, r *Record) (*Revision, error) {
	if !config.IsStream(r.Name) {
		return Decode(r)
	}
	stream, err := codec.DecodeStream(storedOf(r), r.Name, config.Version(r.Version), r.RecordedAt.UTC())
	if err != nil {
		return nil, fmt.Errorf("decoding the event at seq %d: %w", r.Seq, err)
	}
	revision := NewRevision(r, config.Event{At: stream.At})
	revision.Stream = stream
	return revision, nil
}

// Decode reads the event of a record of a config, without its old value. The error names the seq;
// it wraps a [*config.UnknownEventError] when this program does not know the record's type or
// schema version.
func Decode(r *Record) (*Revision, error) {
	if config.IsStream(r.Name) {
		return nil, fmt.Errorf("decoding the event at seq %d: %w", r.Seq, &config.UnknownEventError{Type: r.Type, SchemaVersion: r.SchemaVersion})
	}
	name, err := config.ParseName(r.Name)
	if err != nil {
		// The error is not wrapped: the history is wrong here, not a client's input.
		return nil, fmt.Errorf("decoding the event at seq %d: %v", r.Seq, err)
	}
	event, err := config.Decode(storedOf(r), name, config.Version(r.Version), r.RecordedAt.UTC())
	if err != nil {
		return nil, fmt.Errorf("decoding the event at seq %d: %w", r.Seq, err)
	}
	return NewRevision(r, event), nil
}

func storedOf(r *Record) config.Stored {
	return config.Stored{Type: r.Type, SchemaVersion: r.SchemaVersion, Data: r.Data, Erased: r.Erased}
}

// DecodeNoData is [DecodeAll] for records that were read without data: the events lack their
// values.
func DecodeNoData(records []Record) ([]*Revision, error) {
	return decodeAll(records, func(r *Record) (*Revision, error) {
		name, err := config.ParseName(r.Name)
		if err != nil {
			// Not wrapped, as in Decode.
			return nil, fmt.Errorf("decoding the event at seq %d: %v", r.Seq, err)
		}
		if err := config.CheckKnown(r.Type, r.SchemaVersion); err != nil {
			return nil, fmt.Errorf("decoding the event at seq %d: %w", r.Seq, err)
		}
		event := config.Event{Type: config.EventType(r.Type), Name: name, Version: config.Version(r.Version), At: r.RecordedAt.UTC(), Erased: r.Erased}
		return NewRevision(r, event), nil
	})
}

// DecodeAll is [DecodeFacts] for records of configs alone.
func DecodeAll(records []Record) ([]*Revision, error) { return decodeAll(records, Decode) }

// largeData is how many bytes of data make a record so slow to decode that other goroutines get the
// processor before the next one. A goroutine that does not yield keeps it for 10 ms: see
// test/hostile.
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
	var end Position // of the change set of the revision that follows
	for _, r := range slices.Backward(revisions) {
		if r.EndsChangeSet() || end.Seq != r.ChangeSet.Seq {
			end = r.ChangeSet
		}
		r.ChangeSet = end
	}
	return revisions, nil
}

// WholeSets returns the longest prefix of consecutive records that ends with the end of a change
// set.
func WholeSets(records []Record) []Record {
	for i, r := range slices.Backward(records) {
		if r.Seq == r.ChangeSet {
			return records[: i+1 : i+1]
		}
	}
	return nil
}
