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
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
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
	// OPTIONS needs no token, and so must not show that something has changed.
	position, shown := got.header.Get("Config-Position"), !strings.HasPrefix(request, "OPTIONS ")
	if shown && status != http.StatusForbidden && position == "" || !shown && position != "" {
		t.Errorf("%s: Config-Position is %q", request, position)
	}
	return p
}

// TestConditions walks through the life of a config. Each row is a change on condition and its
// outcome: the status, and the version that the answer has. Of the tags in them, $2 is that of
// version 2, and ~2 that of another history.
func TestConditions(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for _, row := range []struct {
		request, condition string
		status, version    int
	}{
		// It never existed.
		{"DELETE", `If-Match: "1"`, 404, 0}, // missing goes before version
		{"DELETE", `If-Match: *`, 404, 0},
		{"DELETE", `If-None-Match: *`, 404, 0},
		{"POST", `If-Match: "1"`, 404, 0},
		{"POST", `If-None-Match: *`, 404, 0},
		{"PUT", `If-Match: "1"`, 412, 0},
		{"PUT", `If-Match: "0"`, 412, 0},
		{"PUT", `If-Match: ~1`, 412, 0},
		{"PUT", `If-Match: *`, 412, 0},
		{"PUT", `If-None-Match: *`, 200, 1},
		// It exists.
		{"PUT", `If-None-Match: *`, 412, 1},
		{"PUT", `If-Match: "2"`, 412, 1},
		{"PUT", `If-Match: ~1`, 412, 1},
		{"PUT", `If-Match: $1`, 200, 2},
		{"PUT", `If-Match: $1`, 412, 2},
		{"PUT", `If-Match: $1-j, $2-j`, 200, 3},
		{"PUT", `If-Match: *`, 200, 4},
		{"PUT", `If-Match: "4"`, 200, 5},
		{"DELETE", `If-None-Match: *`, 412, 5},
		{"DELETE", `If-None-Match: $5`, 412, 5},
		{"DELETE", `If-Match: $4`, 412, 5},
		{"DELETE", `If-Match: ~5-j`, 412, 5},
		{"POST", `If-Match: "1"`, 409, 5}, // not deleted goes before version
		{"POST", `If-Match: $5`, 409, 5},
		{"DELETE", `If-Match: $5`, 200, 6},
		// It is deleted.
		{"PUT", `If-Match: $6`, 410, 6},
		{"PUT", `If-Match: "1"`, 410, 6}, // deleted goes before version
		{"PUT", `If-Match: *`, 410, 6},
		{"PUT", `If-None-Match: *`, 410, 6},
		{"DELETE", `If-Match: $6`, 410, 6},
		{"DELETE", `If-None-Match: *`, 410, 6},
		{"POST", `If-Match: $5`, 412, 6},
		{"POST", `If-Match: ~6`, 412, 6},
		{"POST", `If-Match: *`, 412, 6}, // there is nothing now that could be meant
		{"POST", `If-None-Match: $6`, 412, 6},
		{"POST", `If-Match: $6`, 200, 7},
		{"DELETE", `If-None-Match: $6`, 200, 8},
		{"POST", `If-None-Match: *`, 200, 9}, // it did not exist, which is the condition
	} {
		request, body := row.request+" /config/a", ""
		switch row.request {
		case "PUT":
			body = `{"value":"x"}`
		case "POST":
			request += "/restore"
		}
		before := s.head()
		got := s.MustDo(t, request, body, s.expand(t, "a", row.condition))
		label := request + " " + row.condition
		if got.status != row.status || got.status != 200 && s.head() != before {
			t.Errorf("%s: got %d %s, want %d", label, got.status, got.body, row.status)
		}
		checkVersion(t, s, label, got, row.version)
		if row.status == http.StatusPreconditionFailed {
			p := MustBeProblem(t, label, got, 412, "VERSION_CONFLICT")
			if p.CurrentVersion == nil || *p.CurrentVersion != row.version {
				t.Errorf("%s: %s does not name the present version %d", label, got.body, row.version)
			}
			if strings.HasPrefix(row.condition, "If-None-Match") != strings.Contains(p.Detail, "If-None-Match") {
				t.Errorf("%s: %s does not say what the condition was", label, got.body)
			}
		}
		if got.header.Get("Config-Position") != s.head() {
			t.Errorf("%s: position %s, want %s", label, got.header.Get("Config-Position"), s.head())
		}
	}
}

