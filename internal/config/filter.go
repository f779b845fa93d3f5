package config

import (
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
}

// ParseFilter returns the filter for a prefix and a list of names; "" and nil set no condition. The
// prefix stands for whole leading segments: `payments` and `payments/` both select `payments` and
// `payments/timeout`, not `payments2`. An empty list that is not nil selects nothing. The error is
// an [*InvalidError].
func ParseFilter(prefix string, names []string) (Filter, error) {
	f := Filter{prefix: strings.TrimSuffix(prefix, "/")}
	if prefix != "" {
		if rule := brokenNameRule(f.prefix); rule != "" {
			return Filter{}, &InvalidError{Field: "prefix", Rule: rule}
		}
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
		if f.matchesPrefix(text) {
			f.names = append(f.names, Name{text})
		}
	}
	slices.SortFunc(f.names, Name.Compare)
	f.names = slices.Compact(f.names)
	return f, nil
}

// Only returns the filter that selects one name.
func Only(name Name) Filter { return Filter{names: []Name{name}} }

// Prefix returns the leading segments that all selected names share, without a slash at the end; ""
// means any.
func (f Filter) Prefix() string { return f.prefix }

// Names returns the only names that the filter selects, in byte order and each once. listed is
// false when the filter has no list of names. The slice must not be changed.
func (f Filter) Names() (names []Name, listed bool) { return f.names, f.names != nil }

// All reports whether the filter selects every name.
func (f Filter) All() bool { return f.prefix == "" && f.names == nil }

// Matches reports whether the filter selects the name.
func (f Filter) Matches(n Name) bool {
	if f.names != nil {
		_, found := slices.BinarySearchFunc(f.names, n, Name.Compare)
		return found
	}
	return f.matchesPrefix(n.text)
}

func (f Filter) matchesPrefix(text string) bool {
	if f.prefix == "" {
		return true
	}
	rest, ok := strings.CutPrefix(text, f.prefix)
	return ok && (rest == "" || rest[0] == '/')
}
