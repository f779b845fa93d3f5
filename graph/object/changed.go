package object

import (
	"sync"

	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

// ConfigsChanged is the GraphQL type ConfigsChanged.
type ConfigsChanged struct {
	Unchanged []string
	Position  eventstore.Position
	DryRun    bool
	revisions func() []ConfigRevision // always the same ones
}

// NewConfigsChanged returns the outcome of a change set. Its revisions are made when they are
// selected.
func NewConfigsChanged(out configstore.SetOutcome) ConfigsChanged {
	changed := ConfigsChanged{Unchanged: make([]string, len(out.Unchanged)), Position: out.Position, DryRun: out.DryRun}
	for i, name := range out.Unchanged {
		changed.Unchanged[i] = name.String()
	}
	changed.revisions = sync.OnceValue(func() []ConfigRevision {
		if out.DryRun {
			return newPlannedRevisions(out.Revisions)
		}
		return NewRevisions(out.Revisions)
	})
	return changed
}

// IsApplyConfigsResult marks a member of the union ApplyConfigsResult.
func (ConfigsChanged) IsApplyConfigsResult() {}

// Revisions returns the changes, in the order of the set.
func (c *ConfigsChanged) Revisions() []ConfigRevision { return c.revisions() }