// checkVersion checks that an answer is about a version of the config a; 0: about none.
func checkVersion(t *testing.T, s *service, label string, got answer, version int) {
	t.Helper()
	wantTag, wantVersion := "", ""
	if version > 0 {
		wantTag, wantVersion = s.tag(t, "a", version), fmt.Sprint(version)
	}
	if got.header.Get("ETag") != wantTag || got.header.Get("Config-Version") != wantVersion {
		t.Errorf("%s: got ETag %q, Config-Version %q, want version %d", label, got.header.Get("ETag"), got.header.Get("Config-Version"), version)
	}
}

// TestFormsOfConditions writes to a config of version 2 on conditions of every form, several lines
// and both fields included.
func TestFormsOfConditions(t *testing.T) {
	for _, row := range []struct {
		conditions string
		status     int
	}{
		{`If-Match: $2`, 200},
		{`If-Match: $2-j`, 200},
		{`If-Match: "2"`, 200},
		{`If-Match: *`, 200},
		{"If-Match: \t* ", 200},
		{`If-Match: "x", $1,$2`, 200},
		{`If-Match: "x" , ,	~2,, $2-j ,`, 200},
		{`If-Match: "1", "2"`, 200},
		{`If-Match: "1" & $2`, 200},
		{`If-Match: "with, comma", "with space", $2`, 200},

		{`If-Match: "1"`, 412},
		{`If-Match: $1`, 412},
		{`If-Match: ~2`, 412},
		{`If-Match: ~2-j`, 412},
		{`If-Match: W/$2`, 412}, // weak tags are never strongly equal
		{`If-Match: W/"2"`, 412},
		{`If-Match: "x" & ~2`, 412},
		{`If-Match: "x"`, 412},
		{`If-Match: ""`, 412},
		{`If-Match: "0"`, 412},
		{`If-Match: "02"`, 412},
		{`If-Match: "+2"`, 412},
		{`If-Match: "-2"`, 412},
		{`If-Match: "2.0"`, 412},
		{`If-Match: "2-"`, 412},
		{`If-Match: "2-j"`, 412},
		{`If-Match: "*"`, 412},
		{`If-Match: "99999999999999999999"`, 412},
		{`If-Match: "2, 2"`, 412},

		{`If-None-Match: $1`, 200},
		{`If-None-Match: ~2`, 200},
		{`If-None-Match: "2"`, 200}, // a bare version says nothing here
		{`If-None-Match: "x", W/$1`, 200},
		{`If-None-Match: *`, 412},
		{`If-None-Match: $2`, 412},
		{`If-None-Match: $2-j`, 412},
		{`If-None-Match: W/$2`, 412},
		{`If-None-Match: $1, W/$2-j`, 412},
		{`If-None-Match: "x" & $2`, 412},

		{`If-Match: $2 | If-None-Match: $1`, 200},
		{`If-Match: "2" | If-None-Match: $1`, 200},
		{`If-Match: * | If-None-Match: "x"`, 200},
		{`If-Match: $1 | If-None-Match: $1`, 412},
		{`If-Match: "1" | If-None-Match: $1`, 412},
		{`If-Match: $2 | If-None-Match: $2`, 412},
		{`If-Match: * | If-None-Match: *`, 412},
		{`If-Match: "2" | If-None-Match: *`, 412},

		{`If-Match: 2`, 400},
		{`If-Match: "2`, 400},
		{`If-Match: "`, 400},
		{`If-Match: 2"`, 400},
		{`If-Match: w/"2"`, 400},
		{`If-Match: W/`, 400},
		{`If-Match: "1" "2"`, 400},
		{`If-Match: $2, x`, 400},
		{`If-Match: *, $2`, 400},
		{`If-Match: *, *`, 400},
		{`If-Match: * & *`, 400},
		{`If-Match: * & $2`, 400},
		{`If-Match: ,`, 400},
		{`If-Match:  `, 400},
		{`If-Match: $2 & x`, 400},
		{`If-None-Match: 1`, 400},
		{`If-None-Match: *, *`, 400},
		{`If-None-Match: $1, 2`, 400},
		{`If-None-Match:  `, 400},
		{`If-Match: $2 | If-None-Match: x`, 400},
	} {
		for _, request := range []string{"PUT /config/a", "PUT /v1/config/a", "DELETE /config/a"} {
			s := MustStart(t, configstore.Options{})
			s.MustSet(t, "a", "1")
			s.MustSet(t, "a", "2")
			body := ""
			if strings.HasPrefix(request, "PUT") {
				body = `{"value":"3"}`
			}
			before, version := s.head(), 2
			got := s.MustDo(t, request, body, strings.Split(s.expand(t, "a", row.conditions), " | ")...)
			label := request + " " + row.conditions
			if row.status == 400 {
				p := MustBeProblem(t, label, got, 400, "INVALID_INPUT")
				if !strings.HasPrefix(p.Detail, "If-") || !strings.Contains(p.Detail, "entity tags") {
					t.Errorf("%s: %q does not name the header", label, p.Detail)
				}
				version = 0
			} else if got.status == 200 {
				version = 3
			} else if strings.Contains(row.conditions, " | ") {
				p := MustBeProblem(t, label, got, 412, "VERSION_CONFLICT")
				if !strings.Contains(p.Detail, "If-Match names and If-None-Match does not") {
					t.Errorf("%s: %q says nothing of both headers", label, p.Detail)
				}
			}
			if got.status != row.status || got.status != 200 && s.head() != before {
				t.Errorf("%s: got %d %s, want %d", label, got.status, got.body, row.status)
			}
			checkVersion(t, s, label, got, version)
		}
	}
}

