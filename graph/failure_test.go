package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/edgetest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/feed"
	"configapi/internal/requestid"
)

// errSecret is what clients must not see.
var errSecret = errors.New("dial tcp 10.1.2.3:5432: password hunter2 refused")

// failing is an event store in memory whose operations can be made to fail.
type failing struct {
	*memory.Store
	mu     sync.Mutex // guards the following, of which nil does nothing
	append func(ctx context.Context) error
	read   func(ctx context.Context, records []eventstore.Record) error
}

func (f *failing) fail(append func(context.Context) error, read func(context.Context, []eventstore.Record) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.append, f.read = append, read
}

func (f *failing) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	f.mu.Lock()
	hook := f.append
	f.mu.Unlock()
	if hook != nil {
		if err := hook(ctx); err != nil {
			return err
		}
	}
	return f.Store.Append(ctx, expected, records, receipts...)
}

func (f *failing) ReadConfigBack(ctx context.Context, basis eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := f.Store.ReadConfigBack(ctx, basis, name, before, limit)
	return f.afterRead(ctx, records, err)
}

func (f *failing) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := f.Store.ReadHistory(ctx, basis, after, limit)
	if after != 0 { // what a stream from the beginning reads, and nobody else here
		return records, err
	}
	return f.afterRead(ctx, records, err)
}

func (f *failing) afterRead(ctx context.Context, records []eventstore.Record, err error) ([]eventstore.Record, error) {
	f.mu.Lock()
	hook := f.read
	f.mu.Unlock()
	if hook != nil && err == nil {
		err = hook(ctx, records)
	}
	return records, err
}

// testLog is a log that a test can read.
type testLog struct {
	mu    sync.Mutex // guards lines
	lines bytes.Buffer
}

func (l *testLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(line)
}

