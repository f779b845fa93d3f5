// Package object holds the Go types of the GraphQL objects that look into the config store. gqlgen
// calls their methods for the selected fields alone, so nothing is copied for the other fields: see
// ADR 0004.
//
// It also has the ids and the cursors of these objects. Clients store both, so their bytes never
// change.
//
// An object is immutable and safe for concurrent use. Its methods read memory, except those that
// take a context: OldValue and TotalCount may read the event store. The package authorises nothing:
// a config store has returned what its objects show.
package object

import (
	"context"
	"math"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// Config is the GraphQL type Config: a config that exists.
type Config struct {
	state *projection.Config
	old   *configstore.OldValues
}

// NewConfig returns the config in a state, nil when there is none or when it is deleted. The old
// value of its revision is read from old, when it is selected; old may be nil if it never is.
func NewConfig(state *projection.Config, old *configstore.OldValues) *Config {
	if state == nil || !state.Exists() {
		return nil
	}
	return &Config{state, old}
}

// IsNode marks an object that can be fetched by its id.
func (*Config) IsNode() {}

// ID returns the global id of the config. It depends on the name alone.
func (c *Config) ID() string { return ConfigID(c.state.Name) }

// Name returns the config's name.
func (c *Config) Name() string { return c.state.Name.String() }

// Value returns the present value.
func (c *Config) Value() string { return c.state.Value.String() }

// Version returns the version of the present value.
func (c *Config) Version() int32 { return version(c.state.Version) }

// Revision returns the change that made the present value.
func (c *Config) Revision() *ConfigRevision { return NewStateRevision(c.state, c.old) }

// CreatedAt returns when the name got its first value.
func (c *Config) CreatedAt() time.Time { return c.state.CreatedAt() }

// UpdatedAt returns when the config last changed.
func (c *Config) UpdatedAt() time.Time { return c.state.UpdatedAt() }

// ConfigName returns the name as a type of the domain.
func (c *Config) ConfigName() config.Name { return c.state.Name }

// Newest returns the version that the history of this state begins with, newest first.
func (c *Config) Newest() config.Version { return c.state.Version }

// ConfigRevision is the GraphQL type ConfigRevision.
type ConfigRevision struct {
	event         config.Event // has the old value only if state is nil
	at, changeSet eventstore.Position
	actor, reason *string

	state *projection.Config     // made by the revision; nil: the event has the old value
	old   *configstore.OldValues // reads the old value of state
}

// NewRevision returns a revision of the history, nil for nil.
func NewRevision(r *eventstore.Revision) *ConfigRevision {
	if r == nil {
		return nil
	}
	shown := newRevision(r)
	return &shown
}

func newRevision(r *eventstore.Revision) ConfigRevision {
	return ConfigRevision{event: r.Event, at: r.Position(), changeSet: r.ChangeSet, actor: r.Actor, reason: r.Reason}
}

// NewStateRevision returns the revision that made a state, nil for nil. The config may be deleted.
// The old value is read from old, when it is selected.
func NewStateRevision(c *projection.Config, old *configstore.OldValues) *ConfigRevision {
	if c == nil {
		return nil
	}
	shown := newStateRevision(c, old)
	return &shown
}

func newStateRevision(c *projection.Config, old *configstore.OldValues) ConfigRevision {
	return ConfigRevision{
		event: c.Event(), at: c.Position(), changeSet: c.ChangeSet(), actor: c.Actor(), reason: c.Reason(),
		state: c, old: old,
	}
}

// NewRevisions returns revisions of the history.
func NewRevisions(revisions []*eventstore.Revision) []ConfigRevision {
	shown := make([]ConfigRevision, len(revisions))
	for i, r := range revisions {
		shown[i] = newRevision(r)
	}
	return shown
}

// IsNode marks an object that can be fetched by its id.
func (*ConfigRevision) IsNode() {}

// ID returns the global id of the revision.
func (r *ConfigRevision) ID() string { return RevisionID(r.at) }

// Name returns the config's name.
func (r *ConfigRevision) Name() string { return r.event.Name.String() }

// Operation returns what the change did.
func (r *ConfigRevision) Operation() config.Operation { return r.event.Operation() }

// Value returns the value after the change, nil for a deletion.
func (r *ConfigRevision) Value() *string { return textIf(r.event.HasValue(), r.event.Value) }

// Erased reports whether the value after the change was there and was erased.
func (r *ConfigRevision) Erased() bool { return r.event.Erased }

// OldValue returns the value before the change, nil when there was none. It reads the event store
// unless the revision IsRecord. The error is one of the config store.
func (r *ConfigRevision) OldValue(ctx context.Context) (*string, error) {
	if r.IsRecord() {
		return r.RecordedOldValue(), nil
	}
	old, err := r.old.Of(ctx, r.state)
	if old == nil {
		return nil, err
	}
	return textIf(true, *old), nil
}

// IsRecord reports whether the revision was read from the event store with its old value, so that
// OldValue reads nothing.
func (r *ConfigRevision) IsRecord() bool { return r.state == nil }

// RecordedOldValue returns the OldValue of a revision that IsRecord.
func (r *ConfigRevision) RecordedOldValue() *string {
	return textIf(r.event.HasOldValue(), r.event.OldValue)
}

// Version returns the config's version after the change.
func (r *ConfigRevision) Version() int32 { return version(r.event.Version) }

// Position returns the position of the change.
func (r *ConfigRevision) Position() eventstore.Position { return r.at }

// ChangeSet returns the position of the last change of the change set.
func (r *ConfigRevision) ChangeSet() eventstore.Position { return r.changeSet }

// CommittedAt returns when the change was committed.
func (r *ConfigRevision) CommittedAt() time.Time { return r.event.At }

// Actor returns who made the change, nil when that is not known.
func (r *ConfigRevision) Actor() *string { return r.actor }

// Reason returns the reason given for the change, nil for none.
func (r *ConfigRevision) Reason() *string { return r.reason }

// ConfigSnapshot is the GraphQL type ConfigSnapshot.
type ConfigSnapshot struct{ *configstore.Snapshot }

// Position returns the position of the snapshot, also when it was asked for by an instant.
func (s *ConfigSnapshot) Position() eventstore.Position { return s.At().Position() }

// CommittedAt returns when that position was committed, nil before the first change.
func (s *ConfigSnapshot) CommittedAt() *time.Time {
	at := s.At()
	if at.Seq == 0 {
		return nil
	}
	return &at.RecordedAt
}

func textIf(present bool, v config.Value) *string {
	if !present {
		return nil
	}
	text := v.String()
	return &text
}

// version returns a version in GraphQL's 32 bits.
func version(v config.Version) int32 { return int32(min(v, math.MaxInt32)) }
