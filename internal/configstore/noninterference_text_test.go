package configstore_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// The methods below write answers as texts that must be the same for both stores.

func text(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

// second returns the step at which something happened. Within one, hidden changes move the time.
func second(at time.Time) int { return int(at.Sub(configstoretest.Epoch) / time.Second) }

func (s *twin) revision(r *eventstore.Revision) string {
	if r == nil {
		return "no revision"
	}
	reverts := "-"
	if r.Reverts != nil {
		reverts = fmt.Sprint(s.Rank(*r.Reverts))
	}
	return fmt.Sprintf("%s of %s to version %d %q from %q (%t) at %d in %d, at %d s, by %s for %s, reverts %s",
		r.Operation(), r.Name, r.Version, r.Value, r.OldValue, r.HasOldValue(), s.Rank(r.Position()), s.Rank(r.ChangeSet), second(r.At),
		text(r.Actor), text(r.Reason), reverts)
}

func (s *twin) revisions(list []*eventstore.Revision) string {
	var b strings.Builder
	for _, r := range list {
		b.WriteString(s.revision(r))
		b.WriteByte('\n')
	}
	return b.String()
}

func (s *twin) state(c *projection.Config, values *configstore.OldValues) string {
	if c == nil {
		return "no config"
	}
	old, err := values.Of(context.Background(), c)
	return fmt.Sprintf("%s at %d in %d has version %d %q, exists: %t, before %v %v, since %d s, %d s, by %s for %s", c.Name, s.Rank(c.Position()),
		s.Rank(c.ChangeSet()), c.Version, c.Value, c.Exists(), old, err, second(c.CreatedAt()), second(c.UpdatedAt()), text(c.Actor()), text(c.Reason()))
}

func (s *twin) states(list []*projection.Config, values *configstore.OldValues) string {
	var b strings.Builder
	for _, c := range list {
		b.WriteString(s.state(c, values))
		b.WriteByte('\n')
	}
	return b.String()
}

func (s *twin) differences(list []configstore.Difference) string {
	var b strings.Builder
	for i := range list {
		d := &list[i]
		fmt.Fprintf(&b, "%s: %s and %s, more: %t\n%s", d.Name, s.state(d.Before, s.Store.OldValue(d.Before)), s.state(d.After, s.Store.OldValue(d.After)),
			d.MoreChanges, s.revisions(d.Changes))
	}
	return b.String()
}
