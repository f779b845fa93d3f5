package client

import (
	"reflect"
	"strings"
	"testing"

	"configapi/test/faults/checker"
	"configapi/test/faults/record"
)

// twoChanges returns a set of "a", and of a deletion of "b".
func twoChanges(graphql bool) *changeSet {
	s := &changeSet{id: "s.9", graphql: graphql, tries: 1}
	s.add(&record.Write{Kind: record.Set, Name: "a", Value: "1"}, "1")
	s.add(&record.Write{Kind: record.Delete, Name: "b"}, "")
	return s
}

func TestOutcomesOfSets(t *testing.T) {
	const (
		revisions = `"revisions":[{"name":"a","operation":"UPDATED","value":"1","oldValue":"0","version":2,"position":"6-00000006"},
			{"name":"b","operation":"DELETED","value":null,"oldValue":"b","version":3,"position":"7-00000007"}],"unchanged":[],"position":"7-00000007"`
		swapped  = `"revisions":[{"name":"b","version":3,"position":"6-00000006"},{"name":"a","version":2,"position":"7-00000007"}],"position":"7-00000007"`
		failures = `"errors":[{"code":"VERSION_CONFLICT","path":["changes","0","set","expectedVersion"],"current":{"version":4}},
			{"code":"STALE","path":["changes","0","set","name"]},{"code":"DELETED","path":["changes","1","delete","name"]}],"position":"5-00000005"`
		unknown = `"errors":[{"code":"POSITION_UNKNOWN","path":["asSeenAt"]}],"position":"5-00000005"`
	)
	type write struct {
		outcome  record.Outcome
		refusal  record.Refusal
		version  int
		position int64
		before   string
	}
	of := func(outcome record.Outcome) []write { return []write{{outcome: outcome}, {outcome: outcome}} }
	graphql := func(typename, members string) string {
		return `{"data":{"outcome":{"__typename":"` + typename + `",` + members + `}}}`
	}
	done := []write{{record.Done, 0, 2, 6, "0"}, {record.Done, 0, 3, 7, "b"}}
	rejected := []write{{record.Refused, record.Conflict, 4, 0, ""}, {record.Refused, record.Gone, 0, 0, ""}}
	for _, test := range []struct {
		graphql bool
		status  int
		body    string
		want    []write
	}{
		{false, 200, "{" + revisions + "}", done},
		{true, 200, graphql("ConfigsChanged", revisions), done},
		{false, 200, "{" + swapped + "}", of(record.Done)}, // which the checks find
		{false, 409, "{" + failures + "}", rejected},
		{true, 200, graphql("ChangesRejected", failures), rejected},
		{false, 400, "{" + unknown + "}", []write{{record.Refused, record.Together, 0, 0, ""}, {record.Refused, record.Together, 0, 0, ""}}},
		{false, 503, `{"code":"UNAVAILABLE"}`, of(record.NotWritten)},
		{false, 503, `{"code":"UNAVAILABLE","outcome_unknown":true}`, of(record.Unknown)},
		{true, 503, `{"code":"UNAVAILABLE"}`, of(record.NotWritten)},
		{true, 200, `{"data":{"outcome":null},"errors":[{"extensions":{"code":"UNAVAILABLE"}}]}`, of(record.NotWritten)},
		{true, 200, `{"data":{"outcome":null},"errors":[{"extensions":{"code":"UNAVAILABLE","outcomeUnknown":true}}]}`, of(record.Unknown)},
		{true, 200, `{"data":{"outcome":null},"errors":[{"extensions":{"code":"POSITION_NOT_REACHED"}}]}`, of(record.Unknown)},
		{true, 200, `<html>`, of(record.Unknown)},
		{false, 200, `<html>`, of(record.Unknown)},
		{false, 500, `{"code":"INTERNAL"}`, of(record.Unknown)},
		{false, 504, `{"code":"POSITION_NOT_REACHED"}`, of(record.Unknown)},
	} {
		s := twoChanges(test.graphql)
		r := reply{status: test.status, body: []byte(test.body)}
		a := (&Client{world: &World{}}).read(0, s, r)
		a.describe(s, r)
		var got []write
		for _, w := range s.writes {
			got = append(got, write{w.Outcome, w.Refusal, w.Version, w.Position.Seq, w.Before})
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%d %s: got %+v, want %+v", test.status, test.body, got, test.want)
		}
	}
}

