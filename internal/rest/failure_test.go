package rest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/feed"
	"configapi/internal/rest"
	"configapi/internal/writer"
)

const secret = "password=hunter2"

var errUnreachable = errors.New("dial tcp 10.0.0.1:5432: " + secret)

// failing is a real event store with some methods that fail on demand.
type failing struct {
	eventstore.Store
	append      atomic.Pointer[error] // what Append answers instead of appending; nil: it appends
	readConfig  atomic.Int64          // after how many more calls ReadConfig fails; negative: never
	unreachable atomic.Bool
	noVersions  atomic.Bool // ReadVersions fails
}

func newFailing() *failing {
	f := &failing{Store: memory.New()}
	f.readConfig.Store(-1)
	return f
}

func (f *failing) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	if err := f.append.Load(); err != nil {
		return *err
	}
	return f.Store.Append(ctx, expected, records, receipts...)
}

func (f *failing) Head(ctx context.Context) (eventstore.Head, error) {
	if f.unreachable.Load() {
		return eventstore.Head{}, errUnreachable
	}
	return f.Store.Head(ctx)
}

func (f *failing) ReadVersions(ctx context.Context, basis eventstore.Head, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	if f.noVersions.Load() {
		return nil, errUnreachable
	}
	return f.Store.ReadVersions(ctx, basis, versions, limit)
}

func (f *failing) ReadConfig(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	if left := f.readConfig.Load(); left == 0 {
		return nil, errUnreachable
	} else if left > 0 {
		f.readConfig.Store(left - 1)
	}
	return f.Store.ReadConfig(ctx, basis, name, after, limit)
}

// breakAppend makes appends fail with err, until mend.
func (f *failing) breakAppend(err error) { f.append.Store(&err) }
func (f *failing) mend()                 { f.append.Store(nil); f.unreachable.Store(false); f.readConfig.Store(-1) }

// TestUnknownOutcomeOfASet: a set that may have been written says so.
func TestUnknownOutcomeOfASet(t *testing.T) {
	t.Parallel()
	events := newFailing()
	s := MustServe(t, configstoretest.On(t, events, configstore.Options{WriteTimeout: 50 * time.Millisecond, Writer: writer.Options{RetryMin: time.Millisecond}}))
	s.MustSet(t, "a", "x")
	events.unreachable.Store(true)
	events.breakAppend(errUnreachable)
	checkUnknown(t, "POST", s.MustDo(t, "POST /changes", oneChange))
	events.mend()
}

// TestRejectionWithoutRevisions: a rejection does not become uncertain when the config as it is
// cannot be shown.
func TestRejectionWithoutRevisions(t *testing.T) {
	events := newFailing()
	s := MustServe(t, configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}}))
	s.MustSet(t, "a", "x")
	s.MustSet(t, "a", "y")
	s.MustSet(t, "b", "x")
	s.MustSet(t, "c", "x")
	events.noVersions.Store(true)
	got := s.MustDo(t, "POST /changes", `{"changes":[{"set":{"name":"b","value":"z","expectedVersion":2}},{"set":{"name":"a","value":"z","expectedVersion":1}}]}`)
	MustBeProblem(t, "POST /changes", got, 409, "VERSION_CONFLICT")
	var p struct{ Errors []map[string]any }
	mustDecode(t, got.body, &p)
	_, first := p.Errors[0]["current"]
	_, second := p.Errors[1]["current"]
	if len(p.Errors) != 2 || first || second {
		t.Errorf("got %s", got.body)
	}
}

func checkUnknown(t *testing.T, request string, got answer) {
	t.Helper()
	p := MustBeProblem(t, request, got, 503, "UNAVAILABLE")
	if !strings.Contains(p.Detail, "outcome is unknown") || !strings.Contains(got.body, `"outcome_unknown":true`) {
		t.Errorf("%s: got %s, want it to say that the outcome is unknown", request, got.body)
	}
	checkUnavailable(t, request, got)
}

const oneChange = `{"changes":[{"set":{"name":"a","value":"y"}}]}`

func TestUnavailable(t *testing.T) {
	t.Parallel()
	events := newFailing()
	s := MustServe(t, configstoretest.On(t, events, configstore.Options{WriteTimeout: 50 * time.Millisecond, Writer: writer.Options{RetryMin: time.Millisecond}}))
	s.MustSet(t, "a", "x")

	events.breakAppend(fmt.Errorf("%w: %w", eventstore.ErrNotWritten, errUnreachable))
	for request, body := range map[string]string{"PUT /config/a": `{"value":"y"}`, "DELETE /config/a": "", "POST /changes": oneChange} {
		got := s.MustDo(t, request, body)
		p := MustBeProblem(t, request, got, 503, "UNAVAILABLE")
		if !strings.Contains(p.Detail, "nothing was written") || strings.Contains(got.body, "outcome_unknown") {
			t.Errorf("%s: got %s, want it to say that nothing was written", request, got.body)
		}
		checkUnavailable(t, request, got)
	}

	events.unreachable.Store(true)
	events.breakAppend(errUnreachable)
	got := s.MustDo(t, "PUT /config/a", `{"value":"y"}`)
	checkUnknown(t, "PUT", got)

	// Reads go on.
	if got := s.MustDo(t, "GET /config/a", ""); got.status != 200 || got.body != "x" {
		t.Errorf("GET while the store is unreachable: %d %s", got.status, got.body)
	}
	events.mend()
	got = s.MustDo(t, "PUT /config/a", `{"value":"z"}`)
	for tries := 0; got.status == 503 && tries < 100; tries++ { // the writer resolves the last
		got = s.MustDo(t, "PUT /config/a", `{"value":"z"}`)
	}
	if got.status != 200 {
		t.Errorf("PUT after the store is back: %d %s", got.status, got.body)
	}
}

