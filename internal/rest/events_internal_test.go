package rest

import (
	"fmt"
	"testing"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

// revisionIn returns a revision at a position whose change set ends at another.
func revisionIn(p, set eventstore.Seq) *eventstore.Revision {
	return &eventstore.Revision{Seq: p, ChangeSet: eventstore.Position{Seq: set}, Event: config.Event{Type: config.ValueDeleted}}
}

// TestChangeSets shows that no change set is split or joined with another, and that positions are
// those to go on from.
func TestChangeSets(t *testing.T) {
	for _, row := range []struct {
		revisions []*eventstore.Revision
		want      string
	}{
		{nil, "[] to 9"},
		{[]*eventstore.Revision{revisionIn(1, 1)}, "[1] to 9"},
		{[]*eventstore.Revision{revisionIn(1, 1), revisionIn(2, 2)}, "[1] to 1; [2] to 9"},
		{[]*eventstore.Revision{revisionIn(1, 3), revisionIn(2, 3), revisionIn(3, 3), revisionIn(4, 4)}, "[1 2 3] to 3; [4] to 9"},
		{[]*eventstore.Revision{revisionIn(1, 3), revisionIn(5, 6), revisionIn(7, 9), revisionIn(8, 9)}, "[1] to 3; [5] to 6; [7 8] to 9"}, // a filter has left some out
	} {
		all := configstore.Changes{Revisions: row.revisions, Position: eventstore.Position{Seq: 9}, CaughtUp: true}
		got := ""
		batches := changeSets(all)
		for i, batch := range batches {
			positions := []eventstore.Seq{}
			for _, c := range batch.Revisions {
				positions = append(positions, c.Seq)
			}
			if i > 0 {
				got += "; "
			}
			got += fmt.Sprintf("%v to %d", positions, batch.Position.Seq)
			if last := i == len(batches)-1; batch.CaughtUp != last {
				t.Errorf("%s: batch %d says caught up: %t", row.want, i, batch.CaughtUp)
			}
		}
		if got != row.want {
			t.Errorf("got %s, want %s", got, row.want)
		}
	}
}

func TestAcceptsEvents(t *testing.T) {
	for accept, want := range map[string]bool{
		"":                              true,
		"*/*":                           true,
		"text/*":                        true,
		"text/event-stream":             true,
		"Text/Event-Stream; q=0.1":      true,
		"application/json, */*;q=0.1":   true,
		"text/event-stream;q=nonsense":  true,
		"application/json":              false,
		"text/plain":                    false,
		"*/*;q=0":                       false,
		"text/event-stream;q=0.0, */*":  false,
		"*/*, text/event-stream;q=0":    false,
		"text/*;q=0, */*":               false,
		";;;":                           false,
		"text/event-stream, text/*;q=0": true,
	} {
		if got := acceptsEvents([]string{accept}); got != want {
			t.Errorf("Accept %q: got %t, want %t", accept, got, want)
		}
	}
	if !acceptsEvents(nil) || !acceptsEvents([]string{"application/json", "text/event-stream"}) {
		t.Error("without the header, or with two of them, streams are refused")
	}
}
