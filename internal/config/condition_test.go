package config_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"configapi/internal/config"
)

var (
	ours   = config.HashPrefix{0x9f, 0x3a, 0x21, 0xc0}
	theirs = config.HashPrefix{0x9f, 0x3a, 0x21, 0xc1}
)

// TestConditions checks each condition on a name without a revision, on a config of version 2, and
// on a deleted one of version 3. The newest revision of both has seq 7.
func TestConditions(t *testing.T) {
	revisions := func(all ...config.RevisionMatch) config.Condition { return config.Condition{Revisions: all} }
	not := func(c config.Condition) config.Condition { c.Not = true; return c }

	for _, test := range []struct {
		condition config.Condition
		holds     [3]bool // for: no revision, existing, deleted
	}{
		{config.Condition{}, [3]bool{false, false, false}},
		{config.Condition{Not: true}, [3]bool{true, true, true}},
		{config.Condition{Any: true}, [3]bool{false, true, false}},
		{absent, [3]bool{true, false, true}},

		{config.RequireRevision(7, ours), [3]bool{false, true, true}},
		{config.RequireRevision(7, theirs), [3]bool{false, false, false}},
		{config.RequireRevision(6, ours), [3]bool{false, false, false}},
		{config.RequireRevision(0, config.HashPrefix{}), [3]bool{false, false, false}},

		{revisions(config.RevisionMatch{Version: 2, Hash: ours}), [3]bool{false, true, false}},
		{revisions(config.RevisionMatch{Version: 3, Hash: ours}), [3]bool{false, false, true}},
		{revisions(config.RevisionMatch{Version: 2, Hash: theirs}), [3]bool{false, false, false}},
		{revisions(config.RevisionMatch{Version: 2, Hash: theirs, AnyHash: true}), [3]bool{false, true, false}},
		{revisions(config.RevisionMatch{AnyHash: true}), [3]bool{false, false, false}},
		{revisions(config.RevisionMatch{Version: 1, Hash: ours}, config.RevisionMatch{Version: 3, Hash: ours}), [3]bool{false, false, true}},
		{not(revisions(config.RevisionMatch{Version: 2, Hash: ours})), [3]bool{true, false, true}},
		{not(revisions(config.RevisionMatch{Version: 2, Hash: theirs})), [3]bool{true, true, true}},
	} {
		for i, events := range [][]config.Event{nothing, existing, deleted} {
			state := must(replay(name("a"), events))
			if len(events) > 0 {
				state.Newest = config.RevisionID{Seq: 7, Hash: ours}
			}
			_, _, err := state.Decide(commandFor(state, test.condition), noon)
			if refused := errors.Is(err, config.ErrRevisionConflict); err != nil != refused || refused == test.holds[i] {
				t.Errorf("condition %q after %d events: got %v, want it to hold: %t", test.condition, len(events), err, test.holds[i])
			}
		}
	}
}

// absent is the condition that the config does not exist: it has no revision, or it is deleted.
var absent = config.Condition{Any: true, Not: true}

// commandFor returns a command that the state allows, so that only its conditions decide.
func commandFor(a config.Aggregate, conditions ...config.Condition) config.Command {
	if a.Deleted {
		return config.Restore{Name: a.Name, Conditions: conditions}
	}
	return config.Set{Name: a.Name, Conditions: conditions}
}

// TestConditionsHoldTogether checks a set and a deletion with two conditions and an expected
// version.
func TestConditionsHoldTogether(t *testing.T) {
	state := must(replay(name("a"), existing))
	state.Newest = config.RevisionID{Seq: 7, Hash: ours}
	this, other := config.RequireRevision(7, ours), config.RequireRevision(7, theirs)
	for _, cmd := range []config.Command{
		config.Delete{Name: name("a"), Conditions: []config.Condition{this, other}},
		config.Delete{Name: name("a"), Conditions: []config.Condition{other, this}},
		config.Set{Name: name("a"), Value: value("last"), OnlyIfChanged: true, Conditions: []config.Condition{other}},
	} {
		if _, _, err := state.Decide(cmd, noon); !errors.Is(err, config.ErrRevisionConflict) {
			t.Errorf("%+v: got %v", cmd, err)
		}
	}
	wrongVersion := config.Delete{Name: name("a"), ExpectedVersion: new(config.Version(1)), Conditions: []config.Condition{this}}
	var conflict *config.VersionConflictError
	if _, _, err := state.Decide(wrongVersion, noon); !errors.As(err, &conflict) {
		t.Errorf("got %v, want a conflict of versions", err)
	}
	if after, err := state.Apply(setEvent(3, "x", "last")); err != nil || after.Newest != (config.RevisionID{}) {
		t.Errorf("after another event the newest revision is still %+v (%v)", after.Newest, err)
	}
}

// TestRequestHashCoversConditions fixes the hash of a command with conditions, because databases
// hold such hashes.
func TestRequestHashCoversConditions(t *testing.T) {
	const want = "79addbca9b82997561fc747cfa5f5ea2c42ec480ba6042ddd9faa43c1122b40e"
	cmd := config.Set{Name: name("a"), Conditions: []config.Condition{absent, config.RequireRevision(1842, ours)}}
	hash := hashOf(cmd)
	if got := hex.EncodeToString(hash[:]); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	seen := map[[32]byte]config.Command{hashOf(config.Set{Name: name("a")}): config.Set{Name: name("a")}}
	version := func(v config.Version, hash config.HashPrefix) config.RevisionMatch {
		return config.RevisionMatch{Version: v, Hash: hash}
	}
	for _, conditions := range [][]config.Condition{
		{{}},
		{{}, {}},
		{{Not: true}},
		{{Any: true}},
		{{Any: true, Not: true}},
		{{Revisions: []config.RevisionMatch{version(5, ours)}}},
		{{Revisions: []config.RevisionMatch{version(5, theirs)}}},
		{{Revisions: []config.RevisionMatch{version(51, ours)}}},
		{{Revisions: []config.RevisionMatch{{Seq: 5, Hash: ours}}}},
		{{Revisions: []config.RevisionMatch{{Version: 5, Hash: ours, AnyHash: true}}}},
		{{Revisions: []config.RevisionMatch{version(5, ours), version(6, ours)}}},
		{{Revisions: []config.RevisionMatch{version(5, ours)}}, {Revisions: []config.RevisionMatch{version(6, ours)}}},
	} {
		cmd := config.Set{Name: name("a"), Conditions: conditions}
		hash := hashOf(cmd)
		if other, same := seen[hash]; same {
			t.Errorf("%+v and %+v have the same hash", cmd, other)
		}
		seen[hash] = cmd
	}
}
