package encode

import (
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/strictjson"
)

// The lengths of JSON in bytes. All sizes are those of what gqlgen writes, or a little more.
const (
	nullSize = int64(len(`null`))
	// shortSize is the longest that an instant, a position, a number or an operation can be.
	shortSize = 40
	// nameSyntax is what stands around the name and the value of a field: quotes, colon and comma,
	// and a share of the braces.
	nameSyntax = 8
)

// NameSize returns what the response name of a field takes, with the syntax around it.
func NameSize(name string) int64 { return int64(len(name) + nameSyntax) }

// Size returns the length of a field's result. Of objects and lists it is only the syntax: their
// fields count by themselves.
func Size(result any) int64 {
	switch value := result.(type) {
	case string:
		return strictjson.QuotedLen(value)
	case *string:
		if value == nil {
			return nullSize
		}
		return strictjson.QuotedLen(*value)
	case nil:
		return nullSize
	case []string:
		return namesSize(value)
	case int32, bool, time.Time, eventstore.Position, *eventstore.Position:
		return shortSize
	default:
		return shortSize + int64(len(`{}`))
	}
}

// namesSize returns the length of a list of texts that need no escapes.
func namesSize(texts []string) int64 {
	size := int64(len(`[]`))
	for _, text := range texts {
		size += int64(len(text) + len(`"",`))
	}
	return size
}
