package rest_test

import (
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// mustHaveSet returns a history whose positions 2 to 4 are one change set: b, c and d.
func mustHaveSet(t testing.TB) *memory.Store {
	t.Helper()
	records := make([]eventstore.Record, 5)
	for i := range records {
		event := config.Event{Type: config.ValueSet, Name: configstoretest.Name(t, string(rune('a'+i))), Version: 1, Value: configstoretest.Value(t, "1")}
		stored := config.Encode(event)
		records[i] = eventstore.Record{Name: event.Name.String(), Version: 1, Type: stored.Type, SchemaVersion: stored.SchemaVersion, Data: stored.Data,
			RecordedAt: time.Unix(int64(1_700_000_000+i), 0).UTC()}
		if 1 <= i && i <= 3 {
			records[i].ChangeSet = 4
		}
	}
	new(eventstore.Chain).Seal(eventstore.Head{}, eventstore.AppendID{1}, records)
	events := memory.New()
	if err := events.Append(t.Context(), eventstore.Head{}, records); err != nil {
		t.Fatal(err)
	}
	return events
}

// TestEventsAfterAPartOfASet begins at each position of a history. One inside a change set gives
// the whole of it again.
func TestEventsAfterAPartOfASet(t *testing.T) {
	s := MustServe(t, configstoretest.On(t, mustHaveSet(t), configstore.Options{}))
	for position, want := range []int{0: 1, 1: 3, 2: 3, 3: 3, 4: 1} {
		after := beginning
		if position > 0 {
			after = s.at(t, position)
		}
		for _, l := range []*listener{
			s.MustListen(t, "/events?after="+after),
			s.MustListen(t, "/v1/events", "Last-Event-ID: "+after),
			s.MustListen(t, "/events?after="+s.at(t, 5), "Last-Event-ID: "+after),
		} {
			if b := l.changes(); len(b.Changes) != want {
				t.Errorf("after position %d: got %+v, want %d changes", position, b, want)
			}
		}
	}
}

// TestPastInsideASet shows that the past never has a part of a change set, also not at an instant
// inside it.
func TestPastInsideASet(t *testing.T) {
	s := MustServe(t, configstoretest.On(t, mustHaveSet(t), configstore.Options{}))
	for name, statuses := range map[string][5]int{"a": {200, 200, 200, 200, 200}, "b": {404, 404, 404, 200, 200}, "d": {404, 404, 404, 200, 200}, "e": {404, 404, 404, 404, 200}} {
		for i, want := range statuses {
			at := config.FormatInstant(time.Unix(int64(1_700_000_000+i), 0))
			if got := s.MustDo(t, "GET /config/"+name+"/at/"+at, ""); got.status != want {
				t.Errorf("%s at %s: got %d, want %d", name, at, got.status, want)
			}
		}
	}
	for position := 2; position <= 4; position++ { // a fresh enough read has all of it
		if got := s.MustDo(t, "GET /config", "", "Config-At-Least: "+s.at(t, position)); got.status != 200 {
			t.Errorf("at least position %d: got %d", position, got.status)
		}
	}
}
