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
	"sync"

	"github.com/tidwall/btree"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// tree holds the states of all names, sorted by name. Copying it takes constant time: both copies
// share nodes until one of them changes.
type tree = btree.BTreeG[*Config]

func newTree() *tree {
	before := func(a, b *Config) bool { return a.Name.Compare(b.Name) < 0 }
	return btree.NewBTreeGOptions(before, btree.Options{NoLocks: true})
}

// keys holds states with only a name, to search for others. The tree makes such a key escape to the
// heap, so the pool keeps reads free of allocations: see TestReadsAllocateNothing.
var keys = sync.Pool{New: func() any { return new(Config) }}

// find returns the state of a name, or nil if the tree has none.
func find(t *tree, name config.Name) *Config {
	key := keys.Get().(*Config)
	key.Name = name
	c, _ := t.Get(key)
	key.Name = config.Name{}
	keys.Put(key)
	return c
}

// View is the state of all names at one position. It never changes and takes no lock, so a reader
// that keeps one sees one moment throughout.
type View struct {
	head     eventstore.Head
	existing int
	configs  *tree // of all names, deleted ones included
}

// Head returns the seq, hash and time of the newest event in the view.
func (v *View) Head() eventstore.Head { return v.head }

// Get returns the state of a name, also of a deleted one, or nil if nothing ever happened to it. It
// allocates nothing.
func (v *View) Get(name config.Name) *Config { return find(v.configs, name) }

// Ascend calls yield for the state of each name that the filter selects, deleted ones included, by
// name in byte order and only for names after after ("" means all), until yield returns false. It
// costs what the filter selects: listed names are looked up, and names that sort between a prefix
// and the names below it are not visited.
func (v *View) Ascend(filter config.Filter, after string, yield func(*Config) bool) {
	if filter.Part() != "" {
		all := yield
		yield = func(c *Config) bool { return !filter.Matches(c.Name) || all(c) }
	}
	if names, listed := filter.Names(); listed {
		v.ascendNames(names, after, yield)
		return
	}
	prefix := filter.Prefix()
	if prefix == "" {
		v.ascend(after, after, yield)
		return
	}
	// `a-b` and `a.b` sort between `a` and `a/b`.
	if prefix > after {
		if c := v.Get(config.NameBound(prefix)); c != nil && !yield(c) {
			return
		}
	}
	below := prefix + "/"
	v.ascend(max(after, below), after, func(c *Config) bool {
		return strings.HasPrefix(c.Name.String(), below) && yield(c)
	})
}

// Count returns how many of the configs that the filter selects have a value. It costs what the
// filter selects.
func (v *View) Count(filter config.Filter) int {
	if filter.All() {
		return v.existing
	}
	n := 0
	v.Ascend(filter, "", func(c *Config) bool {
		n += count(c)
		return true
	})
	return n
}

// ascendNames looks up the names after after.
func (v *View) ascendNames(names []config.Name, after string, yield func(*Config) bool) {
	for _, name := range names {
		if name.String() <= after {
			continue
		}
		if c := v.Get(name); c != nil && !yield(c) {
			return
		}
	}
}

// ascend visits the states from a name on, except that of one name.
func (v *View) ascend(from, except string, yield func(*Config) bool) {
	v.configs.Ascend(&Config{Name: config.NameBound(from)}, func(c *Config) bool {
		return c.Name.String() == except || yield(c)
	})
}
