package rest

import (
	"net/http"
	"testing"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// TestDescribeRefusal shows that positions never go back, and that the refusal holds at the
// position of the answer.
func TestDescribeRefusal(t *testing.T) {
	at := func(p eventstore.Seq) eventstore.Position { return eventstore.Position{Seq: p} }
	current := &projection.Config{Version: 3, Seq: 7}
	for _, row := range []struct {
		before            eventstore.Seq
		current           *projection.Config
		position, version string
	}{
		{5, nil, "5-00000000", ""},
		{5, current, "7-00000000", "3"}, // another write came between
		{7, current, "7-00000000", "3"},
		{9, current, "9-00000000", "3"},
	} {
		h := http.Header{}
		describeRefusal(h, at(row.before), &fault.Refusal{Reason: config.ErrDeleted, Current: row.current})
		if h.Get("Config-Position") != row.position || h.Get("Config-Version") != row.version {
			t.Errorf("%+v: got %v", row, h)
		}
	}
}
