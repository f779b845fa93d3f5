package config

import (
	"slices"
	"strings"
)

// Prefixes is a set of names: all those below some prefixes. A prefix stands for whole leading
// segments, as in [ParseFilter]: `app/a` is the names `app/a` and `app/a/b`, not `app/ab`; "" is
// all names. The zero Prefixes is the empty set. Two sets of the same names are equal, see
// [Prefixes.Equal].
type Prefixes struct {
	texts []string // in byte order, without a slash at the end, none below another
}

// CheckPrefix returns nil if a text is a prefix: "", or a name that may have a slash at its end.
// The error is an [*InvalidError].
func CheckPrefix(text string) error {
	if text == "" {
		return nil
	}
	if rule := brokenNameRule(strings.TrimSuffix(text, "/")); rule != "" {
		return &InvalidError{Field: "prefix", Rule: rule}
	}
	return nil
}

// Below returns the names below some prefixes, which must be valid: see [CheckPrefix].
func Below(prefixes ...string) Prefixes {
	texts := make([]string, 0, len(prefixes))
	for _, prefix := range prefixes {
		texts = append(texts, strings.TrimSuffix(prefix, "/"))
	}
	slices.Sort(texts)
	all := texts
	texts = texts[:0]
	for _, text := range slices.Compact(all) { // a prefix sorts before those below it
		if !slices.ContainsFunc(texts, func(above string) bool { return isWithin(text, above) }) {
			texts = append(texts, text)
		}
	}
	return Prefixes{texts}
}

// Texts returns the prefixes in byte order, none below another, without a slash at the end. The
// slice must not be changed.
func (p Prefixes) Texts() []string { return p.texts }

// All reports whether every name is in the set.
func (p Prefixes) All() bool { return len(p.texts) == 1 && p.texts[0] == "" }

// Empty reports whether no name is in the set.
func (p Prefixes) Empty() bool { return len(p.texts) == 0 }

// Has reports whether a name is in the set.
func (p Prefixes) Has(n Name) bool { return p.Contains(n.text) }

// Contains reports whether all names below a prefix are in the set. The prefix must be valid.
func (p Prefixes) Contains(prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	for _, text := range p.texts {
		if isWithin(prefix, text) {
			return true
		}
	}
	return false
}

// Equal reports whether two sets have the same names.
func (p Prefixes) Equal(other Prefixes) bool { return slices.Equal(p.texts, other.texts) }

// isWithin reports whether a text is a prefix or below it. The prefix has no slash at its end.
func isWithin(text, prefix string) bool {
	if prefix == "" {
		return true
	}
	rest, ok := strings.CutPrefix(text, prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// Parts calls yield for the parts of a set in the byte order of their names, until yield returns
// false: for each prefix the name that is the prefix itself, and then the names below it. Between
// the two come those prefixes that sort there: `a-b` is after `a` and before `a/c`. The set must
// not be that of all names.
func (p Prefixes) Parts(yield func(prefix string, below bool) bool) {
	open := make([]string, 0, 4) // prefixes whose names below follow later, each within the last
	for _, text := range p.texts {
		for len(open) > 0 && !isBeforeBelow(text, open[len(open)-1]) {
			if !yield(open[len(open)-1], true) {
				return
			}
			open = open[:len(open)-1]
		}
		if !yield(text, false) {
			return
		}
		open = append(open, text)
	}
	for len(open) > 0 {
		if !yield(open[len(open)-1], true) {
			return
		}
		open = open[:len(open)-1]
	}
}

// isBeforeBelow reports whether a text that sorts after a prefix, and is not below it, sorts before
// what is below it.
func isBeforeBelow(text, prefix string) bool {
	rest, longer := strings.CutPrefix(text, prefix)
	return longer && rest[0] < '/'
}

// Within returns the filter that selects what f selects within a set of names. Names of the set
// that f does not select make no difference to it.
func (f Filter) Within(set Prefixes) Filter {
	switch {
	case set.All():
		return f
	case f.names != nil:
		f.names = slices.DeleteFunc(slices.Clone(f.names), func(n Name) bool { return !set.Has(n) })
		return f
	case f.within == nil && set.Contains(f.prefix):
		return f
	}
	both := f.Prefixes().and(set)
	f.within = nil
	switch len(both.texts) {
	case 0:
		return Filter{names: []Name{}}
	case 1:
		f.prefix = both.texts[0]
	default:
		f.within = both.texts
	}
	return f
}

// and returns the names that are in both sets.
func (p Prefixes) and(other Prefixes) Prefixes {
	if len(p.texts) == 1 {
		return other.Inside(p.texts[0])
	}
	var texts []string
	for _, prefix := range p.texts {
		texts = append(texts, other.Inside(prefix).texts...)
	}
	slices.Sort(texts) // what is below `a` can come after what is below `a-b`
	return Prefixes{texts}
}

// Inside returns those names of the set that are below a valid prefix.
func (p Prefixes) Inside(prefix string) Prefixes {
	prefix = strings.TrimSuffix(prefix, "/")
	switch {
	case p.Contains(prefix):
		return Prefixes{[]string{prefix}}
	case prefix == "":
		return p
	}
	first, _ := slices.BinarySearch(p.texts, prefix+"/")
	last := first
	for last < len(p.texts) && isWithin(p.texts[last], prefix) {
		last++
	}
	return Prefixes{p.texts[first:last:last]}
}