func TestDecisionsOfARejection(t *testing.T) {
	s := twoChanges(false)
	a := newSetAnswer(record.Refused, "5-00000005", nil, []failure{
		{Code: "STALE", Path: []string{"changes", "1", "delete", "name"}},
		{Code: "VERSION_CONFLICT", Path: []string{"changes", "1", "delete", "expectedVersion"}},
		{Code: positionUnknown, Path: []string{"asSeenAt"}},
	})
	got := a.decisions(s)
	if d := got[0]; d.Other != positionUnknown || !d.Rejected || d.Stale || d.Change.Name != "a" {
		t.Errorf("of the set as a whole: got %+v", d)
	}
	if d := got[1]; !d.Stale || d.Refusal != record.Conflict || d.Version != -1 || !d.Rejected {
		t.Errorf("of the second change, without its current version: got %+v", d)
	}
	for _, d := range got {
		d.Change.SeenAt = 3
	}
	forgetPosition(got)
	if d := got[0]; d.Other != "" || !d.Rejected || d.Change.SeenAt != 0 || got[1].Change.SeenAt != 0 || got[1].Refusal != record.Conflict {
		t.Errorf("without the unknown position: got %+v and %+v", d, got[1])
	}
}

func TestRequestsOfSets(t *testing.T) {
	s := twoChanges(false)
	s.add(&record.Write{Kind: record.Restore, Name: "c", Last: true}, "")
	two := 2
	s.writes[0].Expected = &two
	want := []map[string]any{
		{"set": map[string]any{"name": "a", "value": "1", "expectedVersion": 2}},
		{"delete": map[string]any{"name": "b"}},
		{"restore": map[string]any{"name": "c"}},
	}
	if got := s.changes(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if id := s.writes[1].ID; id != checker.IDInSet("s.9", "b") || s.writes[1].Set != "s.9" {
		t.Errorf("got the id %q in the set %q", id, s.writes[1].Set)
	}
}

func TestInverseOfASet(t *testing.T) {
	s := &changeSet{id: "s"}
	for _, w := range []record.Write{
		{Kind: record.Set, Name: "created", Value: "1", Version: 1},
		{Kind: record.Set, Name: "updated", Value: "1", Before: "0", Version: 4},
		{Kind: record.Delete, Name: "deleted", Before: "0", Version: 2},
		{Kind: record.Restore, Name: "restored", Value: "1", Version: 3},
	} {
		s.add(&w, w.Value)
	}
	s.writes[3].Position = record.Position{Seq: 9, Hash: "00000009"}
	m := inverseOf(s)
	want := []struct {
		kind  record.Kind
		value string
		last  bool
	}{{record.Delete, "", false}, {record.Set, "0", false}, {record.Restore, "", true}, {record.Delete, "", false}}
	for i, w := range m.inverse {
		if w.Kind != want[i].kind || w.Value != want[i].value || w.Last != want[i].last || *w.Expected != s.writes[i].Version {
			t.Errorf("%s: got %+v, want %+v at version %d", s.writes[i].Name, w, want[i], s.writes[i].Version)
		}
	}
	if m.position.Seq != 9 {
		t.Errorf("got the position %s, want that of the last change", m.position)
	}
}

func TestSeveralConfigsAreReadInOneRequest(t *testing.T) {
	got := queryOfSeveral(&record.Read{Names: []string{"r/a", "r/b"}, Linearizable: true})
	if strings.Count(got, "LINEARIZABLE") != 3 || !strings.Contains(got, `c1:config(name:"r/b"`) || !strings.Contains(got, "at:configs(") {
		t.Errorf("got %s", got)
	}
}
