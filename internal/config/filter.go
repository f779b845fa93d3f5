package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// MaxFilterNames is how many names one filter may list.
const MaxFilterNames = 100

// Filter selects configs by name. All its conditions must hold; the zero Filter selects all.
type Filter struct {
	prefix string // whole leading segments, without the last slash; "": any
	names  []Name // in byte order, each once, all within the prefix; nil: any
	part   string // of the name, in lower case; "": any
	// within are prefixes below the prefix, at least two, in byte order, none below another; nil:
	// any. It is nil when there are names.
	within []string
}

// ParseFilter returns the filter for a prefix and a list of names; "" and nil set no condition. The
// prefix stands for whole leading segments: `payments` and `payments/` both select `payments` and
// `payments/timeout`, not `payments2`. An empty list that is not nil selects nothing. The error is
// an [*InvalidError].
func ParseFilter(prefix string, names []string) (Filter, error) {
	f := Filter{prefix: strings.TrimSuffix(prefix, "/")}
	if err := CheckPrefix(prefix); err != nil {
		return Filter{}, err
	}
	if names == nil {
		return f, nil
	}
	if len(names) > MaxFilterNames {
		rule := fmt.Sprintf("has %d names; at most %d are allowed", len(names), MaxFilterNames)
		return Filter{}, &InvalidError{Field: "names", Rule: rule}
	}
	f.names = make([]Name, 0, len(names))
	for i, text := range names {
		if rule := brokenNameRule(text); rule != "" {
			return Filter{}, &InvalidError{Field: fmt.Sprintf("names[%d]", i), Rule: rule}
		}
		if isWithin(text, f.prefix) {
			f.names = append(f.names, Name{text})
		}
	}
	slices.SortFunc(f.names, Name.Compare)
	f.names = slices.Compact(f.names)
	return f, nil
}

// CheckActor checks a text that selects changes by their actor: valid UTF-8, not empty, no NUL. The
// error is an [*InvalidError].
func CheckActor(text string) error {
	if text == "" {
		return &InvalidError{Field: "actor", Rule: "is empty; leave it out for the changes of all actors"}
	}
	if rule := brokenTextRule(text); rule != "" {
		return &InvalidError{Field: "actor", Rule: rule}
	}
	return nil
}

// Only returns the filter that selects one name.
func Only(name Name) Filter { return Filter{names: []Name{name}} }

// Among returns the filter that selects each of the names, however many they are.
func Among(names []Name) Filter {
	f := Filter{names: slices.Clone(names)}
	slices.SortFunc(f.names, Name.Compare)
	f.names = slices.Compact(f.names)
	if f.names == nil {
		f.names = []Name{}
	}
	return f
}

// Containing returns the filter that also asks for a part of the name, of 1 to [MaxNameBytes]
// bytes, in either case. The error is an [*InvalidError].
func (f Filter) Containing(part string) (Filter, error) {
	switch {
	case part == "":
		return Filter{}, &InvalidError{Field: "contains", Rule: "is empty; leave it out to select all names"}
	case len(part) > MaxNameBytes:
		rule := fmt.Sprintf("has %d bytes; at most %d are allowed", len(part), MaxNameBytes)
		return Filter{}, &InvalidError{Field: "contains", Rule: rule}
	}
	f.part = lowerASCII(part)
	return f, nil
}

// Part returns the part of the name that the filter asks for, in lower case; "" means any.
func (f Filter) Part() string { return f.part }

// WithoutPart returns the filter that does not ask for a part of the name.
func (f Filter) WithoutPart() Filter {
	f.part = ""
	return f
}

// Prefix returns the leading segments that all selected names share, without a slash at the end; ""
// means any.
func (f Filter) Prefix() string { return f.prefix }

// Names returns the listed names within the prefix, in byte order and each once. listed is false
// when the filter has no list of names. The slice must not be changed.
func (f Filter) Names() (names []Name, listed bool) { return f.names, f.names != nil }

// Prefixes returns the names that the filter would select without its list of names and its part:
// those below its prefix, or below several prefixes within that one: see [Filter.Within].
func (f Filter) Prefixes() Prefixes {
	if f.within != nil {
		return Prefixes{f.within}
	}
	return Prefixes{[]string{f.prefix}}
}

// All reports whether the filter selects every name.
func (f Filter) All() bool {
	return f.prefix == "" && f.names == nil && f.part == "" && f.within == nil
}

// Key returns 64 letters and digits that name the filter: filters with the same key select the same
// names. The filters that [Filter.Within] makes of one filter have the same key if they select the
// same names. It is a SHA-256, because each stream keeps one, and a filter can have 12 kB of
// prefixes.
func (f Filter) Key() string {
	digest := sha256.New()
	if f.names != nil {
		fmt.Fprintf(digest, "names %q, part %q", f.names, f.part)
	} else {
		fmt.Fprintf(digest, "prefixes %q, part %q", f.Prefixes().texts, f.part)
	}
	return hex.EncodeToString(digest.Sum(nil))
}

// Matches reports whether the filter selects the name.
func (f Filter) Matches(n Name) bool {
	if !containsPart(n.text, f.part) {
		return false
	}
	if f.names != nil {
		_, found := slices.BinarySearchFunc(f.names, n, Name.Compare)
		return found
	}
	if f.within != nil {
		return Prefixes{f.within}.Contains(n.text)
	}
	return isWithin(n.text, f.prefix)
}

// containsPart reports whether text contains a part that is in lower case, whatever the case of the
// text.
func containsPart(text, part string) bool {
	if part == "" {
		return true
	}
	first, other := part[0], upper(part[0]) // most bytes are neither, which takes no call
	for start := 0; start+len(part) <= len(text); start++ {
		if b := text[start]; b != first && b != other {
			continue
		}
		i := 1
		for i < len(part) && lower(text[start+i]) == part[i] {
			i++
		}
		if i == len(part) {
			return true
		}
	}
	return false
}

func lowerASCII(text string) string {
	b := []byte(text)
	for i := range b {
		b[i] = lower(b[i])
	}
	return string(b)
}

func upper(b byte) byte {
	if 'a' <= b && b <= 'z' {
		return b - 'a' + 'A'
	}
	return b
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
