package rest_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/edgetest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// twoNodes returns two nodes of one history. The second is behind while it hides what the first
// writes.
func twoNodes(t *testing.T, wait time.Duration) (first *configstoretest.Store, second *service, late *edgetest.Delayed) {
	t.Helper()
	events := memory.New()
	late = edgetest.NewDelayed(events)
	first = configstoretest.On(t, events, configstore.Options{})
	return first, MustServe(t, configstoretest.On(t, late, configstore.Options{PositionWait: wait})), late
}

var reads = []string{"GET /config/a", "GET /config", "GET /config/a/history", "GET /config/a/at/2999-01-01T00:00:00Z",
	"GET /changes", "GET /v1/changes/recent", "GET /deleted", "GET /children", "HEAD /v1/config/a"}

// TestReadsWait shows that reads wait for the position that another node gave, or for everything
// that was written.
func TestReadsWait(t *testing.T) {
	for _, request := range reads {
		first, second, late := twoNodes(t, time.Minute)
		for _, freshness := range []struct{ query, header string }{{"", "Config-At-Least"}, {"?wait=30s", "Config-At-Least"}, {"?consistency=linearizable", ""}, {"?consistency=linearizable&wait=1s", "Config-At-Least"}} {
			show := late.Hide()
			want := first.MustSet(t, "a", "new").Position.String()
			var headers []string
			if freshness.header != "" {
				headers = []string{freshness.header + ": " + want}
			}
			asked := make(chan answer, 1)
			go func() { asked <- second.MustDo(t, request+freshness.query, "", headers...) }()
			show()
			if got := <-asked; got.status != 200 || got.header.Get("Config-Position") != want {
				t.Errorf("%s%s %v: got %d at %s, want 200 at %s", request, freshness.query, headers, got.status, got.header.Get("Config-Position"), want)
			}
		}
	}
}

// TestReadsDoNotWaitForEver shows that a node that is behind says so instead of answering with what
// it has, unless that is what was asked for.
func TestReadsDoNotWaitForEver(t *testing.T) {
	first, second, late := twoNodes(t, time.Millisecond)
	known := first.MustSet(t, "a", "old").Position.String()
	second.MustDo(t, "GET /config/a?wait=20s", "", "Config-At-Least: "+known)
	t.Cleanup(late.Hide())
	unseen := first.MustSet(t, "a", "new").Position
	foreign := eventstore.Position{Seq: 1, Prefix: [4]byte{1, 2, 3, 4}}.String()
	for _, request := range reads[:8] {
		for _, row := range []struct {
			query, header string
			status        int
			code          string
		}{
			{"", "Config-At-Least: " + unseen.String(), 504, "POSITION_NOT_REACHED"},
			{"?wait=5ms", "Config-At-Least: " + unseen.String(), 504, "POSITION_NOT_REACHED"},
			{"?consistency=linearizable", "", 504, "POSITION_NOT_REACHED"},
			{"", "Config-At-Least: " + foreign, 400, "POSITION_UNKNOWN"},
			{"", "Config-At-Least: 1", 400, "POSITION_UNKNOWN"},
			{"", "Config-At-Least: " + known + " & " + known, 400, "INVALID_INPUT"},
			{"?wait=31s", "", 400, "INVALID_INPUT"},
			{"?wait=0s", "", 400, "INVALID_INPUT"},
			{"?wait=5", "", 400, "INVALID_INPUT"},
			{"?wait=1s&wait=2s", "", 400, "INVALID_INPUT"},
			{"?consistency=strong", "", 400, "INVALID_INPUT"},
			{"?consistency=", "", 400, "INVALID_INPUT"},
			{"", "", 200, ""},
			{"?consistency=local&_other=x", "", 200, ""},
			{"", "Config-At-Least: " + known, 200, ""},
			{"", "Config-At-Least: 0-00000000", 200, ""},
		} {
			var headers []string
			if row.header != "" {
				headers = []string{row.header}
			}
			got := second.MustDo(t, request+row.query, "", headers...)
			if row.code != "" {
				MustBeProblem(t, request+row.query+" "+row.header, got, row.status, row.code)
			}
			if at := got.header.Get("Config-Position"); got.status != row.status || at != known {
				t.Errorf("%s%s %s: got %d at %s, want %d at %s", request, row.query, row.header, got.status, at, row.status, known)
			}
		}
	}
}

// heads is a history that calls a function when a read asks for its head.
type heads struct {
	eventstore.Store
	onHead atomic.Pointer[func()]
}

func (h *heads) Head(ctx context.Context) (eventstore.Head, error) {
	if call := h.onHead.Load(); call != nil {
		(*call)()
	}
	return h.Store.Head(ctx)
}

// TestPagesOfAnotherNode: a node that is behind the one that gave a cursor waits until it has what
// the page is of. It gets it only when it has asked whether the position exists.
func TestPagesOfAnotherNode(t *testing.T) {
	for path, want := range map[string]string{"/changes/recent?first=1": "[5]", "/deleted?first=1": "[2]", "/diff?first=1&from=0-00000000": "d:->1[6]"} {
		events := memory.New()
		late := edgetest.NewDelayed(events)
		asked := &heads{Store: late}
		first := MustServe(t, configstoretest.On(t, events, configstore.Options{}))
		second := MustServe(t, configstoretest.On(t, asked, configstore.Options{PositionWait: time.Minute}))
		show := late.Hide()
		first.MustSet(t, "a", "1")
		first.MustDelete(t, "a")
		first.MustSet(t, "b", "1")
		first.MustSet(t, "c", "1")
		first.MustDelete(t, "c")
		first.MustSet(t, "d", "1")
		_, following := first.MustGet(t, path)
		asked.onHead.Store(&show)
		var got page
		mustDecode(t, second.MustDo(t, "GET "+following, "").body, &got)
		found := fmt.Sprint(numbersOf(got.Revisions))
		if len(got.Differences) > 0 {
			found = got.Differences[0].String()
		}
		if found != want {
			t.Errorf("%s: got %s, want %s", path, found, want)
		}
	}
}
