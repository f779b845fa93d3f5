package projection

import (
	"sort"
	"sync"

	"github.com/tidwall/btree"

	"configapi/internal/config"
)

// tree holds states sorted by name. Copying it takes constant time: both copies share nodes until
// one of them changes.
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

// states are the states of all names. Those of deleted configs are apart, so that reads of the
// present cost what exists. A name is in one of the trees at most.
type states struct {
	existing, deleted *tree
}

// noStates has no state, and never gets one.
var noStates = newTree()

func newStates() states { return states{newTree(), newTree()} }

// copy takes constant time. s must not change meanwhile.
func (s states) copy() states { return states{s.existing.Copy(), s.deleted.Copy()} }

func (s states) withoutDeleted() states { return states{s.existing, noStates} }

func (s states) onlyDeleted() states { return states{noStates, s.deleted} }

// len returns how many names have a state.
func (s states) len() int { return s.existing.Len() + s.deleted.Len() }

// get returns the state of a name, or nil if there is none. It allocates nothing.
func (s states) get(name config.Name) *Config {
	if c := find(s.existing, name); c != nil || s.deleted.Len() == 0 {
		return c
	}
	return find(s.deleted, name)
}

// set replaces the state of a name. It returns the one before, or nil if there was none, which
// saves a look-up.
func (s states) set(c *Config) (before *Config) {
	to, other := s.existing, s.deleted
	if !c.Exists() {
		to, other = other, to
	}
	before, _ = to.Set(c)
	if before == nil && other.Len() > 0 {
		before, _ = other.Delete(c)
	}
	return before
}

// load is set for states of new names that come by name: this costs less, and packs them closer.
func (s states) load(c *Config) {
	to := s.existing
	if !c.Exists() {
		to = s.deleted
	}
	to.Load(c)
}

// forget removes the state of a name, if there is one.
func (s states) forget(name config.Name) {
	key := &Config{Name: name}
	s.existing.Delete(key)
	s.deleted.Delete(key)
}

// each visits the states from a name on, in byte order, until yield returns false.
func (s states) each(from string, yield func(*Config) bool) {
	key := &Config{Name: config.NameBound(from)}
	if s.deleted.Len() == 0 {
		s.existing.Ascend(key, yield)
		return
	}
	existing, deleted := s.existing.Iter(), s.deleted.Iter()
	some, someDeleted := existing.Seek(key), deleted.Seek(key)
	for some || someDeleted {
		var c *Config
		if !some || someDeleted && deleted.Item().Name.Compare(existing.Item().Name) < 0 {
			c = deleted.Item()
			someDeleted = deleted.Next()
		} else {
			c = existing.Item()
			some = existing.Next()
		}
		if !yield(c) {
			return
		}
	}
}

// nameAt returns the name with an index in a tree, or "" if the tree is not so large.
func nameAt(t *tree, index int) string {
	c, ok := t.GetAt(index)
	if !ok {
		return ""
	}
	return c.Name.String()
}

// rank returns how many names of a tree sort before a bound. The caller knows that the first known
// names do; the search takes the logarithm of how many more there are.
func rank(t *tree, bound string, known int) int {
	step := 1
	for known+step <= t.Len() && nameAt(t, known+step-1) < bound {
		known += step
		step *= 2
	}
	return known + sort.Search(min(step-1, t.Len()-known), func(i int) bool {
		return nameAt(t, known+i) >= bound
	})
}

// rankNear is [rank] with a guess of the result, from known on: the search takes the logarithm of
// how far off that is.
func rankNear(t *tree, bound string, known, guess int) int {
	end := min(guess, t.Len())
	if end < t.Len() && nameAt(t, end) < bound {
		return rank(t, bound, end+1)
	}
	for step := 1; end > known; step *= 2 {
		probe := max(known, end-step)
		if nameAt(t, probe) < bound {
			return probe + 1 + sort.Search(end-probe-1, func(i int) bool { return nameAt(t, probe+1+i) >= bound })
		}
		end = probe
	}
	return known
}

// countWithin returns how many names a tree has at a prefix and below it. The prefix has no slash
// at its end; "" means all.
func countWithin(t *tree, prefix string) int {
	if prefix == "" || t.Len() == 0 {
		return t.Len()
	}
	n := 0
	if find(t, config.NameBound(prefix)) != nil {
		n = 1
	}
	bound := prefix + "/"
	start := sort.Search(t.Len(), func(i int) bool { return nameAt(t, i) >= bound })
	return n + rank(t, afterBelow(prefix), start) - start
}

// afterBelow returns the bound after all names below a prefix: `0` is the byte after `/`.
func afterBelow(prefix string) string { return prefix + "0" }
