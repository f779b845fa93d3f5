// Package scalar reads and writes the scalars of the GraphQL schema for which gqlgen's own are not
// strict enough, and the schema's enum of operations. gqlgen calls its functions by their names.
//
// A value that cannot be read is a mistake of the client, so the errors are of the kinds that the
// config store has for that. Texts that are written need no escapes.
package scalar

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// MarshalInt writes a whole number.
func MarshalInt(n int32) graphql.Marshaler { return graphql.MarshalInt32(n) }

// UnmarshalInt reads a whole number of 32 bits. It refuses a text that looks like one. The error is
// a [*config.InvalidError].
func UnmarshalInt(v any) (int32, error) {
	n, ok := v.(int64)
	if !ok || n < math.MinInt32 || n > math.MaxInt32 {
		return 0, &config.InvalidError{Field: "number", Rule: "must be a whole one of at most 32 bits"}
	}
	return int32(n), nil
}

// MarshalConfigName writes a name.
func MarshalConfigName(name string) graphql.Marshaler { return quoted(name) }

// UnmarshalConfigName reads any text: a mutation returns a malformed name as data with its path.
// The error is a [*config.InvalidError].
func UnmarshalConfigName(v any) (string, error) {
	name, ok := v.(string)
	if !ok {
		return "", &config.InvalidError{Field: "name", Rule: "must be a string"}
	}
	return name, nil
}

// MarshalDateTime writes an instant in UTC with exactly 6 fractional digits.
func MarshalDateTime(t time.Time) graphql.Marshaler { return quoted(config.FormatInstant(t)) }

// UnmarshalDateTime reads an RFC 3339 instant with an offset. The error is a
// [*config.InvalidError].
func UnmarshalDateTime(v any) (time.Time, error) {
	text, ok := v.(string)
	if !ok {
		return time.Time{}, &config.InvalidError{Field: "time", Rule: "must be a string"}
	}
	return config.ParseInstant(text)
}

// MarshalPosition writes a position as in `1842-9f3a21c0`.
func MarshalPosition(b eventstore.Position) graphql.Marshaler { return quoted(b.String()) }

// Malformed is the position that [UnmarshalPosition] returns for a text that is none. No history
// has it.
var Malformed = eventstore.Position{Seq: -1}

// ParsePosition reads a position. A text that does not look like one cannot be of this history: the
// error is [fault.ErrPositionUnknown].
func ParsePosition(v any) (eventstore.Position, error) {
	text, _ := v.(string)
	b, err := eventstore.ParsePosition(text)
	if err != nil {
		return b, fmt.Errorf("%w: %w", fault.ErrPositionUnknown, err)
	}
	return b, nil
}

// UnmarshalPosition reads any text, as [Malformed] when it is no position: a mutation returns that
// as data with its path. Queries and subscriptions are checked with [ParsePosition] before they are
// executed. The error is [fault.ErrPositionUnknown], for a value that is no text.
func UnmarshalPosition(v any) (eventstore.Position, error) {
	b, err := ParsePosition(v)
	if _, isText := v.(string); isText && err != nil {
		return Malformed, nil
	}
	return b, err
}

// MarshalConfigOperation writes an operation.
func MarshalConfigOperation(o config.Operation) graphql.Marshaler { return quoted(string(o)) }

// UnmarshalConfigOperation reads an operation. No input of the schema holds one.
func UnmarshalConfigOperation(v any) (config.Operation, error) {
	text, _ := v.(string)
	return config.Operation(text), nil
}

// quoted returns what writes a text that needs no escapes.
func quoted(text string) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, `"`)
		_, _ = io.WriteString(w, text)
		_, _ = io.WriteString(w, `"`)
	})
}