// TestTagsOfALostHistory takes the tags of a history to a server whose history has left it after
// version 3: a backup was restored, and version 4 and 5 were written again. The lost ones must
// neither allow a change, nor save an answer.
func TestTagsOfALostHistory(t *testing.T) {
	lost := MustStart(t, configstore.Options{})
	for i := range 5 {
		lost.MustSet(t, "a", fmt.Sprint("lost ", i))
	}
	kept, err := lost.Events.Read(t.Context(), 0, eventstore.Limit{Records: 3})
	if err != nil {
		t.Fatal(err)
	}
	backup := memory.New()
	if err := backup.Append(t.Context(), eventstore.Head{}, kept); err != nil {
		t.Fatal(err)
	}
	s := MustServe(t, configstoretest.On(t, backup, configstore.Options{}))
	s.MustSet(t, "a", "new 4")
	s.MustSet(t, "a", "new 5")

	for _, form := range []string{"", "Accept: application/json"} {
		old := lost.MustDo(t, "GET /config/a", "", form).header.Get("ETag")
		for _, path := range []string{"/config/a", "/config/a/history", "/config/a/at/2999-01-01T00:00:00Z"} {
			if got := s.MustDo(t, "GET "+path, "", form, "If-None-Match: "+old); got.status != 200 {
				t.Errorf("GET %s with %s of the lost history: got %d", path, old, got.status)
			}
		}
		for _, request := range []string{"PUT /config/a", "DELETE /config/a"} {
			got := s.MustDo(t, request, map[bool]string{true: `{"value":"x"}`}[strings.HasPrefix(request, "PUT")], "If-Match: "+old)
			MustBeProblem(t, request, got, 412, "VERSION_CONFLICT")
			if got.header.Get("ETag") != s.tag(t, "a", 5) {
				t.Errorf("%s: got ETag %s", request, got.header.Get("ETag"))
			}
		}
	}
	list := lost.MustDo(t, "GET /config", "").header.Get("ETag")
	if got := s.MustDo(t, "GET /config", "", "If-None-Match: "+list); got.status != 200 {
		t.Errorf("GET /config with %s of the lost history: got %d", list, got.status)
	}
	if got := s.MustDo(t, "PUT /config/a", `{"value":"x"}`, "If-None-Match: "+lost.tag(t, "a", 5)); got.status != 200 {
		t.Errorf("PUT unless it is the lost version: got %d", got.status)
	}
	if got := s.MustDo(t, "PUT /config/a", `{"value":"y"}`, `If-Match: "6"`); got.status != 200 {
		t.Errorf("PUT of an old client: got %d", got.status)
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
		{`If-None-Match: $2`, 304},
		{`If-None-Match: W/$2`, 304},
		{`If-None-Match: *`, 304},
		{`If-None-Match: "x", "1" , W/$2`, 304},
		{`If-None-Match: "1" & $2`, 304},
		{`If-None-Match: "2"`, 200}, // a bare version may be of another history
		{`If-None-Match: W/"2"`, 200},
		{`If-None-Match: $2-j`, 200}, // the client has another form of it
		{`If-None-Match: ~2`, 200},
		{`If-None-Match: $1`, 200},
		{`If-None-Match: 2`, 200},
		{`If-None-Match: *, $1`, 200},
		{`If-None-Match: nonsense,,"`, 200},
	} {
		for _, path := range []string{"/config/a", "/v1/config/a", "/config/a/history", "/config/a/at/2999-01-01T00:00:00Z"} {
			for _, method := range []string{"GET", "HEAD"} {
				request := method + " " + path + " " + row.condition
				got := s.MustDo(t, method+" "+path, "", s.expand(t, "a", row.condition))
				if got.status != row.status || row.status == 304 && got.body != "" {
					t.Errorf("%s: got %d %q, want %d", request, got.status, got.body, row.status)
				}
				checkVersion(t, s, request, got, 2)
				if row.status == 304 {
					check(t, request, got, 304, "", append(s.versionHeaders(t, "a", 2), noCache, varies, "Config-Position: "+s.head())...)
				}
			}
		}
	}
	for _, path := range []string{"/config/none", "/config/a/at/1999-01-01T00:00:00Z"} {
		if got := s.MustDo(t, "GET "+path, "", `If-None-Match: *`); got.status != 404 {
			t.Errorf("GET %s: got %d, want 404: there is nothing that the client could have", path, got.status)
		}
	}
}

