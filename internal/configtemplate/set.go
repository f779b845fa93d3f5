package configtemplate

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// Set holds configs of one position. It never changes.
type Set struct {
	position string
	names    []string          // sorted
	values   map[string]string // :: name → value
}

// NewSet returns the set of configs with their values.
func NewSet(position string, configs iter.Seq2[string, string]) *Set {
	values := maps.Collect(configs)
	return &Set{position, slices.Sorted(maps.Keys(values)), values}
}

// Position returns the position of which the configs are.
func (s *Set) Position() string { return s.position }

// Entry is a config below a prefix.
type Entry struct {
	Name  string // as get takes it
	Key   string // what follows the prefix
	Value string
}

// below returns the names below a prefix, which may end with a slash, and where what follows the
// prefix begins in them.
func (s *Set) below(prefix string) (names []string, cut int) {
	if prefix = strings.TrimSuffix(prefix, "/"); prefix == "" {
		return s.names, 0
	}
	begin, _ := slices.BinarySearch(s.names, prefix+"/")
	end, _ := slices.BinarySearch(s.names, prefix+"0") // 0 follows / in ASCII
	return s.names[begin:end], len(prefix) + 1
}

// list returns the configs below a prefix, by name.
func (s *Set) list(prefix string) []Entry {
	names, cut := s.below(prefix)
	entries := make([]Entry, len(names))
	for i, name := range names {
		entries[i] = Entry{name, name[cut:], s.values[name]}
	}
	return entries
}

// children returns the segments that directly follow a prefix, sorted.
func (s *Set) children(prefix string) []string {
	names, cut := s.below(prefix)
	segments := []string{}
	for _, name := range names {
		segment, _, _ := strings.Cut(name[cut:], "/")
		segments = append(segments, segment)
	}
	slices.Sort(segments) // a/b comes after a-b, and a before it
	return slices.Compact(segments)
}

// tree returns the configs below a prefix as maps, one for each level of names. conflict is a name
// that is a config and has others below it, which a map cannot hold.
func (s *Set) tree(prefix string) (root map[string]any, conflict string) {
	root = map[string]any{}
	names, cut := s.below(prefix)
	for _, name := range names {
		level, rest := root, name[cut:]
		for {
			segment, after, deeper := strings.Cut(rest, "/")
			if !deeper {
				level[segment] = s.values[name]
				break
			}
			next, is := level[segment].(map[string]any)
			if !is {
				if _, taken := level[segment]; taken { // a config sorts before what is below it
					return nil, name[:len(name)-len(after)-1]
				}
				next = map[string]any{}
				level[segment] = next
			}
			level, rest = next, after
		}
	}
	return root, ""
}
