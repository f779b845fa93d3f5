package projection

import (
	"strings"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// Config is the state of one name after its newest revision. It is immutable.
//
// There is one for every name that was ever set, so it holds only what reads of the present need:
// neither the value before the revision nor the value of a deleted config. Its texts have memory of
// their own, so it keeps no record, no request and no other config in memory. A name of 40 bytes
// with a value of 64 takes about 210 bytes in all: see BenchmarkMemory.
type Config struct {
	Name    config.Name
	Value   config.Value // zero while the config is deleted
	Version config.Version
	Seq     eventstore.Seq // of the newest revision

	updatedAt, createdAt int64 // microseconds since 1970
	details              *details
	hash                 [4]byte // the first bytes of the newest revision's hash
	kind                 kind
	erased               bool // Value was erased; only a state of the past has that
}

// details are properties that few revisions have. They are nil for a config whose newest revision
// has none, which saves memory: see BenchmarkMemory.
type details struct {
	changeSet     eventstore.Position
	reverts       *eventstore.Position
	actor, reason *string
}

// kind is the type of the newest revision, as an index into types. It takes one byte: see
// BenchmarkMemory.
type kind uint8

const (
	set kind = iota
	deleted
	restored
)

var types = [...]config.EventType{set: config.ValueSet, deleted: config.ValueDeleted, restored: config.ValueRestored}

// newConfig returns the state after the first revision of a name. It uses the details of another
// revision, which may be nil, if they are the same.
func newConfig(r *eventstore.Revision, other *details) *Config {
	at := r.At.UnixMicro()
	c := &Config{
		Name: r.Name, Value: own(r.Value), Version: r.Version, Seq: r.Seq,
		updatedAt: at, createdAt: at,
		hash: r.Position().Prefix, erased: r.Erased,
	}
	switch r.Type {
	case config.ValueDeleted:
		c.kind, c.Value = deleted, config.Value{}
	case config.ValueRestored:
		c.kind = restored
	}
	switch {
	case r.EndsChangeSet() && r.Actor == nil && r.Reason == nil && r.Reverts == nil:
	case other.are(r):
		c.details = other
	default:
		c.details = &details{r.ChangeSet, r.Reverts, clone(r.Actor), clone(r.Reason)}
	}
	return c
}

// sharedValue is the length from which a value shares the memory of its revision. Those of records
// and of requests are hardly longer, and the feed keeps the revision anyway.
const sharedValue = 64 << 10

// own returns a value that keeps no more in memory than itself.
func own(v config.Value) config.Value {
	if len(v.String()) >= sharedValue {
		return v
	}
	return v.Clone()
}

// are reports whether the details are those of a revision: nil never are. All revisions of a change
// set have the same ones.
func (d *details) are(r *eventstore.Revision) bool {
	return d != nil && d.changeSet == r.ChangeSet && equal(d.reverts, r.Reverts) && equal(d.actor, r.Actor) && equal(d.reason, r.Reason)
}

// equal reports whether both are nil or point to equal values.
func equal[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func clone(text *string) *string {
	if text == nil {
		return nil
	}
	own := strings.Clone(*text)
	return &own
}

// Aggregate returns the state on which the domain decides commands. It lacks the value of a deleted
// config.
func (c *Config) Aggregate() config.Aggregate {
	return config.Aggregate{Name: c.Name, Value: c.Value, Version: c.Version, Deleted: c.kind == deleted}
}

// Exists reports whether the config has a value.
func (c *Config) Exists() bool { return c.kind != deleted }

// Erased reports whether the config had a value that was erased since: a state of the past can have
// that, the present one cannot.
func (c *Config) Erased() bool { return c.erased }

// Event returns the event of the newest revision, without the value before it.
func (c *Config) Event() config.Event {
	return config.Event{Type: types[c.kind], Name: c.Name, Version: c.Version, Value: c.Value, At: c.UpdatedAt(), Erased: c.erased}
}

// Position returns the position of the newest revision.
func (c *Config) Position() eventstore.Position {
	return eventstore.Position{Seq: c.Seq, Prefix: c.hash}
}

// ChangeSet returns the position of the last event in the newest revision's change set.
func (c *Config) ChangeSet() eventstore.Position {
	if c.details != nil {
		return c.details.changeSet
	}
	return c.Position()
}

// Actor returns the caller that made the newest revision, or nil if it was made without
// authentication.
func (c *Config) Actor() *string {
	if c.details == nil {
		return nil
	}
	return c.details.actor
}

// Reason returns the reason of the newest revision, or nil if none was given.
func (c *Config) Reason() *string {
	if c.details == nil {
		return nil
	}
	return c.details.reason
}

// Reverts returns the change set that the newest revision's change set undoes, or nil if it undoes
// none, or more than one.
func (c *Config) Reverts() *eventstore.Position {
	if c.details == nil {
		return nil
	}
	return c.details.reverts
}

// CreatedAt returns when the name got its first value. It never changes.
func (c *Config) CreatedAt() time.Time { return time.UnixMicro(c.createdAt).UTC() }

// UpdatedAt returns when the newest revision was made.
func (c *Config) UpdatedAt() time.Time { return time.UnixMicro(c.updatedAt).UTC() }

// CheckNext returns nil if an event can follow the state c, which is nil before the first event of
// a name.
func (c *Config) CheckNext(e config.Event) error {
	state := config.Aggregate{Name: e.Name}
	if c != nil {
		state = c.Aggregate()
	}
	_, err := state.Apply(e)
	return err
}

// Next returns the state after a revision of the same name; c is nil before the first one.
// [Config.CheckNext] has found that the revision can follow.
func (c *Config) Next(r *eventstore.Revision) *Config {
	next := newConfig(r, nil)
	next.continueFrom(c)
	return next
}

// AsOf returns the state of the config right after an older revision of the same name.
func (c *Config) AsOf(r *eventstore.Revision) *Config {
	then := newConfig(r, nil)
	then.Name, then.createdAt = c.Name, c.createdAt
	return then
}

// continueFrom completes a state that newConfig has made of an event: it takes over from before,
// which is nil for a first event, what does not change.
func (c *Config) continueFrom(before *Config) {
	if before != nil {
		c.Name, c.createdAt = before.Name, before.createdAt
	} else {
		c.Name = c.Name.Clone()
	}
}
