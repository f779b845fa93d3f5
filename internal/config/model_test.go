package config_test

import (
	"errors"
	"testing"
	"time"

	"configapi/internal/config"

	"pgregory.net/rapid"
)

// modelled is a config as the model sees it: what an observer of the answers would write down,
// without any event.
type modelled struct {
	value   string
	version int
	deleted bool
	values  []string // after each change; "-" for a deletion
}

// answer is the outcome that the model expects of a command: a refusal, an unchanged config, or a
// change (neither of both).
type answer struct {
	err       error
	conflict  bool
	unchanged bool
}

// TestRandomCommandsAgainstModel gives random commands to configs and to a model of plain maps, and
// compares them after each.
func TestRandomCommandsAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := map[config.Name]*modelled{}
		configs := map[config.Name]config.Aggregate{}
		events := map[config.Name][]config.Event{}
		for _, text := range []string{"a", "b", "a/b"} {
			model[name(text)] = &modelled{}
			configs[name(text)] = config.Aggregate{Name: name(text)}
		}
		for i := range rapid.IntRange(1, 60).Draw(t, "commands") {
			at := noon.Add(time.Duration(i) * time.Microsecond)
			cmd := anyCommand().Draw(t, "command")
			n := cmd.Target()
			want := model[n].do(cmd)
			event, ok, err := configs[n].Decide(cmd, at)
			mustBe(t, want, ok, err)
			if !ok {
				continue
			}
			if event.At != at || event.Name != n {
				t.Fatalf("got %+v, want one of %q at %v", event, n, at)
			}
			after, err := configs[n].Apply(event)
			if err != nil {
				t.Fatal(err)
			}
			configs[n], events[n] = after, append(events[n], event)
			model[n].mustAgree(t, after, event)
		}
		for n, m := range model {
			m.mustHaveHistory(t, configs[n], events[n])
		}
	})
}

func anyCommand() *rapid.Generator[config.Command] {
	return rapid.Custom(func(t *rapid.T) config.Command {
		n := name(rapid.SampledFrom([]string{"a", "b", "a/b"}).Draw(t, "name"))
		v := value(rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "value"))
		var expected *config.Version
		if rapid.IntRange(0, 2).Draw(t, "checks the version") == 0 {
			expected = new(config.Version(rapid.IntRange(0, 8).Draw(t, "expected version")))
		}
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			return config.Delete{Name: n, ExpectedVersion: expected}
		case 1:
			return config.Restore{Name: n, ExpectedVersion: expected}
		case 2:
			return config.Restore{Name: n, Value: &v, ExpectedVersion: expected}
		default:
			return config.Set{Name: n, Value: v, ExpectedVersion: expected, OnlyIfChanged: rapid.Bool().Draw(t, "only if changed"),
				RestoreDeleted: rapid.Bool().Draw(t, "restore deleted")}
		}
	})
}

// do carries out the command on the model, and returns the expected answer.
func (m *modelled) do(cmd config.Command) answer {
	var expected *config.Version
	next, deleted := m.value, false
	switch c := cmd.(type) {
	case config.Set:
		if m.deleted && !c.RestoreDeleted {
			return answer{err: config.ErrDeleted}
		}
		expected, next = c.ExpectedVersion, c.Value.String()
	case config.Delete:
		if m.version == 0 {
			return answer{err: config.ErrNotFound}
		}
		if m.deleted {
			return answer{err: config.ErrDeleted}
		}
		expected, deleted = c.ExpectedVersion, true
	case config.Restore:
		if m.version == 0 {
			return answer{err: config.ErrNotFound}
		}
		if !m.deleted {
			return answer{err: config.ErrNotDeleted}
		}
		expected = c.ExpectedVersion
		if c.Value != nil {
			next = c.Value.String()
		}
	}
	if expected != nil && int(*expected) != m.version {
		return answer{conflict: true}
	}
	if set, is := cmd.(config.Set); is && set.OnlyIfChanged && m.version > 0 && !m.deleted && m.value == next {
		return answer{unchanged: true}
	}
	m.value, m.version, m.deleted = next, m.version+1, deleted
	if deleted {
		next = "-"
	}
	m.values = append(m.values, next)
	return answer{}
}

func mustBe(t *rapid.T, want answer, ok bool, err error) {
	t.Helper()
	conflict := errors.As(err, new(*config.VersionConflictError))
	switch {
	case conflict != want.conflict, !conflict && !errors.Is(err, want.err):
		t.Fatalf("got %v, want %+v", err, want)
	case ok != (want == answer{}):
		t.Fatalf("got an event: %t, want %+v", ok, want)
	}
}

func (m *modelled) mustAgree(t *rapid.T, state config.Aggregate, event config.Event) {
	t.Helper()
	want := config.Aggregate{Name: state.Name, Value: value(m.value), Version: config.Version(m.version), Deleted: m.deleted}
	if state != want {
		t.Fatalf("got %+v, want %+v", state, want)
	}
	if event.HasOldValue() && event.OldValue.String() != m.values[len(m.values)-2] {
		t.Fatalf("got old value %q, want %q", event.OldValue, m.values[len(m.values)-2])
	}
}

// mustHaveHistory checks that the events, stored and read again, show all changes and lead to the
// same state.
func (m *modelled) mustHaveHistory(t *rapid.T, state config.Aggregate, events []config.Event) {
	t.Helper()
	if len(events) != len(m.values) {
		t.Fatalf("got %d events, want %d", len(events), len(m.values))
	}
	for i, event := range events {
		read, err := config.Decode(config.Encode(event), event.Name, event.Version, event.At)
		read.OldValue = event.OldValue // which is not stored with the event
		if err != nil || read != event {
			t.Fatalf("read %+v, %v, want %+v", read, err, event)
		}
		if got := event.Value.String(); event.HasValue() && got != m.values[i] || event.HasValue() == (m.values[i] == "-") {
			t.Fatalf("event %d: got %q, want %q", i, got, m.values[i])
		}
	}
	if replayed, err := replay(state.Name, events); err != nil || replayed != state {
		t.Fatalf("replayed: %+v, %v, want %+v", replayed, err, state)
	}
}
