// Package projection is the read model: the present state of every name, in memory, computed from the history alone.
//
// Readers get a [View], which is immutable and complete at one position. A [Projection] makes the next view of the
// events that follow, and a [Follower] brings it the events of a store as they come, whoever wrote them.
package projection

import (
	"time"

	"github.com/tidwall/btree"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// Config is the state of one name after one of its revisions. It is immutable.
type Config struct {
	// Revision is what made the state: a deletion when the config is deleted.
	Revision *eventstore.Revision
	// CreatedAt is when the name got its first value. It stays the same for the life of the name.
	CreatedAt time.Time
}

// Aggregate returns the state as the domain judges commands on it.
func (c *Config) Aggregate() config.Aggregate {
	r := c.Revision
	a := config.Aggregate{Name: r.Name, Value: r.Value, Version: r.Version}
	if r.Type == config.ValueDeleted {
		a.Deleted, a.Value = true, r.OldValue
	}
	return a
}

// Exists tells whether the config has a value.
func (c *Config) Exists() bool { return c.Revision.HasValue() }

// Next returns the state after a revision of the same name; c is nil before the first. A revision that does not follow is
// an error.
func (c *Config) Next(r *eventstore.Revision) (*Config, error) {
	next := &Config{Revision: r, CreatedAt: r.At}
	if err := next.follow(c); err != nil {
		return nil, err
	}
	return next, nil
}

// follow makes the state, which is made of its revision alone, the one that comes after before; nil: after nothing.
func (c *Config) follow(before *Config) error {
	state := config.Aggregate{Name: c.Revision.Name}
	if before != nil {
		state, c.CreatedAt = before.Aggregate(), before.CreatedAt
	}
	_, err := state.Apply(c.Revision.Event)
	return err
}

// View is the state of all names at one position. It never changes, so a reader that holds on to one sees one moment
// throughout; it takes no lock.
type View struct {
	head     eventstore.Head
	existing int
	configs  *btree.Map[string, *Config] // :: name → state, also of deleted ones
}

// Head is the position, hash and time of the newest event in the view.
func (v *View) Head() eventstore.Head { return v.head }

// Existing is how many configs have a value.
func (v *View) Existing() int { return v.existing }

// Get returns the state of a name, also of a deleted one; nil when nothing ever happened to it.
func (v *View) Get(name config.Name) *Config {
	c, _ := v.configs.Get(name.String())
	return c
}

// Ascend calls yield for each state that the filter selects, by name in byte order, also of deleted ones, starting after
// the name after ("" for the first), until yield returns false.
func (v *View) Ascend(filter config.Filter, after string, yield func(*Config) bool) {
	start := max(after, filter.Prefix())
	v.configs.Ascend(start, func(name string, c *Config) bool {
		switch {
		case name == after:
			return true
		case filter.Matches(c.Revision.Name):
			return yield(c)
		default:
			return !past(name, filter.Prefix())
		}
	})
}

// past tells whether no name from here on can begin with prefix.
func past(name, prefix string) bool {
	return name > prefix && (len(name) < len(prefix) || name[:len(prefix)] != prefix)
}
