package config

import (
	"fmt"
	"strings"
	"time"
)

// Fact is one stored event: an [*Event] of a config or a [*StreamEvent]. There are no others.
type Fact interface{ isFact() }

func (*Event) isFact()       {}
func (*StreamEvent) isFact() {}

// StreamPrefix begins the name of each stream that is no config, which no name of a config does.
const StreamPrefix = "$"

// IsStream reports whether a name in the history is that of a stream that is no config.
func IsStream(name string) bool { return strings.HasPrefix(name, StreamPrefix) }

// StreamEvent is one fact about a stream that is no config. It never changes once it is made.
type StreamEvent struct {
	Type    EventType
	Stream  string  // begins with [StreamPrefix]
	Version Version // of the stream, after the event
	Content any     // what [Kind.Decode] made of the data
	// Erases are the numbers of earlier events of the history whose values the event erases.
	Erases []int64
	At     time.Time // UTC, whole microseconds
	Bytes  int       // of the data
}

// Kind is a type of events of streams that are no configs.
type Kind struct {
	Type          EventType
	SchemaVersion int // the newest one that is known; the first one is 1
	// Decode reads the data of an event; e has what is known without it. It must be pure. erases
	// are the numbers of earlier events whose values the event erases; most kinds have none.
	Decode func(e StreamEvent, schemaVersion int, data string) (content any, erases []int64, err error)
}

// Codec decodes stored events. The zero Codec knows the events of configs alone.
type Codec struct {
	kinds map[EventType]Kind
}

// NewCodec returns a codec that knows some kinds besides the events of configs.
func NewCodec(kinds ...Kind) Codec {
	c := Codec{kinds: make(map[EventType]Kind, len(kinds))}
	for _, kind := range kinds {
		c.kinds[kind.Type] = kind
	}
	return c
}

// IsZero reports whether the codec knows the events of configs alone.
func (c Codec) IsZero() bool { return len(c.kinds) == 0 }

// DecodeStream reads a stored event of a stream that is no config, given the stream's name, the
// version after the event and the event's time. The error is an [*UnknownEventError] or says what
// is wrong with the data. [Decode] reads those of configs.
func (c Codec) DecodeStream(s Stored, name string, version Version, at time.Time) (*StreamEvent, error) {
	kind, known := c.kinds[EventType(s.Type)]
	if !known || s.SchemaVersion < 1 || s.SchemaVersion > kind.SchemaVersion {
		return nil, &UnknownEventError{s.Type, s.SchemaVersion}
	}
	if s.Erased {
		return nil, fmt.Errorf("the data of an event of %s was erased; only values of configs can be", name)
	}
	e := &StreamEvent{Type: kind.Type, Stream: name, Version: version, At: at, Bytes: len(s.Data)}
	var err error
	if e.Content, e.Erases, err = kind.Decode(*e, s.SchemaVersion, s.Data); err != nil {
		return nil, fmt.Errorf("decoding the data of %s, schema version %d: %w", s.Type, s.SchemaVersion, err)
	}
	return e, nil
}
