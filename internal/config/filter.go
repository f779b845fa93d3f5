package config

import (
	"fmt"
	"strings"
)

// MaxFilterNames is how many names one filter may list.
const MaxFilterNames = 100

// Filter selects configs by name. All its conditions must hold; the zero Filter selects all.
type Filter struct {
	prefix string        // whole leading segments, without the last slash; "" is no condition
	names  map[Name]bool // nil is no condition
}

// ParseFilter makes a filter of a prefix and a list of names; "" and nil are no condition. The prefix stands for whole
// leading segments: `payments` and `payments/` both select `payments` and `payments/timeout`, not `payments2`. An empty
// list that is not nil selects nothing. The error is an [*InvalidError].
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
	f.names = make(map[Name]bool, len(names))
	for i, text := range names {
		if rule := brokenNameRule(text); rule != "" {
			return Filter{}, &InvalidError{Field: fmt.Sprintf("names[%d]", i), Rule: rule}
		}
		f.names[Name{text}] = true
	}
	return f, nil
}

// Prefix returns the leading segments that all selected names share, without a slash at the end; "" when any may.
func (f Filter) Prefix() string { return f.prefix }

// All tells whether the filter selects every name.
func (f Filter) All() bool { return f.prefix == "" && f.names == nil }

// Matches tells whether the filter selects the name.
func (f Filter) Matches(n Name) bool {
	return f.matchesPrefix(n.text) && (f.names == nil || f.names[n])
}

func (f Filter) matchesPrefix(text string) bool {
	if f.prefix == "" {
		return true
	}
	rest, ok := strings.CutPrefix(text, f.prefix)
	return ok && (rest == "" || rest[0] == '/')
}
