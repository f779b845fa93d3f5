package projection

import (
	"sort"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// changes are the newest changes, oldest first. Copies share memory: the elements that a copy has
// never change, and those that are added to the newest copy come after them.
type changes struct {
	after  eventstore.Seq // all changes after it are there
	newest []change
}

// change is one change of a config: it has replaced the revision at the seq before, or none (0).
type change struct {
	name        config.Name
	seq, before eventstore.Seq
}

// At least keptChanges changes are kept. With many names they are a part of their number: to carry
// an [Order] over more changes costs as much as to make it anew.
const (
	keptChanges = 1024
	keptPart    = 32
)

// add adds the change that leads from the state before, or nil, to after.
func (c *changes) add(after, before *Config) {
	one := change{name: after.Name, seq: after.Seq}
	if before != nil {
		one.before = before.Seq
	}
	c.newest = append(c.newest, one)
}

// trim drops the oldest changes when there are twice as many as are kept with a number of names.
func (c *changes) trim(names int) {
	keep := max(keptChanges, names/keptPart)
	drop := len(c.newest) - keep
	if drop < keep {
		return
	}
	c.after = c.newest[drop-1].seq
	// A batch has less than 2 * config.MaxChanges changes: with space for those it is not copied as
	// it grows.
	c.newest = append(make([]change, 0, 2*(keep+config.MaxChanges)), c.newest[drop:]...)
}

// between returns the changes after a seq, up to another one. ok is false when not all of them are
// there.
func (c *changes) between(after, last eventstore.Seq) (list []change, ok bool) {
	if after < c.after {
		return nil, false
	}
	end := func(seq eventstore.Seq) int {
		return sort.Search(len(c.newest), func(i int) bool { return c.newest[i].seq > seq })
	}
	return c.newest[end(after):end(last)], true
}

// ChangedSince reports whether a config that the filter selects has changed after a seq. It costs
// what the history has after the seq. When that is more than the projection keeps, it reports true.
func (v *View) ChangedSince(seq eventstore.Seq, filter config.Filter) bool {
	later, all := v.changes.between(seq, v.head.Seq)
	if !all {
		return true
	}
	for i := range later {
		if filter.Matches(later[i].name) {
			return true
		}
	}
	return false
}
