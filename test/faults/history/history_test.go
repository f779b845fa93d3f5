package history_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"configapi/test/faults/history"
)

// event returns an event whose time and change set follow from its seq.
func event(seq int64, name string, version int, kind, value string) history.Event {
	return history.Event{
		Seq: seq, ChangeSet: seq, Hash: "0000000" + string(rune('a'+seq)), Name: name, Version: version,
		Type: kind, Value: value, At: time.UnixMicro(seq),
	}
}

func lawful() []history.Event {
	return []history.Event{
		event(1, "r/a", 1, history.Set, "one"),
		event(2, "r/b", 1, history.Set, "two"),
		event(3, "r/a", 2, history.Deleted, ""),
		event(4, "r/a", 3, history.Restored, "three"),
		event(5, "r/a", 4, history.Set, "four"),
	}
}

func TestHistoryIsReplayed(t *testing.T) {
	h := history.New()
	for _, e := range lawful() {
		if err := h.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		seq  int64
		want history.State
	}{
		{0, history.State{}},
		{1, history.State{Version: 1, Exists: true, Value: "one"}},
		{2, history.State{Version: 1, Exists: true, Value: "one"}},
		{3, history.State{Version: 2, Value: "one"}},
		{4, history.State{Version: 3, Exists: true, Value: "three"}},
		{9, history.State{Version: 4, Exists: true, Value: "four"}},
	} {
		if got := h.State("r/a", test.seq); got != test.want {
			t.Errorf("state at %d: got %+v, want %+v", test.seq, got, test.want)
		}
	}
	if got, want := h.Values("r", 3), map[string]string{"r/b": "two"}; !maps.Equal(got, want) {
		t.Errorf("values: got %v, want %v", got, want)
	}
	if got := h.Between(1, 4, "r/a"); len(got) != 2 || got[0].Seq != 3 || got[1].Seq != 4 {
		t.Errorf("between 1 and 4: got %v, want positions 3 and 4", got)
	}
	if h.Event(0) != nil || h.Event(6) != nil || h.Event(5).Value != "four" {
		t.Error("events are at other positions")
	}
}

func TestHistoryThatBreaksALawIsRefused(t *testing.T) {
	for what, change := range map[string]func(e []history.Event){
		"a gap":                             func(e []history.Event) { e[1].Seq, e[1].ChangeSet = 3, 3 },
		"a time that stands still":          func(e []history.Event) { e[1].At = e[0].At },
		"a change set that has ended":       func(e []history.Event) { e[1].ChangeSet = 1 },
		"a change set within another":       func(e []history.Event) { e[0].ChangeSet, e[1].ChangeSet = 2, 3 },
		"a version left out":                func(e []history.Event) { e[1].Version = 2 },
		"a version twice":                   func(e []history.Event) { e[2].Version = 1 },
		"a deletion of what does not exist": func(e []history.Event) { e[1].Type = history.Deleted },
		"a restore of what exists":          func(e []history.Event) { e[2].Type = history.Restored },
		"a set of what is deleted":          func(e []history.Event) { e[3].Type = history.Set },
		"an unknown type":                   func(e []history.Event) { e[4].Type = "ConfigValueDoubled" },
	} {
		events := lawful()
		change(events)
		h, refused := history.New(), false
		for _, e := range events {
			refused = refused || h.Append(e) != nil
		}
		if !refused {
			t.Errorf("%s: the history was taken", what)
		}
	}
}

func TestTokensHaveNoState(t *testing.T) {
	h := history.New()
	for i, e := range []history.Event{
		event(1, "r/a", 1, history.Set, "one"),
		event(2, "$token/ci", 1, "TokenIssued", ""),
		event(3, "$token/ci", 2, "TokenRevoked", ""),
		event(4, "r/a", 2, history.Set, "two"),
	} {
		if err := h.Append(e); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
	}
	if got := h.Between(0, 4, ""); len(got) != 2 || got[1].Seq != 4 {
		t.Errorf("got %d events of configs, want 2", len(got))
	}
	if got := h.Event(3); got.Type != "TokenRevoked" {
		t.Errorf("got %+v at seq 3, want the event of the token", got)
	}
}

func TestHistoryMustEndWithAWholeSet(t *testing.T) {
	h := history.New()
	first := event(1, "a", 1, history.Set, "1")
	first.ChangeSet = 2
	if err := h.Append(first); err != nil || h.Whole() == nil {
		t.Errorf("half of a set: %v, want it to be taken, and not to be whole", err)
	}
	if err := h.Append(event(2, "b", 1, history.Set, "1")); err != nil || h.Whole() != nil {
		t.Errorf("the other half: %v, %v", err, h.Whole())
	}
}

func TestDigestDistinguishesLargeValues(t *testing.T) {
	one, other := strings.Repeat("x", 1000), strings.Repeat("x", 999)+"y"
	if history.Digest(one) == history.Digest(other) || len(history.Digest(one)) > 200 {
		t.Errorf("digests: %q, %q", history.Digest(one), history.Digest(other))
	}
	if got := history.Digest("short"); got != "short" {
		t.Errorf("got %q, want a short value to be its own digest", got)
	}
}

func TestPrefixSelectsWholeSegments(t *testing.T) {
	for name, want := range map[string]bool{"r1": true, "r1/a": true, "r10/a": false, "r": false} {
		if got := history.Selects("r1", name); got != want {
			t.Errorf("%q: got %t, want %t", name, got, want)
		}
	}
}
