// Package object holds the Go types of those GraphQL objects that look into the config store: gqlgen calls their methods for
// just the fields that a query asks for, so nothing is copied for the others.
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

// NewConfig returns a state as GraphQL shows it: nil when there is none, or when the config is
// deleted. The value before it comes from old.
func NewConfig(state *projection.Config, old *configstore.OldValues) *Config {
	if state == nil || !state.Exists() {
		return nil
	}
	return &Config{state, old}
}

// IsNode marks an object that can be fetched by its id.
func (*Config) IsNode() {}

// ID is the same for the life of the name.
func (c *Config) ID() string { return ConfigID(c.state.Name) }

// Name is the config's name.
func (c *Config) Name() string { return c.state.Name.String() }

// Value is its value.
func (c *Config) Value() string { return c.state.Value.String() }

// Version counts its changes from 1.
func (c *Config) Version() int32 { return version(c.state.Version) }

// Revision is the change that made its value.
func (c *Config) Revision() *ConfigRevision { return NewStateRevision(c.state, c.old) }

// CreatedAt is when the name got its first value.
func (c *Config) CreatedAt() time.Time { return c.state.CreatedAt() }

// UpdatedAt is when it last changed.
func (c *Config) UpdatedAt() time.Time { return c.state.UpdatedAt() }

// ConfigName is the name as the domain has it.
func (c *Config) ConfigName() config.Name { return c.state.Name }

// Newest is the version that the history of this state begins with, newest first.
func (c *Config) Newest() config.Version { return c.state.Version }

// ConfigRevision is the GraphQL type ConfigRevision.
type ConfigRevision struct {
	event         config.Event // without the old value when that is still to be read
	at, changeSet eventstore.Position
	actor, reason *string

	state *projection.Config     // whose newest revision this is; nil: the event has the old value
	old   *configstore.OldValues // of the state
}

// NewRevision returns a revision of the history as GraphQL shows it, nil for nil.
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

// NewStateRevision returns the newest revision of a config, which may be deleted, as GraphQL shows
// it; nil for nil. The value before it comes from old, and is read only if it is asked for.
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

// NewRevisions returns revisions of the history as GraphQL shows them.
func NewRevisions(revisions []*eventstore.Revision) []ConfigRevision {
	shown := make([]ConfigRevision, len(revisions))
	for i, r := range revisions {
		shown[i] = newRevision(r)
	}
	return shown
}

// IsNode marks an object that can be fetched by its id.
func (*ConfigRevision) IsNode() {}

// ID is that of this revision alone.
func (r *ConfigRevision) ID() string { return RevisionID(r.at) }

// Name is the config's name.
func (r *ConfigRevision) Name() string { return r.event.Name.String() }

// Operation is what the change did.
func (r *ConfigRevision) Operation() config.Operation { return r.event.Operation() }

// Value is the value after the change, nil when it was a deletion.
func (r *ConfigRevision) Value() *string { return textIf(r.event.HasValue(), r.event.Value) }

// OldValue is the value before the change, nil when there was none.
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

// IsRecord reports whether the revision was read from the history together with the value before it,
// so that OldValue reads nothing.
func (r *ConfigRevision) IsRecord() bool { return r.state == nil }

// RecordedOldValue is OldValue of a revision that IsRecord.
func (r *ConfigRevision) RecordedOldValue() *string {
	return textIf(r.event.HasOldValue(), r.event.OldValue)
}

// Version is the config's version after the change.
func (r *ConfigRevision) Version() int32 { return version(r.event.Version) }

// Position is where the change stands in the history.
func (r *ConfigRevision) Position() eventstore.Position { return r.at }

// ChangeSet is the position of the last of the changes that were applied together with this one.
func (r *ConfigRevision) ChangeSet() eventstore.Position { return r.changeSet }

// CommittedAt is when it was committed.
func (r *ConfigRevision) CommittedAt() time.Time { return r.event.At }

// Actor is who made it, nil when that is not known.
func (r *ConfigRevision) Actor() *string { return r.actor }

// Reason is why, nil when no reason was given.
func (r *ConfigRevision) Reason() *string { return r.reason }

func textIf(present bool, v config.Value) *string {
	if !present {
		return nil
	}
	text := v.String()
	return &text
}

// version is a version in GraphQL's 32 bits.
func version(v config.Version) int32 { return int32(min(v, math.MaxInt32)) }
