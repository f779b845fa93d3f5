// Package object holds the Go types of those GraphQL objects that look into the config store: gqlgen calls their methods for
// just the fields that a query asks for, so nothing is copied for the others.
package object

import (
	"math"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// Config is the GraphQL type Config: a config that exists.
type Config struct{ state *projection.Config }

// NewConfig returns a state as GraphQL shows it: nil when there is none, or when the config is deleted.
func NewConfig(state *projection.Config) *Config {
	if state == nil || !state.Exists() {
		return nil
	}
	return &Config{state}
}

// IsNode marks an object that can be fetched by its id.
func (*Config) IsNode() {}

// ID is the same for the life of the name.
func (c *Config) ID() string { return ConfigID(c.state.Revision.Name) }

// Name is the config's name.
func (c *Config) Name() string { return c.state.Revision.Name.String() }

// Value is its value.
func (c *Config) Value() string { return c.state.Revision.Value.String() }

// Version counts its changes from 1.
func (c *Config) Version() int32 { return version(c.state.Revision.Version) }

// Revision is the change that made its value.
func (c *Config) Revision() *ConfigRevision { return NewRevision(c.state.Revision) }

// CreatedAt is when the name got its first value.
func (c *Config) CreatedAt() time.Time { return c.state.CreatedAt }

// UpdatedAt is when it last changed.
func (c *Config) UpdatedAt() time.Time { return c.state.Revision.At }

// ConfigName is the name as the domain has it.
func (c *Config) ConfigName() config.Name { return c.state.Revision.Name }

// Newest is the version that the history of this state begins with, newest first.
func (c *Config) Newest() config.Version { return c.state.Revision.Version }

// ConfigRevision is the GraphQL type ConfigRevision.
type ConfigRevision struct{ revision *eventstore.Revision }

// NewRevision returns a revision as GraphQL shows it, nil for nil.
func NewRevision(r *eventstore.Revision) *ConfigRevision {
	if r == nil {
		return nil
	}
	return &ConfigRevision{r}
}

// NewRevisions returns revisions as GraphQL shows them.
func NewRevisions(revisions []*eventstore.Revision) []ConfigRevision {
	shown := make([]ConfigRevision, len(revisions))
	for i, r := range revisions {
		shown[i] = ConfigRevision{r}
	}
	return shown
}

// IsNode marks an object that can be fetched by its id.
func (*ConfigRevision) IsNode() {}

// ID is that of this revision alone.
func (r *ConfigRevision) ID() string { return RevisionID(r.revision.Bookmark()) }

// Name is the config's name.
func (r *ConfigRevision) Name() string { return r.revision.Name.String() }

// Operation is what the change did.
func (r *ConfigRevision) Operation() config.Operation { return r.revision.Operation() }

// Value is the value after the change, nil when it was a deletion.
func (r *ConfigRevision) Value() *string {
	return textIf(r.revision.HasValue(), r.revision.Value)
}

// OldValue is the value before the change, nil when there was none.
func (r *ConfigRevision) OldValue() *string {
	return textIf(r.revision.HasOldValue(), r.revision.OldValue)
}

// Version is the config's version after the change.
func (r *ConfigRevision) Version() int32 { return version(r.revision.Version) }

// Position is where the change stands in the history.
func (r *ConfigRevision) Position() eventstore.Bookmark { return r.revision.Bookmark() }

// ChangeSet is the position of the last of the changes that were applied together with this one.
func (r *ConfigRevision) ChangeSet() eventstore.Bookmark { return r.revision.ChangeSet }

// CommittedAt is when it was committed.
func (r *ConfigRevision) CommittedAt() time.Time { return r.revision.At }

// Actor is who made it, nil when that is not known.
func (r *ConfigRevision) Actor() *string { return r.revision.Actor }

// Reason is why, nil when no reason was given.
func (r *ConfigRevision) Reason() *string { return r.revision.Reason }

func textIf(present bool, v config.Value) *string {
	if !present {
		return nil
	}
	text := v.String()
	return &text
}

// version is a version in GraphQL's 32 bits.
func version(v config.Version) int32 { return int32(min(v, math.MaxInt32)) }
