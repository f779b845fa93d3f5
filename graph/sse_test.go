package graph_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/feed"
	"configapi/internal/slowtest"
)

// eventSource is a client of an event stream that sends what a browser's EventSource sends.
type eventSource struct {
	t     testing.TB
	body  io.ReadCloser
	lines *bufio.Reader
}

// MustListen opens a stream after the event id last. The stream is read byte by byte, so that an
// event may be cut anywhere.
func (a *api) MustListen(t testing.TB, query string, variables vars, last string) *eventSource {
	t.Helper()
	encoded, err := json.Marshal(variables)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+"?"+url.Values{"query": {query}, "variables": {string(encoded)}}.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		t.Fatalf("got %s", response.Status)
	}
	return &eventSource{t, response.Body, bufio.NewReader(iotest.OneByteReader(response.Body))}
}

// event reads one event.
func (e *eventSource) event() (kind, id, data string) {
	e.t.Helper()
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			e.t.Fatalf("reading events: %v", err)
		}
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && kind != "":
			return kind, id, data
		case name == "event":
			kind = value
		case name == "id":
			id = value
		case name == "data":
			data = value
		}
	}
}

// want reads one event "next" and compares its data, and its id, which is a position.
func (e *eventSource) want(position, data string) {
	e.t.Helper()
	kind, id, got := e.event()
	if kind != "next" || id != position || plain(got) != data {
		e.t.Errorf("got %s %q %s\nwant next %q %s", kind, id, plain(got), position, data)
	}
}

// wantRefused reads an error without an id, and the end.
func (e *eventSource) wantRefused(code string) {
	e.t.Helper()
	kind, id, data := e.event()
	if kind != "next" || id != "" || !strings.HasPrefix(data, `{"errors":[{`) || !strings.Contains(data, `"code":"`+code+`"`) || strings.Contains(data, `"data"`) {
		e.t.Errorf("got %s %q %s, want %s", kind, id, data, code)
	}
	if kind, _, data := e.event(); kind != "complete" || data != "" {
		e.t.Errorf("got %s %s, want the end", kind, data)
	}
}

func TestChangesAsEvents(t *testing.T) {
	a := MustStart(t)
	a.MustSet(t, "a", "1")
	const document = `subscription($after:Position){configChanges(after:$after){changes{name version}}}`
	live := a.MustListen(t, document, nil, "")
	live.want(a.at(t, 1), `{"data":{"configChanges":{"changes":[]}}}`)
	a.MustSet(t, "a", "2")
	live.want(a.at(t, 2), `{"data":{"configChanges":{"changes":[{"name":"a","version":2}]}}}`)

	// An EventSource reconnects to the same address. The last event that it saw counts more than
	// the position in the address.
	for _, after := range []any{nil, "0-00000000", a.at(t, 2)} {
		again := a.MustListen(t, document, vars{"after": after}, a.at(t, 1))
		again.want(a.at(t, 2), `{"data":{"configChanges":{"changes":[{"name":"a","version":2}]}}}`)
	}
	a.MustListen(t, document, nil, "garbage").wantRefused("POSITION_UNKNOWN")
	a.MustListen(t, document, vars{"after": a.at(t, 1)}, "1-00000000").wantRefused("POSITION_UNKNOWN")
	a.MustListen(t, document, vars{"after": ""}, "").wantRefused("POSITION_UNKNOWN")
}

// TestStateAsEvents checks that a state has no id: each stream begins with the state.
func TestStateAsEvents(t *testing.T) {
	a := MustStart(t)
	a.MustSet(t, "a", "1")
	live := a.MustListen(t, watchConfig, vars{"n": "a"}, "garbage")
	live.want("", `{"data":{"config":{"name":"a","value":"1","version":1,"revision":{"position":"@1"}}}}`)
	a.MustDelete(t, "a")
	live.want("", `{"data":{"config":null}}`)
}

// TestEventsExactlyOnce cuts streams a hundred times while others write, and reconnects each time
// with the last id that came.
func TestEventsExactlyOnce(t *testing.T) {
	t.Parallel()
	const writers = 4
	for _, prefix := range []string{"", "a"} {
		a := MustServe(t, memory.New(), configstore.Options{Feed: feed.Options{RingEvents: 10}, ProgressInterval: time.Millisecond}, graph.Options{})
		turns := make(chan int, 10) // a write for each, so that writers do not run ahead of streams
		var writing sync.WaitGroup
		for i := range writers {
			writing.Go(func() {
				for n := range turns {
					a.MustSet(t, fmt.Sprintf("%c/%d", 'a'+n%2, i), fmt.Sprint(n))
				}
			})
		}
		r := resuming{api: a, prefix: prefix, last: "0-00000000"}
		for n := range slowtest.Rounds(30, 100) {
			for i := range 10 {
				turns <- n + i
			}
			r.read(t, "")
		}
		close(turns)
		writing.Wait()
		all, err := a.Events.Read(t.Context(), 0, eventstore.Limit{Records: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, e := range all {
			if strings.HasPrefix(e.Name, prefix) {
				want = append(want, eventstore.NewPosition(e.Seq, e.Hash).String())
			}
		}
		r.read(t, a.at(t, len(all)))
		if !slices.Equal(r.got, want) {
			t.Errorf("prefix %q: got %d changes, want %d, or others", prefix, len(r.got), len(want))
		}
	}
}

// resuming is a reader whose connection is cut again and again.
type resuming struct {
	api          *api
	prefix, last string
	got          []string // positions of changes
}

// read opens a stream, reads one event, or all up to a position, and cuts it.
func (r *resuming) read(t *testing.T, upTo string) {
	t.Helper()
	l := r.api.MustListen(t, `subscription($p:String){configChanges(filter:{prefix:$p}){changes{position}}}`, vars{"p": r.prefix}, r.last)
	defer l.body.Close()
	for once := true; once || upTo != "" && r.last != upTo; once = false {
		var result struct {
			Data struct {
				ConfigChanges struct{ Changes []struct{ Position string } }
			}
		}
		_, id, data := l.event()
		if err := json.Unmarshal([]byte(data), &result); err != nil || id == "" {
			t.Fatalf("got %s with id %q, %v", data, id, err)
		}
		for _, change := range result.Data.ConfigChanges.Changes {
			r.got = append(r.got, change.Position)
		}
		r.last = id
	}
}
