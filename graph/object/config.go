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

// version returns a version in GraphQL's 32 bits.
func version(v config.Version) int32 { return int32(min(v, math.MaxInt32)) }
