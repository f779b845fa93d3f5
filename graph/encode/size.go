package encode

import (
	"encoding/binary"
	"time"

	"configapi/internal/eventstore"
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
		return TextSize(value)
	case *string:
		if value == nil {
			return nullSize
		}
		return TextSize(*value)
	case nil:
		return nullSize
	case int32, bool, time.Time, eventstore.Position:
		return shortSize
	default:
		return shortSize + int64(len(`{}`))
	}
}

// TextSize returns the exact length of a text as a JSON string. It checks eight bytes at a time,
// since nearly all of them need no escape. BenchmarkLargeValue of package graph pays for it.
func TextSize(text string) int64 {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	size := int64(len(text)) + 2
	for len(text) >= 8 {
		word := binary.LittleEndian.Uint64([]byte(text[:8]))
		control := (word - ones*0x20) & ^word
		quote := word ^ ones*'"'
		backslash := word ^ ones*'\\'
		if (control|(quote-ones)&^quote|(backslash-ones)&^backslash)&highs != 0 {
			size += escapes(text[:8])
		}
		text = text[8:]
	}
	return size + escapes(text)
}

// escapes returns the bytes by which escapes make a text longer.
func escapes(text string) (more int64) {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\' || c == '\t' || c == '\n' || c == '\r':
			more++
		case c < 0x20:
			more += 5
		}
	}
	return more
}
