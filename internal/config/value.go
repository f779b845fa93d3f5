package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// DefaultMaxValueBytes is the longest value unless a server says otherwise: 1 MiB.
	DefaultMaxValueBytes = 1 << 20
	// MaxReasonBytes is the longest reason, in bytes.
	MaxReasonBytes = 1024
)

// Value is the text of a config: UTF-8 without NUL. The zero Value is the empty text, which is a
// value like any other.
type Value struct{ text string }

// ParseValue checks a value: valid UTF-8, no NUL (PostgreSQL's text cannot hold one), at most
// maxBytes bytes. The error is an [*InvalidError].
func ParseValue(text string, maxBytes int) (Value, error) {
	if len(text) > maxBytes {
		rule := fmt.Sprintf("has %d bytes; at most %d are allowed", len(text), maxBytes)
		return Value{}, &InvalidError{Field: "value", Rule: rule, TooLarge: true}
	}
	if rule := brokenTextRule(text); rule != "" {
		return Value{}, &InvalidError{Field: "value", Rule: rule}
	}
	return Value{text}, nil
}

// String returns the text of the value.
func (v Value) String() string { return v.text }

// Clone returns the value in memory of its own: keeping the clone does not keep the text from which
// the value was parsed.
func (v Value) Clone() Value { return Value{strings.Clone(v.text)} }

// Reason is the text that the caller gives for a change. The zero Reason means that there is none.
type Reason struct{ text string }

// ParseReason checks a reason: valid UTF-8, no NUL, at most 1024 bytes. An empty text is the zero
// Reason. The error is an [*InvalidError].
func ParseReason(text string) (Reason, error) {
	if len(text) > MaxReasonBytes {
		rule := fmt.Sprintf("has %d bytes; at most %d are allowed", len(text), MaxReasonBytes)
		return Reason{}, &InvalidError{Field: "reason", Rule: rule}
	}
	if rule := brokenTextRule(text); rule != "" {
		return Reason{}, &InvalidError{Field: "reason", Rule: rule}
	}
	return Reason{text}, nil
}

// Clone returns the reason in memory of its own: keeping the clone does not keep the text from
// which the reason was parsed.
func (r Reason) Clone() Reason { return Reason{strings.Clone(r.text)} }

// String returns the text of the reason, or "" if there is none.
func (r Reason) String() string { return r.text }

func brokenTextRule(text string) string {
	switch {
	case strings.IndexByte(text, 0) >= 0:
		return "holds a NUL character (U+0000)"
	case !utf8.ValidString(text):
		return "is not valid UTF-8"
	}
	return ""
}
