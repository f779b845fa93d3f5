package problem_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

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
			problem.Problem{Status: 400, Code: problem.InvalidInput, Detail: "name is empty"},
			`{"type":"about:blank","title":"Bad Request","status":400,"detail":"name is empty","code":"INVALID_INPUT"}`,
			http.Header{},
		},
		{
			problem.Problem{Status: 412, Code: problem.VersionConflict, Detail: "no", CurrentVersion: &version},
			`{"type":"about:blank","title":"Precondition Failed","status":412,"detail":"no","code":"VERSION_CONFLICT","current_version":0}`,
			http.Header{},
		},
		{
			problem.Problem{Status: 503, Code: problem.Unavailable, Detail: "<later>\n", OutcomeUnknown: true, RequestID: "a-1"},
			`{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"\u003clater\u003e\n","code":"UNAVAILABLE","outcome_unknown":true,"request_id":"a-1"}`,
			http.Header{"Retry-After": {"1"}},
		},
	} {
		row.headers["Content-Length"] = []string{strconv.Itoa(len(row.want))}
		row.headers["Content-Type"] = []string{"application/problem+json"}
		row.headers["X-Content-Type-Options"] = []string{"nosniff"}
		w := httptest.NewRecorder()
		row.problem.Write(w)
		if w.Code != row.problem.Status || w.Body.String() != row.want {
			t.Errorf("got %d %s, want %d %s", w.Code, w.Body, row.problem.Status, row.want)
		}
		if diff := cmp.Diff(row.headers, w.Header()); diff != "" {
			t.Errorf("%s: headers (-want +got)\n%s", row.want, diff)
		}
	}
}
