package config

import (
	"fmt"
	"strings"
)

// MaxNameBytes is the longest name, in bytes.
const MaxNameBytes = 255

// Name is the name of a config. [ParseName] makes only valid ones; the zero Name is not valid.
// Names compare with ==, and their order is the order of their bytes.
type Name struct{ text string }

// ParseName checks a name: 1 to 255 bytes of ASCII letters, digits, `_`, `-`, `.`, `:` and `/`,
// where `/` separates segments and no segment is empty, `.` or `..`. The error is an
// [*InvalidError] that names the broken rule.
func ParseName(text string) (Name, error) {
	if rule := brokenNameRule(text); rule != "" {
		return Name{}, &InvalidError{Field: "name", Rule: rule}
	}
	return Name{text}, nil
}

// String returns the name as it was parsed, or "" for the zero Name.
func (n Name) String() string { return n.text }

// Compare orders names by their bytes. It returns a negative number if n comes before other, 0 if
// both are the same, and a positive number if n comes after it.
func (n Name) Compare(other Name) int { return strings.Compare(n.text, other.text) }

// NameBound returns a bound for ranges of names: it compares with names as its text does. The text
// need not be a valid name, and the result must not become the name of a config.
func NameBound(text string) Name { return Name{text} }

// ChildOf returns the name of the child of a prefix to which n belongs, and the child's segment:
// for `a/b/c` below `a` that is `a/b` and `b`. The prefix has no slash at its end; "" is the top.
// ok is false when n is not below the prefix. The child's name shares the memory of n.
func (n Name) ChildOf(prefix string) (child Name, segment string, ok bool) {
	start := 0
	if prefix != "" {
		start = len(prefix) + 1
		if !strings.HasPrefix(n.text, prefix) || len(n.text) <= start || n.text[start-1] != '/' {
			return Name{}, "", false
		}
	}
	segment, _, _ = strings.Cut(n.text[start:], "/")
	return Name{n.text[:start+len(segment)]}, segment, n.text != ""
}

// Clone returns the name in memory of its own: keeping the clone does not keep the text from which
// the name was parsed.
func (n Name) Clone() Name { return Name{strings.Clone(n.text)} }

// MarshalText implements encoding.TextMarshaler. It never fails.
func (n Name) MarshalText() ([]byte, error) { return []byte(n.text), nil }

// brokenNameRule returns the rule about names that text breaks, or "" if it breaks none.
func brokenNameRule(text string) string {
	switch {
	case text == "":
		return "is empty"
	case len(text) > MaxNameBytes:
		return fmt.Sprintf("has %d bytes; at most %d are allowed", len(text), MaxNameBytes)
	}
	broken, start := "", 0 // start of the segment
	for i := range len(text) + 1 {
		if i < len(text) && text[i] != '/' {
			if !isNameByte[text[i]] {
				return "may hold only letters, digits, and _ - . : /"
			}
			continue
		}
		if broken == "" {
			broken = brokenSegmentRule(text[start:i])
		}
		start = i + 1
	}
	return broken
}

func brokenSegmentRule(segment string) string {
	switch segment {
	case "":
		return "has an empty segment: / may neither begin nor end it, nor follow another /"
	case ".", "..":
		return "has a segment that is . or .."
	}
	return ""
}

// isNameByte says which bytes segments of names have.
var isNameByte = func() (is [256]bool) {
	for _, b := range []byte("_-.:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") {
		is[b] = true
	}
	return is
}()
