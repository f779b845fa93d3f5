package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"configapi/internal/configstore"
)

// problemDetails is a problem as a client reads it.
type problemDetails struct {
	Type, Title, Detail, Code string
	Status                    int
	CurrentVersion            *int `json:"current_version"`
}

// MustBeProblem checks that an answer is a problem with a status and a code, and returns it.
func MustBeProblem(t testing.TB, request string, got answer, status int, code string) problemDetails {
	t.Helper()
	var p problemDetails
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		t.Fatalf("%s: %d %q is no problem: %v", request, got.status, got.body, err)
	}
	if got.status != status || p.Status != status || p.Code != code || p.Type != "about:blank" || p.Title != http.StatusText(status) || p.Detail == "" {
		t.Errorf("%s: got %d %s, want %d with code %s", request, got.status, got.body, status, code)
	}
	if got.header.Get("Content-Type") != "application/problem+json" || got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: headers %v", request, got.header)
	}
	if status != http.StatusForbidden && got.header.Get("Config-Position") == "" {
		t.Errorf("%s: no Config-Position", request)
	}
	return p
}

// TestConditions walks through the life of a config. Each row is a change on condition and its outcome: the status, and the
// version that the answer tells.
func TestConditions(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for _, row := range []struct {
		request, condition string
		status, version    int
	}{
		// It never existed.
		{"DELETE", `If-Match: "1"`, 404, 0}, // missing goes before version
		{"DELETE", `If-None-Match: *`, 404, 0},
		{"POST", `If-Match: "1"`, 404, 0},
		{"POST", `If-None-Match: *`, 404, 0},
		{"PUT", `If-Match: "1"`, 412, 0},
		{"PUT", `If-None-Match: *`, 200, 1},
		// It exists.
		{"PUT", `If-None-Match: *`, 412, 1},
		{"PUT", `If-Match: "2"`, 412, 1},
		{"PUT", `If-Match: "1"`, 200, 2},
		{"PUT", `If-Match: "1"`, 412, 2},
		{"DELETE", `If-None-Match: *`, 412, 2},
		{"DELETE", `If-Match: "1"`, 412, 2},
		{"POST", `If-Match: "1"`, 409, 2}, // not deleted goes before version
		{"POST", `If-Match: "2"`, 409, 2},
		{"DELETE", `If-Match: "2"`, 200, 3},
		// It is deleted.
		{"PUT", `If-Match: "3"`, 410, 3},
		{"PUT", `If-Match: "1"`, 410, 3}, // deleted goes before version
		{"PUT", `If-None-Match: *`, 410, 3},
		{"DELETE", `If-Match: "3"`, 410, 3},
		{"DELETE", `If-None-Match: *`, 410, 3},
		{"POST", `If-Match: "2"`, 412, 3},
		{"POST", `If-Match: "3"`, 200, 4},
		{"DELETE", ``, 200, 5},
		{"POST", `If-None-Match: *`, 200, 6}, // it did not exist, which is the condition
	} {
		request, body := row.request+" /config/a", ""
		switch row.request {
		case "PUT":
			body = `{"value":"x"}`
		case "POST":
			request += "/restore"
		}
		got := s.MustDo(t, request, body, row.condition)
		label := request + " " + row.condition
		if got.status != row.status {
			t.Errorf("%s: got %d %s, want %d", label, got.status, got.body, row.status)
		}
		checkVersion(t, label, got, row.version)
		if row.status == http.StatusPreconditionFailed {
			p := MustBeProblem(t, label, got, 412, "VERSION_CONFLICT")
			if p.CurrentVersion == nil || *p.CurrentVersion != row.version {
				t.Errorf("%s: %s does not tell the present version %d", label, got.body, row.version)
			}
		}
		if got.header.Get("Config-Position") != s.head() {
			t.Errorf("%s: position %s, want %s", label, got.header.Get("Config-Position"), s.head())
		}
	}
}

func checkVersion(t *testing.T, label string, got answer, version int) {
	t.Helper()
	wantTag, wantVersion := "", ""
	if version > 0 {
		wantTag, wantVersion = fmt.Sprintf(`"%d"`, version), fmt.Sprint(version)
	}
	if got.header.Get("ETag") != wantTag || got.header.Get("Config-Version") != wantVersion {
		t.Errorf("%s: got ETag %q, Config-Version %q, want version %d", label, got.header.Get("ETag"), got.header.Get("Config-Version"), version)
	}
}

