package object

import (
	"context"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// ConfigRevision is the GraphQL type ConfigRevision.
type ConfigRevision struct {
	event         config.Event // has the old value only if state is nil
	at, changeSet eventstore.Position
	actor, reason *string
	reverts       *eventstore.Position
	planned       string // the id of a revision that a dry run has made up; "": the revision exists

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
	return ConfigRevision{event: r.Event, at: r.Position(), changeSet: r.ChangeSet, actor: r.Actor, reason: r.Reason, reverts: r.Reverts}
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
		event: c.Event(), at: c.Position(), changeSet: c.ChangeSet(), actor: c.Actor(), reason: c.Reason(), reverts: c.Reverts(),
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

// newPlannedRevisions returns the revisions that a dry run has made up. Each has an id of its own,
// by which nothing can be fetched.
func newPlannedRevisions(revisions []*eventstore.Revision) []ConfigRevision {
	shown := NewRevisions(revisions)
	for i := range shown {
		shown[i].planned = plannedID()
	}
	return shown
}

// IsNode marks an object that can be fetched by its id.
func (*ConfigRevision) IsNode() {}

// ID returns the global id of the revision.
func (r *ConfigRevision) ID() string {
	if r.planned != "" {
		return r.planned
	}
	return RevisionID(r.at)
}

// ConfigID returns the global id of the config that the revision changed.
func (r *ConfigRevision) ConfigID() string { return ConfigID(r.event.Name) }

// ConfigName returns the config's name as a type of the domain.
func (r *ConfigRevision) ConfigName() config.Name { return r.event.Name }

// Name returns the config's name.
func (r *ConfigRevision) Name() string { return r.event.Name.String() }

// Operation returns what the change did.
func (r *ConfigRevision) Operation() config.Operation { return r.event.Operation() }

// Value returns the value after the change, nil for a deletion.
func (r *ConfigRevision) Value() *string { return textIf(r.event.HasValue(), r.event.Value) }

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

// Reverts returns the change set that the change undoes, nil when it undoes none.
func (r *ConfigRevision) Reverts() *eventstore.Position { return r.reverts }

// Erased reports whether the value after the change was erased for good.
func (r *ConfigRevision) Erased() bool { return r.event.Erased }

func textIf(present bool, v config.Value) *string {
	if !present {
		return nil
	}
	text := v.String()
	return &text
}
