package config

import (
	"fmt"
	"time"
)

// Stored is an event in the form in which it is stored. Name, version and time have columns of
// their own. Data is JSON, in exactly one form:
//
//	{"value":"new"}   ConfigValueSet, ConfigValueRestored
//	{}                ConfigValueDeleted
//
// The value before an event is that of the version before: a value is stored once. The data has no
// white space and escapes only what JSON demands: `\"`, `\\`, `\n`, `\r`, `\t`, and the other
// control characters as `\u001f`. Data that differs in one byte is refused. Stored data never
// changes: the hash of the history covers its exact bytes.
type Stored struct {
	Type          string
	SchemaVersion int
	Data          string
	// Erased reports whether the data was removed. Only events with a value can be erased.
	Erased bool
}

// UnknownEventError says that this program does not know the type or the schema version of a stored
// event. Readers must stop at such an event, not skip it.
type UnknownEventError struct {
	Type          string
	SchemaVersion int
}

func (e *UnknownEventError) Error() string {
	return fmt.Sprintf("unknown event type %q, schema version %d: probably a newer program wrote it", e.Type, e.SchemaVersion)
}

// Encode returns the stored form of an event, in the newest schema version of its type. It ignores
// the old value.
func Encode(e Event) Stored { return current.encode(e) }

// Decode reads a stored event of any schema version that was ever written. The event lacks its old
// value, and its value shares memory with s.Data. The error is an [*UnknownEventError] or says what
// is wrong with the data.
func Decode(s Stored, name Name, version Version, at time.Time) (Event, error) {
	return current.decode(s, name, version, at)
}

// OwnValue returns v, from which s was encoded, without v's memory. The copy shares memory with
// s.Data, or has memory of its own if v needed escapes.
func (s Stored) OwnValue(v Value) Value {
	const before, after = len(valueMember + quote), len(quote + end)
	if len(s.Data) == before+len(v.text)+after {
		return Value{s.Data[before : len(s.Data)-after]}
	}
	return v.Clone()
}

// CheckKnown returns nil if this program can decode events of a type and schema version, else an
// [*UnknownEventError].
func CheckKnown(eventType string, schemaVersion int) error {
	schema, known := current[EventType(eventType)]
	if !known || schemaVersion < 1 || schemaVersion > schema.version {
		return &UnknownEventError{eventType, schemaVersion}
	}
	return nil
}

// schema says how the data of one event type is stored.
type schema struct {
	version int // the version that is written; the first one is 1
	// upcast maps an older schema version to what turns its data into that of the next version.
	upcast map[int]upcaster
}

// upcaster turns data of one schema version into data of the next. It must be pure: an "as of" has
// one answer for ever.
type upcaster func(data string) (string, error)

// schemas has the schema of each known event type.
type schemas map[EventType]schema

var current = schemas{
	ValueSet:      {version: 1},
	ValueDeleted:  {version: 1},
	ValueRestored: {version: 1},
}

func (all schemas) encode(e Event) Stored {
	s := Stored{Type: string(e.Type), SchemaVersion: all[e.Type].version}
	if e.Type == ValueDeleted {
		s.Data = noValue
	} else {
		s.Data = encodeValue(e.Value)
	}
	return s
}

func (all schemas) decode(s Stored, name Name, version Version, at time.Time) (Event, error) {
	data, err := all.upcast(s)
	if err != nil {
		return Event{}, err
	}
	e := Event{Type: EventType(s.Type), Name: name, Version: version, At: at}
	switch {
	case s.Erased && e.HasValue():
		e.Erased = true
		return e, nil
	case s.Erased:
		return Event{}, fmt.Errorf("the data of a %s was erased, which has no value", s.Type)
	case e.Type == ValueDeleted:
		err = decodeNoValue(data)
	default:
		e.Value, err = decodeValue(data)
	}
	if err != nil {
		return Event{}, fmt.Errorf("decoding the data of %s, schema version %d: %w", s.Type, s.SchemaVersion, err)
	}
	return e, nil
}

// upcast brings data to the schema version that is written today, one version at a time.
func (all schemas) upcast(s Stored) (string, error) {
	schema, known := all[EventType(s.Type)]
	if !known || s.SchemaVersion > schema.version {
		return "", &UnknownEventError{s.Type, s.SchemaVersion}
	}
	data := s.Data
	for v := s.SchemaVersion; v < schema.version; v++ {
		up, known := schema.upcast[v]
		if !known {
			return "", &UnknownEventError{s.Type, s.SchemaVersion}
		}
		var err error
		if data, err = up(data); err != nil {
			return "", fmt.Errorf("upcasting %s from schema version %d: %w", s.Type, v, err)
		}
	}
	return data, nil
}
