package projection

import (
	"hash/maphash"
	"sync/atomic"

	"configapi/internal/config"
)

// hashIndex has the newest state of every name, deleted configs included. A look-up reads memory in
// a few places, where one in the trees reads it in some thirty: see BenchmarkGet. All views of a
// projection share it. One goroutine at a time may change it; readers take no lock.
//
// It is a hash table with open addressing and 8 bytes a slot. No name is ever removed.
type hashIndex struct {
	seed  maphash.Seed
	slots atomic.Pointer[[]slot] // as many as a power of two; two thirds at most are used
	used  int
}

type slot = atomic.Pointer[Config]

// minSlots is how many slots a hash index has at first.
const minSlots = 64

func newHashIndex() *hashIndex {
	x := &hashIndex{seed: maphash.MakeSeed()}
	slots := make([]slot, minSlots)
	x.slots.Store(&slots)
	return x
}

// get returns the newest state of a name, or nil if nothing ever happened to it. It allocates
// nothing.
func (x *hashIndex) get(name config.Name) *Config { return x.slot(*x.slots.Load(), name).Load() }

// set replaces the states of names.
func (x *hashIndex) set(states []*Config) {
	slots := x.grow(len(states))
	for _, c := range states {
		if s := x.slot(slots, c.Name); s.Swap(c) == nil {
			x.used++
		}
	}
}

// slot returns the slot that has the state of a name, or else the one that is free for it.
func (x *hashIndex) slot(slots []slot, name config.Name) *slot {
	last := uint64(len(slots) - 1)
	for i := maphash.String(x.seed, name.String()); ; i++ {
		s := &slots[i&last]
		if c := s.Load(); c == nil || c.Name == name {
			return s
		}
	}
}

// grow returns slots for so many more names.
func (x *hashIndex) grow(more int) []slot {
	old := *x.slots.Load()
	size := len(old)
	for (x.used+more)*3 > size*2 {
		size *= 2
	}
	if size == len(old) {
		return old
	}
	slots := make([]slot, size)
	for i := range old {
		if c := old[i].Load(); c != nil {
			x.slot(slots, c.Name).Store(c)
		}
	}
	x.slots.Store(&slots)
	return slots
}