// TestListNotModified has a tag for a list: the position, so that any write ends it.
func TestListNotModified(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for _, write := range []func(){func() {}, func() { s.MustSet(t, "p/a", "1") }, func() { s.MustSet(t, "p/a", "1") }, func() { s.MustDelete(t, "p/a") }, func() { s.MustSet(t, "q", "1") }} {
		old := `"` + s.head() + `"`
		write()
		for _, path := range []string{"/config", "/config?prefix=p", "/config?first=1", "/v1/config"} {
			tag := `"` + s.head() + `"`
			if got := s.MustDo(t, "GET "+path, "", "If-None-Match: W/"+tag); got.status != 304 || got.body != "" || got.header.Get("ETag") != tag || got.header.Get("Config-Position") != s.head() || got.header.Get("Vary") == "" {
				t.Errorf("GET %s with the tag %s: got %d, %v", path, tag, got.status, got.header)
			}
			if got := s.MustDo(t, "GET "+path, "", "If-None-Match: "+old); old != tag && (got.status != 200 || got.header.Get("ETag") != tag) {
				t.Errorf("GET %s with the tag %s before %s: got %d, %v", path, old, tag, got.status, got.header)
			}
		}
	}
}

// TestRacingChangesOnCondition has clients race for each version: exactly one of them must win it,
// and all must get the right answer.
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
