// Package projection is the read model: the present state of every name, in memory, computed from the history alone.
//
// Readers get a [View], which is immutable and complete at one position. A [Projection] makes the next view of the
// events that follow, and a [Follower] brings it the events of a store as they come, whoever wrote them.
package projection

import (
	"strings"
	"sync"

	"github.com/tidwall/btree"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// tree holds the states of names by name. Copying it takes constant time: both copies share nodes
// until one of them changes.
type tree = btree.BTreeG[*Config]

func newTree() *tree {
	before := func(a, b *Config) bool { return a.Name.Compare(b.Name) < 0 }
	return btree.NewBTreeGOptions(before, btree.Options{NoLocks: true})
}

// keys holds states that have a name alone, to look up others with. They are kept because the tree
// makes them escape, and a read allocates nothing.
var keys = sync.Pool{New: func() any { return new(Config) }}

// find returns the state of a name in a tree, nil if there is none.
func find(t *tree, name config.Name) *Config {
	key := keys.Get().(*Config)
	key.Name = name
	c, _ := t.Get(key)
	key.Name = config.Name{}
	keys.Put(key)
	return c
}

// View is the state of all names at one position. It never changes, so a reader that holds on to one sees one moment
// throughout; it takes no lock.
type View struct {
	head     eventstore.Head
	existing int
	configs  *tree // of all names, also of deleted ones
}

// Head is the position, hash and time of the newest event in the view.
func (v *View) Head() eventstore.Head { return v.head }

// Existing is how many configs have a value.
func (v *View) Existing() int { return v.existing }

// Get returns the state of a name, also of a deleted one; nil when nothing ever happened to it. It
// allocates nothing.
func (v *View) Get(name config.Name) *Config { return find(v.configs, name) }

// Ascend calls yield for each state that the filter selects, by name in byte order, also of deleted
// ones, starting after the name after ("" for the first), until yield returns false. It costs what
// the filter selects: names are looked up, and what sorts between a prefix and the names below it
// is not visited.
func (v *View) Ascend(filter config.Filter, after string, yield func(*Config) bool) {
	if names, listed := filter.Names(); listed {
		v.pick(names, after, yield)
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

// pick looks up names that come after another one.
func (v *View) pick(names []config.Name, after string, yield func(*Config) bool) {
	for _, name := range names {
		if name.String() <= after {
			continue
		}
		if c := v.Get(name); c != nil && !yield(c) {
			return
		}
	}
}

// ascend visits the states from a name on, but for the one of the name except.
func (v *View) ascend(from, except string, yield func(*Config) bool) {
	v.configs.Ascend(&Config{Name: config.NameBound(from)}, func(c *Config) bool {
		return c.Name.String() == except || yield(c)
	})
}
