package configstoretest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// Sets draws change sets, applies them, and compares what they come to with a plain map. It is the
// only writer of its names.
type Sets struct {
	// Draw returns a number from 0 to n-1.
	Draw func(n int) int
	// Names are those that the sets change.
	Names []string

	states    map[string]modelled
	positions []eventstore.Position // before the first set, and after each so far
}

// modelled is the state of one name.
type modelled struct {
	version int // 0: nothing happened to it
	exists  bool
	value   string // the last one when it does not exist
	set     int    // the number of the set that changed it last
}

// Step applies one set, first as a dry run, and returns how the answers differ from the model or
// from one another.
func (m *Sets) Step(ctx context.Context, store *configstore.Store) error {
	if m.states == nil {
		reader, err := store.Reader(auth.Anonymous)
		if err != nil {
			return err
		}
		m.states = make(map[string]modelled)
		m.positions = []eventstore.Position{reader.Head().Position()}
	}
	set, seen := m.draw()
	want := m.decide(set, seen)
	dry := set
	dry.DryRun = true
	said, dryErr := store.Apply(ctx, auth.Anonymous, dry)
	done, err := store.Apply(ctx, auth.Anonymous, set)
	for _, problem := range []error{
		want.compare(said, dryErr), want.compare(done, err), sameOutcome(said, done, m.positions[len(m.positions)-1]),
	} {
		if problem != nil {
			return fmt.Errorf("%+v, seen at set %d of %d: dry run: %+v, %v; applied: %+v, %v: %w",
				set.Changes, seen, len(m.positions)-1, said, dryErr, done, err, problem)
		}
	}
	if err == nil && len(done.Revisions) > 0 {
		m.apply(want)
		m.positions = append(m.positions, done.Position)
	}
	return nil
}

// State returns the values of the names that exist.
func (m *Sets) State() map[string]string {
	values := make(map[string]string)
	for name, s := range m.states {
		if s.exists {
			values[name] = s.value
		}
	}
	return values
}

// draw returns a set, and the number of the set that the caller has seen: -1 for none.
func (m *Sets) draw() (set config.ChangeSet, seen int) {
	count := 1 + m.Draw(min(len(m.Names), 6))
	for _, name := range m.shuffled()[:count] {
		set.Changes = append(set.Changes, config.Change{Command: m.drawCommand(must(config.ParseName(name)))})
	}
	if m.Draw(10) == 0 { // a name that stands twice
		set.Changes = append(set.Changes, set.Changes[0])
	}
	if seen = -1; m.Draw(3) == 0 {
		seen = len(m.positions) - 1 - m.Draw(min(len(m.positions), 4))
		at := m.positions[seen]
		set.AsSeenAt = &config.RevisionID{Seq: int64(at.Seq), Hash: at.Prefix}
	}
	return set, seen
}

func (m *Sets) shuffled() []string {
	names := slices.Clone(m.Names)
	for i := range names {
		j := i + m.Draw(len(names)-i)
		names[i], names[j] = names[j], names[i]
	}
	return names
}

func (m *Sets) drawCommand(name config.Name) config.Command {
	value := must(config.ParseValue([]string{"", "1", "2"}[m.Draw(3)], 1))
	var expected *config.Version
	if m.Draw(3) == 0 {
		expected = new(config.Version(max(0, m.states[name.String()].version+m.Draw(6)/5)))
	}
	// Most commands fit the state, so that most sets are applied.
	kind := m.Draw(3)
	if s := m.states[name.String()]; m.Draw(8) > 0 && s.version > 0 {
		if !s.exists {
			kind = 2
		} else if kind == 2 {
			kind = 0
		}
	}
	switch kind {
	case 1:
		return config.Delete{Name: name, ExpectedVersion: expected}
	case 2:
		restore := config.Restore{Name: name, ExpectedVersion: expected}
		if m.Draw(2) == 0 {
			restore.Value = &value
		}
		return restore
	}
	return config.Set{Name: name, Value: value, ExpectedVersion: expected, OnlyIfChanged: m.Draw(2) == 0, RestoreDeleted: m.Draw(4) == 0}
}

// expected is what a set must come to.
type expected struct {
	failures  []string // the index and the kind of each
	changes   []string
	unchanged []string
	after     map[string]modelled
}