func checkUnavailable(t *testing.T, request string, got answer) {
	t.Helper()
	if got.header.Get("Retry-After") == "" {
		t.Errorf("%s: no Retry-After", request)
	}
	if strings.Contains(got.body, "tcp") || strings.Contains(got.body, secret) {
		t.Errorf("%s: %s shows the cause", request, got.body)
	}
}

// TestHistoryThatBreaksOff must not give half an array that looks like a whole one.
func TestHistoryThatBreaksOff(t *testing.T) {
	events := newFailing()
	s := MustServe(t, configstoretest.On(t, events, configstore.Options{}))
	for range configstore.MaxPageSize + 1 {
		s.MustSet(t, "a", strings.Repeat("v", 100))
	}

	events.readConfig.Store(0) // nothing has been sent yet, so the answer can be an error
	got := s.MustDo(t, "GET /config/a/history", "")
	MustBeProblem(t, "GET /config/a/history", got, 503, "UNAVAILABLE")
	checkUnavailable(t, "GET /config/a/history", got)
	checkVersion(t, s, "GET /config/a/history", got, 0)

	events.readConfig.Store(1) // on the second page
	response, err := s.server.Client().Get(s.server.URL + "/config/a/history")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if response.StatusCode != 200 || !errors.Is(err, io.ErrUnexpectedEOF) || strings.HasSuffix(string(body), "]") {
		t.Errorf("got %d, %d bytes that end with %q, and %v; want an answer that breaks off", response.StatusCode, len(body), body[len(body)-1:], err)
	}
	events.readConfig.Store(1) // of which a HEAD needs nothing
	if got := s.MustDo(t, "HEAD /config/a/history", ""); got.status != 200 || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: got %d, %v", got.status, got.header)
	}
	events.mend()

	s.MustDelete(t, "a") // the newest version of a deleted config is read from the store
	events.readConfig.Store(0)
	MustBeProblem(t, "history of a deleted config", s.MustDo(t, "GET /config/a/history", ""), 503, "UNAVAILABLE")
}

// TestInternalErrors has an event in the history whose details no client may see.
func TestInternalErrors(t *testing.T) {
	events := &mangled{Store: memory.New()}
	store := configstoretest.On(t, events, configstore.Options{})
	store.MustSet(t, "a", "x")
	events.mangle.Store(true)
	var log bytes.Buffer
	edge := rest.New(store.Store, rest.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	w := httptest.NewRecorder()
	edge.ServeHTTP(w, httptest.NewRequest("GET", "/config/a/history", nil))
	got := answer{status: w.Code, body: w.Body.String(), header: w.Header()}
	MustBeProblem(t, "history", got, 500, "INTERNAL")
	if strings.Contains(got.body, "decod") || strings.Contains(got.body, "ConfigValueSet") {
		t.Errorf("the answer shows the inside: %s", got.body)
	}
	if !strings.Contains(log.String(), "decoding the event at seq 1") {
		t.Errorf("the log does not have the details: %s", log.String())
	}
}

// mangled is a store whose records cannot be decoded.
type mangled struct {
	eventstore.Store
	mangle atomic.Bool
}

func (m *mangled) ReadConfig(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := m.Store.ReadConfig(ctx, basis, name, after, limit)
	if m.mangle.Load() {
		for i := range records {
			records[i].Data = "{}"
		}
	}
	return records, err
}

// TestClientGone shows that a request whose client has disconnected is not logged as a fault of the
// server.
func TestClientGone(t *testing.T) {
	store := configstoretest.On(t, memory.New(), configstore.Options{})
	store.MustSet(t, "a", "x")
	var log bytes.Buffer
	edge := rest.New(store.Store, rest.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, request := range []*http.Request{
		httptest.NewRequestWithContext(ctx, "GET", "/config/a/history", nil),
		httptest.NewRequestWithContext(ctx, "DELETE", "/config/a", nil),
	} {
		func() {
			defer func() {
				if failure := recover(); failure != nil && failure != http.ErrAbortHandler {
					t.Errorf("%s: panic %v", request.URL, failure)
				}
			}()
			edge.ServeHTTP(httptest.NewRecorder(), request)
		}()
	}
	if log.Len() > 0 {
		t.Errorf("logged: %s", log.String())
	}
}
