package checker_test

import (
	"testing"
	"time"

	"configapi/test/faults/checker"
	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// ofSet makes a write one of a change set that was sent at a time.
func ofSet(set string, call time.Duration, w *record.Write) *record.Write {
	w.Set, w.ID = set, checker.IDInSet(set, w.Name)
	w.Span = record.Span{Call: call, Return: call + 10}
	return w
}

// seenAt has a write refer to what its client had seen.
func seenAt(seq int64, w *record.Write) *record.Write {
	w.SeenAt = seq
	return w
}

// addSet appends the events of a change set, from a seq on.
func (s *story) addSet(first int64, writes ...*record.Write) {
	for i, w := range writes {
		e := event(first+int64(i), w, w.Version)
		e.ChangeSet, e.Reason, e.Reverts = first+int64(len(writes)-1), checker.ReasonOf(w.Set), w.Reverts
		if e.Type == history.Deleted {
			e.Value = ""
		}
		s.events = append(s.events, e)
	}
	s.seen.Writes = append(s.seen.Writes, writes...)
}

// The changes of the sets of [storyOfSets], by number.
const (
	firstA, firstB, thenA, thenB, rejectedA, rejectedB, rejectedC, undoneA, undoneB = 0, 1, 2, 3, 4, 5, 6, 7, 8
)

// The reads of [storyOfSets], by number.
const (
	dryRun, rejection, page, several = 0, 1, 2, 3
)

// storyOfSets returns a story of change sets: one that makes two configs, a dry run and the set
// that follows it, a set that is rejected, and the undoing of the second one.
func storyOfSets() *story {
	s := &story{}
	a1 := ofSet("s1", 0, write("", record.Set, "r/a", 1, 1, 0))
	b1 := ofSet("s1", 0, write("", record.Set, "r/b", 1, 2, 0))
	a1.Value, b1.Value = "s1.0|", "s1.1|"
	s.addSet(1, a1, b1)

	a2 := seenAt(2, ofSet("s2", 40, write("", record.Set, "r/a", 2, 3, 0)))
	b2 := seenAt(2, ofSet("s2", 40, write("", record.Delete, "r/b", 2, 4, 0)))
	a2.Value, a2.Before, b2.Before = "s2.0|", a1.Value, b1.Value
	for _, w := range []*record.Write{a2, b2} {
		w.Foreseen = record.Forecast{Made: true, Version: 2}
		w.Recalls = []record.Recall{{Outcome: record.Unknown}, {Outcome: record.Done, Version: w.Version, Position: w.Position}}
	}
	s.addSet(3, a2, b2)

	a3 := seenAt(2, expecting(1, refusal(record.Conflict, 2, ofSet("s3", 60, write("", record.Set, "r/a", 0, 0, 0)))))
	b3 := seenAt(4, refusal(record.Gone, 0, ofSet("s3", 60, write("", record.Set, "r/b", 0, 0, 0))))
	c3 := refusal(record.Together, 0, ofSet("s3", 60, write("", record.Set, "r/c", 0, 0, 0)))
	s.seen.Writes = append(s.seen.Writes, a3, b3, c3)

	a4 := expecting(2, ofSet("s4", 80, write("", record.Set, "r/a", 3, 5, 0)))
	b4 := expecting(2, ofSet("s4", 80, write("", record.Restore, "r/b", 3, 6, 0)))
	a4.Value, a4.Before, b4.Value, b4.Last = a1.Value, a2.Value, "", true
	a4.Reverts, b4.Reverts = at(4).String(), at(4).String()
	s.addSet(5, a4, b4)
	s.events[5].Value = b1.Value

	s.seen.Reads = []*record.Read{
		{Span: record.Span{Call: 30, Return: 35}, Position: at(2), Decisions: []record.Decision{
			{Change: a2, Version: 2, Value: a2.Value}, {Change: b2, Version: 2},
		}},
		{Span: record.Span{Call: 60, Return: 70}, Position: at(4), Linearizable: true, Decisions: []record.Decision{
			{Change: a3, Refusal: record.Conflict, Version: 2, Stale: true, Rejected: true}, {Change: b3, Refusal: record.Gone, Rejected: true}, {Change: c3},
		}},
		{Position: at(4), Prefix: "r", After: record.Position{Hash: "00000000"}, Past: true, Page: []record.Change{
			change(s.events[0], "CREATED"), change(s.events[1], "CREATED"), change(s.events[2], "UPDATED"), change(s.events[3], "DELETED"),
		}},
		{Span: record.Span{Call: 95, Return: 97}, Position: at(6), Names: []string{"r/a", "r/b", "r/c"}, Values: map[string]string{"r/a": a1.Value, "r/b": b1.Value}, Linearizable: true},
	}
	return s
}

func TestSoundStoryOfSetsIsAccepted(t *testing.T) {
	if v := storyOfSets().check(t); len(v.Findings) > 0 || v.Losses > 0 || v.Split > 0 || len(v.Undecided) > 0 {
		t.Errorf("got %+v, want nothing", v)
	}
}

const asSeen = "a set is carried out as it was seen"

func TestBrokenPromisesOfSetsAreFound(t *testing.T) {
	for what, test := range map[string]struct {
		promise string
		spoil   func(writes []*record.Write, reads []*record.Read, events []history.Event)
	}{
		"a set is split": {sets, func(_ []*record.Write, _ []*record.Read, e []history.Event) { e[2].ChangeSet = 3 }},
		"a set is in another order": {sets, func(w []*record.Write, _ []*record.Read, _ []history.Event) {
			w[thenA], w[thenB] = w[thenB], w[thenA]
		}},
		"a part of a set is not there": {sets, func(w []*record.Write, _ []*record.Read, _ []history.Event) {
			*w[rejectedC] = *open(w[rejectedC])
			w[rejectedC].Set = "s2"
		}},
		"a rejected set is there":                {exact, func(w []*record.Write, _ []*record.Read, _ []history.Event) { refusal(record.Together, 0, w[firstA]) }},
		"another value comes back":               {exact, func(_ []*record.Write, _ []*record.Read, e []history.Event) { e[5].Value = "other" }},
		"it undoes another set":                  {exact, func(_ []*record.Write, _ []*record.Read, e []history.Event) { e[4].Reverts = at(2).String() }},
		"it was acknowledged over another value": {exact, func(w []*record.Write, _ []*record.Read, _ []history.Event) { w[thenB].Before = "other" }},
		"the key gives another position":         {once, func(w []*record.Write, _ []*record.Read, _ []history.Event) { w[thenA].Recalls[1].Position = at(4) }},
		"the key gives another version":          {once, func(w []*record.Write, _ []*record.Read, _ []history.Event) { w[thenA].Recalls[1].Version = 3 }},
		"the key gives a refusal": {once, func(w []*record.Write, _ []*record.Read, _ []history.Event) {
			w[thenA].Recalls[0].Outcome = record.Refused
		}},
		"it was made although the config changed": {asSeen, func(w []*record.Write, _ []*record.Read, _ []history.Event) {
			w[thenA].SeenAt = 0
			w[undoneA].SeenAt = 2
		}},
		"it was made although it was not possible": {asSeen, func(w []*record.Write, _ []*record.Read, _ []history.Event) { w[thenB].Foreseen.Rejected = true }},
		"it became another version than foreseen":  {asSeen, func(w []*record.Write, _ []*record.Read, _ []history.Event) { w[thenA].Foreseen.Version = 3 }},
		"a dry run foresees another version":       {replayed, func(_ []*record.Write, r []*record.Read, _ []history.Event) { r[dryRun].Decisions[0].Version = 3 }},
		"a dry run foresees another value":         {replayed, func(_ []*record.Write, r []*record.Read, _ []history.Event) { r[dryRun].Decisions[0].Value = "other" }},
		"a dry run is of the middle of a set":      {replayed, func(_ []*record.Write, r []*record.Read, _ []history.Event) { r[dryRun].Position = at(3) }},
		"a failure is missing":                     {replayed, func(_ []*record.Write, r []*record.Read, _ []history.Event) { r[rejection].Decisions[1].Refusal = 0 }},
		"a failure is wrong": {replayed, func(_ []*record.Write, r []*record.Read, _ []history.Event) {
			r[rejection].Decisions[2].Refusal = record.Gone
		}},
		"a conflict with another version":       {replayed, func(_ []*record.Write, r []*record.Read, _ []history.Event) { r[rejection].Decisions[0].Version = 1 }},
		"it was not said that a config changed": {replayed, func(_ []*record.Write, r []*record.Read, _ []history.Event) { r[rejection].Decisions[0].Stale = false }},
		"a rejection for another reason": {replayed, func(_ []*record.Write, r []*record.Read, _ []history.Event) {
			r[rejection].Decisions[0].Other = positionUnknown
		}},
		"a rejection on an old state": {fresh, func(_ []*record.Write, r []*record.Read, _ []history.Event) {
			r[rejection].Position, r[rejection].Decisions = at(2), []record.Decision{}
		}},
		"a page splits a set": {replayed, func(_ []*record.Write, r []*record.Read, _ []history.Event) {
			r[page].Position, r[page].Page = at(3), r[page].Page[:3]
		}},
		"a page leaves a change out": {replayed, func(_ []*record.Write, r []*record.Read, _ []history.Event) { r[page].Page = r[page].Page[1:] }},
		"a page has another change":  {replayed, func(_ []*record.Write, r []*record.Read, _ []history.Event) { r[page].Page[1].Version = 2 }},
		"one read mixes two states":  {replayed, func(_ []*record.Write, r []*record.Read, _ []history.Event) { delete(r[several].Values, "r/b") }},
	} {
		s := storyOfSets()
		test.spoil(s.seen.Writes, s.seen.Reads, s.events)
		v := s.checkUnlawful()
		if !promises(v, test.promise) {
			t.Errorf("%s: got %v, want %q to be broken", what, v.Findings, test.promise)
		}
		if (v.Split > 0) != (test.promise == sets) {
			t.Errorf("%s: got %d split sets", what, v.Split)
		}
	}
}

const positionUnknown = "POSITION_UNKNOWN"

// checkUnlawful is check for a history that itself may break a law: events that it does not take
// are left out.
func (s *story) checkUnlawful() checker.Verdict {
	h := history.New()
	for _, e := range s.events {
		_ = h.Append(e)
	}
	return checker.Check(h, s.seen, time.Minute)
}
