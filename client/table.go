package client

import (
	"iter"
	"slices"
	"strings"
)

// table is a set of configs by name. It is never changed: with returns another one, which shares
// most of its memory.
type table struct {
	base []*Config // by name
	// delta is what has changed since base, by name. It is kept so short that a change costs about
	// the square root of the size of the table.
	delta []entry
	bytes int64 // of all names and values
}

// entry is what a name has come to.
type entry struct {
	name   string
	config *Config // nil: it is deleted
}

func compareName(c *Config, name string) int { return strings.Compare(c.Name, name) }

func compareEntry(e entry, name string) int { return strings.Compare(e.name, name) }

// lookup returns the config of a name, nil when there is none.
func (t *table) lookup(name string) *Config {
	if i, found := slices.BinarySearchFunc(t.delta, name, compareEntry); found {
		return t.delta[i].config
	}
	if i, found := slices.BinarySearchFunc(t.base, name, compareName); found {
		return t.base[i]
	}
	return nil
}

// with returns the table after changes, which are by name, each name once.
func (t *table) with(changes []entry) *table {
	if len(changes) == 0 {
		return t
	}
	after := &table{base: t.base, bytes: t.bytes}
	for _, e := range changes {
		after.bytes += sizeOf(e.config) - sizeOf(t.lookup(e.name))
	}
	after.delta = merge(t.delta, changes)
	if n := len(after.delta); n > 64 && n*n > 4*len(t.base) {
		after.base, after.delta = slices.Collect(after.all()), nil
	}
	return after
}

// merge returns old entries and new ones, by name. Of two with the same name the new one stays.
func merge(old, changes []entry) []entry {
	merged := make([]entry, 0, len(old)+len(changes))
	for _, e := range changes {
		i, found := slices.BinarySearchFunc(old, e.name, compareEntry)
		merged = append(append(merged, old[:i]...), e)
		if found {
			i++
		}
		old = old[i:]
	}
	return append(merged, old...)
}

// all returns the configs by name.
func (t *table) all() iter.Seq[*Config] {
	return func(yield func(*Config) bool) {
		base := t.base
		for _, e := range t.delta {
			for len(base) > 0 && base[0].Name < e.name {
				if !yield(base[0]) {
					return
				}
				base = base[1:]
			}
			if len(base) > 0 && base[0].Name == e.name {
				base = base[1:]
			}
			if e.config != nil && !yield(e.config) {
				return
			}
		}
		for _, c := range base {
			if !yield(c) {
				return
			}
		}
	}
}

func sizeOf(c *Config) int64 {
	if c == nil {
		return 0
	}
	return int64(len(c.Name) + len(c.Value))
}
