package problem_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/fault"
	"configapi/internal/problem"
)

func TestWrite(t *testing.T) {
	version := 0
	for _, row := range []struct {
		problem problem.Problem
		want    string
		headers http.Header
	}{
		{
			problem.Problem{Kind: fault.InvalidInput, Detail: "name is empty"},
			`{"type":"about:blank","title":"Bad Request","status":400,"detail":"name is empty","code":"INVALID_INPUT"}`,
			http.Header{},
		},
		{
			problem.Problem{Kind: fault.VersionConflict, Detail: "no", CurrentVersion: &version},
			`{"type":"about:blank","title":"Precondition Failed","status":412,"detail":"no","code":"VERSION_CONFLICT","current_version":0}`,
			http.Header{},
		},
		{
			problem.Problem{Kind: fault.Unavailable, Detail: "<later>\n", OutcomeUnknown: true, RequestID: "a-1"},
			`{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"\u003clater\u003e\n","code":"UNAVAILABLE","outcome_unknown":true,"request_id":"a-1"}`,
			http.Header{"Retry-After": {"1"}},
		},
	} {
		row.headers["Content-Length"] = []string{strconv.Itoa(len(row.want))}
		row.headers["Content-Type"] = []string{"application/problem+json"}
		row.headers["X-Content-Type-Options"] = []string{"nosniff"}
		w := httptest.NewRecorder()
		row.problem.Write(w)
		if w.Code != row.problem.Kind.Status() || w.Body.String() != row.want {
			t.Errorf("got %d %s, want %d %s", w.Code, w.Body, row.problem.Kind.Status(), row.want)
		}
		if diff := cmp.Diff(row.headers, w.Header()); diff != "" {
			t.Errorf("%s: headers (-want +got)\n%s", row.want, diff)
		}
	}
}

// TestResponse reads a problem as a client does that got it without a server of net/http.
func TestResponse(t *testing.T) {
	for kind, want := range map[fault.Kind]string{fault.Unavailable: "1", fault.Denied: ""} {
		p := problem.Problem{Kind: kind, Detail: "x"}
		response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(p.Response())), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || string(body) != string(p.JSON()) || response.ContentLength != int64(len(body)) || response.StatusCode != kind.Status() ||
			!response.Close || response.Header.Get("Content-Type") != problem.ContentType || response.Header.Get("Retry-After") != want {
			t.Errorf("got %+v with %s, %v", response, body, err)
		}
	}
}

// TestAllKinds shows that a problem has the status and the code of its kind.
func TestAllKinds(t *testing.T) {
	for kind := fault.Internal; kind <= fault.PersistedQuery; kind++ {
		w := httptest.NewRecorder()
		problem.Problem{Kind: kind, Detail: "x"}.Write(w)
		var got struct {
			Status      int
			Code, Title string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if w.Code != kind.Status() || got.Status != kind.Status() || got.Code != kind.Code() || got.Title != http.StatusText(kind.Status()) {
			t.Errorf("kind %d: got status %d and %+v", kind, w.Code, got)
		}
		if asks := w.Header().Get("WWW-Authenticate") == problem.Rejected; asks != (kind == fault.Unauthenticated) {
			t.Errorf("kind %d: WWW-Authenticate: %t", kind, asks)
		}
		if later := w.Header().Get("Retry-After") != ""; later != (kind == fault.Unavailable) {
			t.Errorf("kind %d: Retry-After: %t", kind, later)
		}
	}
}