func TestConditionsThatAreNone(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "x")
	for _, condition := range []string{
		`If-Match: *`, `If-Match: 1`, `If-Match: "0"`, `If-Match: "01"`, `If-Match: "+1"`, `If-Match: "-1"`, `If-Match: W/"1"`,
		`If-Match: "1", "2"`, `If-Match: "1" & "1"`, `If-Match: ""`, `If-Match: "`, `If-Match: "1`, `If-Match: "x"`, `If-Match: "1.0"`,
		`If-Match: "99999999999999999999"`, `If-Match:  `,
		`If-None-Match: "1"`, `If-None-Match: "*"`, `If-None-Match: *, *`, `If-None-Match: * & *`, `If-None-Match: 1`,
	} {
		for _, request := range []string{"PUT /config/a", "DELETE /config/a", "POST /config/a/restore"} {
			body := ""
			if strings.HasPrefix(request, "PUT") {
				body = `{"value":"y"}`
			}
			got := s.MustDo(t, request, body, condition)
			p := MustBeProblem(t, request+" "+condition, got, 400, "INVALID_INPUT")
			if name, _, _ := strings.Cut(condition, ":"); !strings.HasPrefix(p.Detail, name) {
				t.Errorf("%s: %q does not name the header", condition, p.Detail)
			}
		}
	}
	got := s.MustDo(t, "PUT /config/a", `{"value":"y"}`, `If-Match: "1"`, "If-None-Match: *")
	MustBeProblem(t, "both", got, 400, "INVALID_INPUT")
	if c := s.MustDo(t, "GET /config/a", ""); c.header.Get("Config-Version") != "1" {
		t.Errorf("the config was changed to version %s", c.header.Get("Config-Version"))
	}
}

func TestNotModified(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "one")
	s.MustSet(t, "a", "two")
	for _, row := range []struct {
		condition string
		status    int
	}{
		{`If-None-Match: "2"`, 304},
		{`If-None-Match: W/"2"`, 304},
		{`If-None-Match: *`, 304},
		{`If-None-Match: "x", "1" , W/"2"`, 304},
		{`If-None-Match: "1" & "2"`, 304},
		{`If-None-Match: "1"`, 200},
		{`If-None-Match: "3"`, 200},
		{`If-None-Match: 2`, 200},
		{`If-None-Match: nonsense,,"`, 200},
	} {
		for _, path := range []string{"/config/a", "/config/a/history", "/config/a/at/2999-01-01T00:00:00Z"} {
			for _, method := range []string{"GET", "HEAD"} {
				request := method + " " + path + " " + row.condition
				got := s.MustDo(t, method+" "+path, "", row.condition)
				if got.status != row.status || row.status == 304 && got.body != "" {
					t.Errorf("%s: got %d %q, want %d", request, got.status, got.body, row.status)
				}
				checkVersion(t, request, got, 2)
			}
		}
	}
	for _, path := range []string{"/config/none", "/config/a/at/1999-01-01T00:00:00Z"} {
		if got := s.MustDo(t, "GET "+path, "", `If-None-Match: *`); got.status != 404 {
			t.Errorf("GET %s: got %d, want 404: there is nothing that the client could have", path, got.status)
		}
	}
}

// TestRacingChangesOnCondition lets clients race for each version: one of them must win it, and all must hear the truth.
func TestRacingChangesOnCondition(t *testing.T) {
	const clients, rounds = 8, 25
	s := MustStart(t, configstore.Options{})
	var mu sync.Mutex // guards won
	var won []string  // versions, by the answers
	var racing sync.WaitGroup
	for range clients {
		racing.Go(func() {
			condition := `If-None-Match: *`
			for {
				got := s.MustDo(t, "PUT /config/a", `{"value":"x"}`, condition)
				version := got.header.Get("Config-Version")
				switch {
				case got.status == 200:
					mu.Lock()
					won = append(won, version)
					mu.Unlock()
				case got.status != 412:
					t.Errorf("got %d %s", got.status, got.body)
					return
				}
				if len(version) > 1 && version >= fmt.Sprint(rounds) {
					return
				}
				condition = `If-Match: ` + got.header.Get("ETag")
			}
		})
	}
	racing.Wait()
	slices.SortFunc(won, func(a, b string) int { return len(a)*1000 - len(b)*1000 + strings.Compare(a, b) })
	for i, version := range won {
		if version != fmt.Sprint(i+1) {
			t.Fatalf("versions won: %v, want each once", won)
		}
	}
	if len(won) < rounds {
		t.Errorf("%d versions won, want at least %d", len(won), rounds)
	}
}
