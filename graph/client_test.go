package graph_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"configapi/graph"
	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// epoch is the time of the first command of a test. Each further command is a second later.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// clock returns the clock of a test. A store reads it once when it is made, hence the 2.
func clock() func() time.Time {
	var ticks atomic.Int64
	return func() time.Time { return epoch.Add(time.Duration(ticks.Add(1)-2) * time.Second) }
}

// api is the GraphQL edge of a config store behind a real HTTP server.
type api struct {
	*configstoretest.Store
	handler *graph.Handler
	url     string
	close   func() // waits until all requests are answered
}

func MustStart(t testing.TB) *api {
	t.Helper()
	return MustServe(t, memory.New(), configstore.Options{}, graph.Options{})
}

func MustServe(t testing.TB, events eventstore.Store, storeOptions configstore.Options, options graph.Options) *api {
	t.Helper()
	if storeOptions.Now == nil {
		storeOptions.Now, storeOptions.ClockInterval = clock(), -1
	}
	store := configstoretest.On(t, events, storeOptions)
	handler := graph.NewHandler(store.Store, options)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		if err := handler.Shutdown(context.Background()); err != nil {
			t.Errorf("shutting down: %v", err)
		}
	})
	return &api{store, handler, server.URL, server.Close}
}

// vars are the variables of an operation.
type vars map[string]any

// raw is JSON for a variable.
type raw = json.RawMessage

// MustPost sends an operation and returns the body of the answer, with positions as in @7.
func (a *api) MustPost(t testing.TB, query string, variables vars) string {
	t.Helper()
	return plain(a.MustPostRaw(t, query, variables))
}

// MustPostRaw sends an operation and returns the body of the answer as it came.
func (a *api) MustPostRaw(t testing.TB, query string, variables vars) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(a.url, "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Errorf("%s: got %s, want 200: %s", query, response.Status, answer)
	}
	return string(answer)
}

// want sends an operation and compares the whole answer.
func (a *api) want(t testing.TB, query string, variables vars, answer string) {
	t.Helper()
	if diff := cmp.Diff(answer, a.MustPost(t, query, variables)); diff != "" {
		t.Errorf("%.1000s %.200v (-want +got)\n%s", query, variables, diff)
	}
}

// refusal is an error of an answer.
type refusal struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path"`
	Extensions map[string]any `json:"extensions"`
}

func (r refusal) code() any { return r.Extensions["code"] }

// MustRefuse sends an operation that must fail with one error.
func (a *api) MustRefuse(t testing.TB, query string, variables vars) refusal {
	t.Helper()
	body := a.MustPostRaw(t, query, variables)
	var answer struct{ Errors []refusal }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Errors) != 1 {
		t.Fatalf("%.1000s %.200v: got %.2000s, want one error", query, variables, body)
	}
	return answer.Errors[0]
}

// wantRefused sends an operation that must fail with one error of this code, whose text contains
// says.
func (a *api) wantRefused(t testing.TB, query string, variables vars, code, says string) {
	t.Helper()
	if got := a.MustRefuse(t, query, variables); got.code() != code || !strings.Contains(got.Message, says) {
		t.Errorf("%.1000s %.200v: got %v, want code %s and a message with %q", query, variables, got, code, says)
	}
}

// MustGet sends an operation that must succeed, and returns the value at a path of its data.
func MustGet[T any](t testing.TB, a *api, query string, variables vars, path ...string) (value T) {
	t.Helper()
	body := a.MustPostRaw(t, query, variables)
	var answer struct {
		Data   json.RawMessage
		Errors json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Errors != nil {
		t.Fatalf("%.1000s %.200v: got %.2000s", query, variables, body)
	}
	at := answer.Data
	for _, name := range path {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(at, &object); err != nil {
			t.Fatalf("%q of %s: %v", path, body, err)
		}
		at = object[name]
	}
	if err := json.Unmarshal(at, &value); err != nil {
		t.Fatalf("%q of %s: %v", path, body, err)
	}
	return value
}

// head returns the newest position.
func (a *api) head() string { return a.Reader(auth.Anonymous).Head().Position().String() }

// at returns the text of the position of an event.
func (a *api) at(t testing.TB, position int) string {
	t.Helper()
	if position == 0 {
		return eventstore.Position{}.String()
	}
	records, err := a.Events.Read(t.Context(), eventstore.Seq(position-1), eventstore.Limit{Records: 1})
	if err != nil || len(records) != 1 {
		t.Fatalf("reading position %d: %d records, %v", position, len(records), err)
	}
	return eventstore.NewPosition(records[0].Seq, records[0].Hash).String()
}

var positions = regexp.MustCompile(`"(\d+)-[0-9a-f]{8}"`)

// plain replaces positions by their seqs: their hashes are random.
func plain(body string) string { return positions.ReplaceAllString(body, `"@$1"`) }