// entries returns the lines since the last call.
func (l *testLog) entries(t testing.TB) (entries []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for decoder := json.NewDecoder(&l.lines); decoder.More(); {
		var entry map[string]any
		if err := decoder.Decode(&entry); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	l.lines.Reset()
	return entries
}

// MustServeFailing returns an API on an event store that can be made to fail, and its log. The ring
// of its feed holds one event.
func MustServeFailing(t *testing.T, opts configstore.Options) (*api, *failing, *testLog) {
	t.Helper()
	events, log := &failing{Store: memory.New()}, &testLog{}
	opts.Feed = feed.Options{RingEvents: 1}
	a := MustServe(t, events, opts, graph.Options{
		Log:       slog.New(slog.NewJSONHandler(log, nil)),
		RequestID: func(context.Context) string { return "request-7" },
	})
	for range 3 {
		a.MustSet(t, "a", "1")
	}
	t.Cleanup(func() { events.fail(nil, nil) })
	return a, events, log
}

// wantHidden checks the answer to an internal error, and that its one line in the log has the text
// that the answer hides.
func wantHidden(t testing.TB, answer, want string, log *testLog, level string, logs ...string) {
	t.Helper()
	if !strings.Contains(answer, want) {
		t.Errorf("got %s, want in it %s", answer, want)
	}
	for _, inside := range []string{"hunter2", "Secret", "boom", ".go:", "goroutine"} {
		if strings.Contains(answer, inside) {
			t.Errorf("the answer shows %q: %s", inside, answer)
		}
	}
	entries := log.entries(t)
	if len(entries) != 1 {
		t.Fatalf("%d lines in the log, want 1: %v", len(entries), entries)
	}
	line := fmt.Sprint(entries[0])
	for _, part := range append(logs, "level:"+level, "request_id:request-7") {
		if !strings.Contains(line, part) {
			t.Errorf("the log says %s, want in it %q", line, part)
		}
	}
}

const internalError = `"message":"something went wrong here; the request id leads to the details in the server's log","path":[%s],"locations":[{"line":1,"column":%d}],"extensions":{"code":"INTERNAL","requestId":"request-7"}}]`

const history = `{history(name:"a"){nodes{version}} bounds{earliest}}`

func TestInternalErrors(t *testing.T) {
	a, events, log := MustServeFailing(t, configstore.Options{})
	events.fail(nil, func(_ context.Context, records []eventstore.Record) error {
		for i := range records {
			records[i].Type = "ConfigSecretSet"
		}
		return nil
	})
	want := fmt.Sprintf(internalError, `"history"`, 2) + `,"data":{"history":null,"bounds":{"earliest":"@0"}}}`
	wantHidden(t, a.MustPost(t, history, nil), want, log, "ERROR", "ConfigSecretSet", "seq 3")
	want = fmt.Sprintf(internalError, `"config","history"`, 19) + `,"data":{"config":{"history":null}}}`
	wantHidden(t, a.MustPost(t, `{config(name:"a"){history{nodes{version}}}}`, nil), want, log, "ERROR", "ConfigSecretSet")
}

func TestPanics(t *testing.T) {
	a, events, log := MustServeFailing(t, configstore.Options{})
	events.fail(nil, func(context.Context, []eventstore.Record) error { panic("boom") })
	want := strings.Replace(fmt.Sprintf(internalError, `"history"`, 2), `"locations":[{"line":1,"column":2}],`, "", 1)
	wantHidden(t, a.MustPost(t, history, nil), want, log, "ERROR", "boom", "failure_test.go", "stack")

	c := a.MustDial(t)
	c.subscribe("1", watchChanges, vars{"after": "0-00000000"})
	wantHidden(t, c.receive(), `{"id":"1","type":"error","payload":[{"message":"something went wrong here`, log, "ERROR", "boom", "failure_test.go", "stack")
	events.fail(nil, nil)
	c.subscribe("1", watchConfig, vars{"n": "b"})
	c.wantNext("1", `"config":null`)
}

func TestUnreachableStore(t *testing.T) {
	a, events, log := MustServeFailing(t, configstore.Options{})
	events.fail(nil, func(context.Context, []eventstore.Record) error { return errSecret })
	const unavailable = `"message":"the store is not available; try again later","path":["history"],"locations":[{"line":1,"column":2}],"extensions":{"code":"UNAVAILABLE"}`
	wantHidden(t, a.MustPost(t, history, nil), unavailable, log, "WARN", "hunter2")

	c := a.MustDial(t)
	c.subscribe("1", watchChanges, vars{"after": "0-00000000"})
	wantHidden(t, c.receive(), `{"id":"1","type":"error","payload":[{"message":"the store is not available; try again later"`, log, "WARN", "hunter2")

	// What is in memory is there all the same.
	a.want(t, `{config(name:"a"){version} configs{totalCount}}`, nil, `{"data":{"config":{"version":3},"configs":{"totalCount":1}}}`)
}

const set = `mutation{setConfig(input:{name:"a",value:"2"}){__typename}}`

func TestWritesOfUncertainOutcome(t *testing.T) {
	a, events, log := MustServeFailing(t, configstore.Options{WriteTimeout: 50 * time.Millisecond})
	events.fail(func(context.Context) error { return fmt.Errorf("%w: %w", errSecret, eventstore.ErrNotWritten) }, nil)
	const no = `"message":"nothing was written: the store is not available; try again later","path":["setConfig"],"locations":[{"line":1,"column":10}],"extensions":{"code":"UNAVAILABLE"}}],"data":{"setConfig":null}`
	wantHidden(t, a.MustPost(t, set, nil), no, log, "WARN", "hunter2")

	events.fail(func(context.Context) error { return errSecret }, nil)
	const unknown = `"message":"the outcome is unknown: the change may have been made; read the config before trying again","path":["setConfig"],"locations":[{"line":1,"column":10}],"extensions":{"code":"UNAVAILABLE","outcomeUnknown":true}}],"data":{"setConfig":null}`
	wantHidden(t, a.MustPost(t, set, nil), unknown, log, "WARN")
}

func TestNotReady(t *testing.T) {
	log := &testLog{}
	h := graph.NewHandler(configstore.New(memory.New(), configstore.Options{}), graph.Options{
		Log: slog.New(slog.NewJSONHandler(log, nil)), RequestID: requestid.From,
	})
	var slot requestid.Slot
	slot.Set(new("request-7"))
	answer := serve(requestid.With(t.Context(), &slot), h, `{"query":"mutation{setConfig(input:{name:\"a\",value:\"2\"}){__typename}}"}`)
	wantHidden(t, answer, `"message":"nothing was written: the store is not available; try again later"`, log, "WARN", "it has not read its history yet")
}

// TestClientGoes disconnects during a read. That is not logged.
func TestClientGoes(t *testing.T) {
	a, events, log := MustServeFailing(t, configstore.Options{})
	began := make(chan struct{})
	events.fail(nil, func(ctx context.Context, _ []eventstore.Record) error {
		close(began)
		<-ctx.Done()
		return ctx.Err()
	})
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan string)
	go func() { done <- serve(ctx, a.handler, `{"query":"{history(name:\"a\"){nodes{version}}}"}`) }()
	<-began
	leave()
	if answer := <-done; strings.Contains(answer, "INTERNAL") {
		t.Errorf("got %s", answer)
	}
	if entries := log.entries(t); len(entries) > 0 {
		t.Errorf("the log says %v", entries)
	}
}

// TestOutOfTime has a request whose time ends while it waits for a position.
func TestOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, events := &testLog{}, memory.New()
		late := edgetest.NewDelayed(events)
		store := configstoretest.On(t, late, configstore.Options{PositionWait: time.Hour})
		show := late.Hide()
		defer show()
		unseen := configstoretest.On(t, events, configstore.Options{}).MustSet(t, "a", "1").Position.String()
		h := graph.NewHandler(store.Store, graph.Options{
			Log: slog.New(slog.NewJSONHandler(log, nil)), RequestID: func(context.Context) string { return "request-7" },
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		answer := serve(ctx, h, `{"query":"{asOf(at:{position:\"`+unseen+`\"}){position}}"}`)
		wantHidden(t, answer, `{"errors":[{"message":"the request ran out of time; ask for less, or try again","extensions":{"code":"UNAVAILABLE"}}]}`, log, "WARN", "context deadline exceeded")
	})
}

// serve hands a request to a handler without a network.
func serve(ctx context.Context, h http.Handler, body string) string {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body)).WithContext(ctx)
	r.Header.Set("Content-Type", "application/json")
	h.ServeHTTP(w, r)
	return w.Body.String()
}

// TestNoLog has a handler without a log and without request ids.
func TestNoLog(t *testing.T) {
	events := &failing{Store: memory.New()}
	a := MustServe(t, events, configstore.Options{}, graph.Options{})
	a.MustSet(t, "a", "1")
	events.fail(nil, func(context.Context, []eventstore.Record) error { panic("boom") })
	got := a.MustRefuse(t, history, nil)
	if _, named := got.Extensions["requestId"]; named || got.code() != "INTERNAL" {
		t.Errorf("got %v", got)
	}
}
