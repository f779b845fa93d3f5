// Package projection is the read model: the present state of every name, in memory, computed from
// the history alone.
//
// Readers get a [View], which is immutable and complete at one position. A [Projection] makes the
// next view from the events that follow, and a [Follower] reads those events from a store,
// whichever node has written them. The package keeps no old values and no values of deleted
// configs: those are in the event store. It does not authorise.
package projection

import (
	"strings"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// View is the state of all names at one position. It never changes and takes no lock, so a reader
// that keeps one sees one moment throughout.
type View struct {
	head    eventstore.Head
	states  states
	byHash  *hashIndex // of a view that is as new as this one or newer; nil: none
	changes changes    // the newest ones, up to the head

	streams  *streams
	secrets  *secrets
	stamp    *auth.Stamp // of secrets
	closedAt time.Time
	erasures *erasures
	counts   counts
}

// Head returns the seq, hash and time of the newest event in the view.
func (v *View) Head() eventstore.Head { return v.head }

// Get returns the state of a name, also of a deleted one, or nil if nothing ever happened to it. It
// allocates nothing.
func (v *View) Get(name config.Name) *Config {
	if v.byHash != nil {
		if c := v.byHash.get(name); c == nil || c.Seq <= v.head.Seq {
			return c
		}
	}
	return v.states.get(name) // the name has changed since, or there is no hash index
}

// Ascend calls yield for the state of each name that the filter selects, deleted ones included, by
// name in byte order and only for names after after ("" means all), until yield returns false.
//
// Listed names are looked up, and names that sort between prefixes and the names below them are not
// visited. A filter with a part looks at all names that it selects without the part.
func (v *View) Ascend(filter config.Filter, after string, yield func(*Config) bool) {
	v.states.ascend(filter, after, yield)
}

// AscendExisting is [View.Ascend] without the states of deleted configs, which it does not visit.
func (v *View) AscendExisting(filter config.Filter, after string, yield func(*Config) bool) {
	v.states.withoutDeleted().ascend(filter, after, yield)
}

// AscendDeleted is [View.Ascend] for the states of deleted configs alone.
func (v *View) AscendDeleted(filter config.Filter, after string, yield func(*Config) bool) {
	v.states.onlyDeleted().ascend(filter, after, yield)
}

// Count returns how many of the configs that the filter selects exist. For each prefix of the
// filter it takes the logarithm of how many there are in all; of several prefixes, the counts are
// kept. A filter with a part looks at all names that it selects without the part.
func (v *View) Count(filter config.Filter) int {
	if prefixes := filter.Prefixes().Texts(); len(prefixes) > 1 && filter.Part() == "" {
		return v.counts.of(v.states.existing, prefixes)
	}
	return v.states.withoutDeleted().count(filter)
}

// CountDeleted returns how many deleted configs the filter selects. It costs what [View.Count]
// does.
func (v *View) CountDeleted(filter config.Filter) int { return v.states.onlyDeleted().count(filter) }

// count returns how many states the filter selects.
func (s states) count(filter config.Filter) (n int) {
	if _, listed := filter.Names(); !listed && filter.Part() == "" {
		for _, prefix := range filter.Prefixes().Texts() {
			n += countWithin(s.existing, prefix) + countWithin(s.deleted, prefix)
		}
		return n
	}
	s.ascend(filter, "", func(*Config) bool {
		n++
		return true
	})
	return n
}

// ascend visits the states that the filter selects.
func (s states) ascend(filter config.Filter, after string, yield func(*Config) bool) {
	if filter.Part() != "" {
		selected := yield
		yield = func(c *Config) bool { return !filter.Matches(c.Name) || selected(c) }
	}
	if names, listed := filter.Names(); listed {
		s.ascendNames(names, after, yield)
		return
	}
	prefixes := filter.Prefixes()
	if prefixes.All() {
		s.ascendFrom(after, after, yield)
		return
	}
	for prefix, below := range prefixes.Parts {
		switch {
		case below && !s.ascendBelow(prefix, after, yield):
			return
		case below || prefix <= after:
		default:
			if c := s.get(config.NameBound(prefix)); c != nil && !yield(c) {
				return
			}
		}
	}
}

// ascendBelow visits the states of the names below a prefix. It reports whether yield wants more.
func (s states) ascendBelow(prefix, after string, yield func(*Config) bool) (more bool) {
	if after > prefix && after >= afterBelow(prefix) {
		return true
	}
	more = true
	s.ascendFrom(max(after, prefix+"/"), after, func(c *Config) bool {
		if !isBelow(c.Name.String(), prefix) {
			return false
		}
		more = yield(c)
		return more
	})
	return more
}

// ascendNames looks up the names after after.
func (s states) ascendNames(names []config.Name, after string, yield func(*Config) bool) {
	for _, name := range names {
		if name.String() <= after {
			continue
		}
		if c := s.get(name); c != nil && !yield(c) {
			return
		}
	}
}

// ascendFrom visits the states from a name on, except that of one name.
func (s states) ascendFrom(from, except string, yield func(*Config) bool) {
	s.each(from, func(c *Config) bool { return c.Name.String() == except || yield(c) })
}

// isBelow reports whether a name is below a prefix, which has no slash at its end.
func isBelow(name, prefix string) bool {
	return len(name) > len(prefix) && name[len(prefix)] == '/' && strings.HasPrefix(name, prefix)
}