func (m *Sets) decide(set config.ChangeSet, seen int) expected {
	j := expected{after: make(map[string]modelled)}
	repeated := make(map[string]bool)
	for i, change := range set.Changes {
		name := change.Command.Target().String()
		before := m.states[name]
		if repeated[name] {
			j.failures = append(j.failures, fmt.Sprint(i, " ", fault.InvalidInput.Code()))
		}
		repeated[name] = true
		if seen >= 0 && before.set > seen {
			j.failures = append(j.failures, fmt.Sprint(i, " STALE"))
		}
		after, operation, failure := before.decide(change.Command)
		switch {
		case failure != fault.Internal:
			j.failures = append(j.failures, fmt.Sprint(i, " ", failure.Code()))
		case operation == "":
			j.unchanged = append(j.unchanged, name)
		default:
			after.set = len(m.positions)
			j.after[name] = after
			j.changes = append(j.changes, fmt.Sprintf("%s %s v%d %q", name, operation, after.version, after.value))
		}
	}
	return j
}

// decide returns the state after a command, and what it did: "" for nothing. failure is Internal
// when the command is not refused.
func (s modelled) decide(cmd config.Command) (after modelled, did config.Operation, failure fault.Kind) {
	after = modelled{version: s.version + 1, exists: true, value: s.value}
	var expected *config.Version
	switch c := cmd.(type) {
	case config.Set:
		did, after.value, expected = config.Updated, c.Value.String(), c.ExpectedVersion
		switch {
		case s.version == 0:
			did = config.Created
		case !s.exists && !c.RestoreDeleted:
			failure = fault.Deleted
		case !s.exists:
			did = config.Restored
		case c.OnlyIfChanged && after.value == s.value:
			after, did = s, ""
		}
	case config.Delete:
		did, after.exists, expected = config.Deleted, false, c.ExpectedVersion
		if failure = fault.NotFound; s.version > 0 {
			failure = fault.Deleted
		}
		if s.exists {
			failure = fault.Internal
		}
	case config.Restore:
		did, expected = config.Restored, c.ExpectedVersion
		if c.Value != nil {
			after.value = c.Value.String()
		}
		switch {
		case s.version == 0:
			failure = fault.NotFound
		case s.exists:
			failure = fault.NotDeleted
		}
	}
	if failure == fault.Internal && expected != nil && int(*expected) != s.version {
		failure = fault.VersionConflict
	}
	return after, did, failure
}

func (m *Sets) apply(j expected) {
	for name, after := range j.after {
		m.states[name] = after
	}
}

// compare returns how an answer differs from what it must be.
func (j expected) compare(got configstore.SetOutcome, err error) error {
	var rejection *fault.Rejection
	switch {
	case errors.As(err, &rejection):
		var failures []string
		for _, f := range rejection.Failures {
			failures = append(failures, fmt.Sprint(f.Change, " ", codeOf(f.Err)))
		}
		if slices.Sort(failures); !slices.Equal(failures, slices.Sorted(slices.Values(j.failures))) {
			return fmt.Errorf("got failures %q, want %q", failures, j.failures)
		}
		return nil
	case err != nil:
		return err
	case len(j.failures) > 0:
		return fmt.Errorf("got no failure, want %q", j.failures)
	}
	var changes, unchanged []string
	for _, r := range got.Revisions {
		value := r.Value
		if !r.HasValue() {
			value = r.OldValue
		}
		changes = append(changes, fmt.Sprintf("%s %s v%d %q", r.Name, r.Operation(), r.Version, value))
	}
	for _, name := range got.Unchanged {
		unchanged = append(unchanged, name.String())
	}
	if !slices.Equal(changes, j.changes) || !slices.Equal(unchanged, j.unchanged) {
		return fmt.Errorf("got %q and unchanged %q, want %q and %q", changes, unchanged, j.changes, j.unchanged)
	}
	return nil
}

func codeOf(err error) string {
	if errors.Is(err, fault.ErrStale) {
		return "STALE"
	}
	return fault.KindOf(err).Code()
}

// sameOutcome returns how what a dry run has said at a position differs from what the set came to.
func sameOutcome(said, done configstore.SetOutcome, at eventstore.Position) error {
	if said.DryRun != (said.Position != eventstore.Position{} || len(said.Revisions)+len(said.Unchanged) > 0) || done.DryRun {
		return fmt.Errorf("the dry run says that it is one: %t, the other one: %t", said.DryRun, done.DryRun)
	}
	if len(said.Revisions) != len(done.Revisions) {
		return fmt.Errorf("the dry run says %d changes, there are %d", len(said.Revisions), len(done.Revisions))
	}
	for i, r := range said.Revisions {
		would, is := *r, *done.Revisions[i]
		if would.Position() != at || would.ChangeSet != at || is.ChangeSet != done.Position {
			return fmt.Errorf("change %d would be at %s of %s, and is of %s", i, would.Position(), would.ChangeSet, is.ChangeSet)
		}
		would.Seq, would.Hash, would.ChangeSet, would.At = is.Seq, is.Hash, is.ChangeSet, is.At
		if would != is {
			return fmt.Errorf("change %d would be %+v, and is %+v", i, would, is)
		}
	}
	return nil
}

// must returns v. It panics when there is an error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
