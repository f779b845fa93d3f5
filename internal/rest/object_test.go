package rest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/configstore"
)

const acceptJSON = "Accept: application/json"

// TestOneConfigAsAnObject reads a config in both of its forms, each of which has a tag of its
// own.
func TestOneConfigAsAnObject(t *testing.T) {
	clock := newClock(time.Date(2026, 3, 1, 12, 0, 1, 0, time.UTC))
	s := MustStart(t, configstore.Options{Now: clock.now})
	s.MustDo(t, "PUT /config/a%2Fb", `{"value":"one"}`)
	clock.tick()
	s.MustDo(t, "PUT /config/a%2Fb", `{"value":"\"two\"\n"}`, "Config-Reason: slow%20bank")
	s.MustSet(t, "other", "x")
	position, tag := s.at(t, 2), strings.TrimSuffix(s.tag(t, "a/b", 2), `"`)+`-j"`
	want := `{"name":"a/b","value":"\"two\"\n","version":2,"position":"` + position + `","createdAt":"2026-03-01T12:00:01.000000Z",` +
		`"updatedAt":"2026-03-01T12:00:02.000000Z","actor":null,"reason":"slow bank"}`
	headers := []string{jsonDoc, noSniff, noCache, varies, "Config-Position: " + s.head(), "Config-Version: 2", "ETag: " + tag, fmt.Sprintf("Content-Length: %d", len(want))}
	for _, path := range []string{"/config/a%2Fb", "/v1/config/a%2Fb"} {
		check(t, path, s.MustDo(t, "GET "+path, "", acceptJSON), 200, want, headers...)
		check(t, path, s.MustDo(t, "HEAD "+path, "", acceptJSON), 200, "", headers...)
		for condition, status := range map[string]int{tag: 304, "W/" + tag: 304, "*": 304, s.tag(t, "a/b", 2): 200, `"2"`: 200, `"2-j"`: 200} {
			if got := s.MustDo(t, "GET "+path, "", acceptJSON, "If-None-Match: "+condition); got.status != status || got.header.Get("ETag") != tag {
				t.Errorf("If-None-Match: %s: got %d with ETag %s, want %d", condition, got.status, got.header.Get("ETag"), status)
			}
		}
		if got := s.MustDo(t, "GET "+path, "", "Accept: text/plain, application/json"); got.body != "\"two\"\n" || got.header.Get("ETag") != s.tag(t, "a/b", 2) {
			t.Errorf("without a preference: got %q, %v", got.body, got.header)
		}
	}
	for _, accept := range []string{"image/png", "text/plain;q=0", "*/*;q=0", "nonsense", "application/xml"} { // never 406
		if got := s.MustDo(t, "GET /config/other", "", "Accept: "+accept); got.status != 200 || got.body != "x" {
			t.Errorf("Accept: %s: got %d %q", accept, got.status, got.body)
		}
	}
}

// TestDeletedIsSaid to clients that prefer a problem, while clients of old get the texts that they
// know.
func TestDeletedIsSaid(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a/b", "x")
	s.MustDelete(t, "a/b")
	for request, old := range map[string]struct {
		body, text string
		status     int
	}{
		"GET /config/a%2Fb":    {"", "Not Found", 404},
		"HEAD /config/a%2Fb":   {"", "", 404},
		"PUT /config/a%2Fb":    {`{"value":"x"}`, "Gone", 410},
		"DELETE /config/a%2Fb": {"", "Gone", 410},
	} {
		for _, accept := range []string{"*/*", "text/plain", "application/json, text/plain, */*"} {
			if got := s.MustDo(t, request, old.body, "Accept: "+accept); got.status != old.status || got.body != old.text {
				t.Errorf("%s of a client of old: got %d %q", request, got.status, got.body)
			}
		}
		for _, accept := range []string{"application/json", "application/problem+json", "application/problem+json, */*;q=0.1"} {
			got := s.MustDo(t, request, old.body, "Accept: "+accept)
			if got.status != 410 || got.header.Get("ETag") != s.tag(t, "a/b", 2) || got.header.Get("Config-Position") != s.head() {
				t.Errorf("%s: got %d, %v", request, got.status, got.header)
			}
			if strings.HasPrefix(request, "HEAD") {
				continue
			}
			p := MustBeProblem(t, request, got, 410, "DELETED")
			if !strings.Contains(p.Detail, "POST /config/a%2Fb/restore") || !strings.Contains(p.Detail, "Config-Restore: true") {
				t.Errorf("%s: %q does not say how it comes back", request, p.Detail)
			}
		}
	}
	if got := s.MustDo(t, "GET /config/none", "", acceptJSON); got.status != 404 || got.body != "Not Found" {
		t.Errorf("of a config that never was: got %d %q", got.status, got.body)
	}
}

// TestHeadOfLongAnswers has answers that do not fit into the buffer, of which HEAD needs no more
// than the headers.
func TestHeadOfLongAnswers(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for i := range 4 {
		s.MustSet(t, "a", strings.Repeat("é", 10_000+i))
		s.MustSet(t, fmt.Sprint("n", i), strings.Repeat("v", 20_000))
	}
	s.MustSet(t, "long", strings.Repeat("\x01", 200_000))
	for _, path := range []string{"/config", "/config?first=3", "/config/a/history", "/config/long"} {
		get, head := s.MustDo(t, "GET "+path, "", acceptJSON), s.MustDo(t, "HEAD "+path, "", acceptJSON)
		if get.header.Get("Content-Type") != "application/json" || len(get.body) < 40_000 {
			t.Errorf("GET %s: %d bytes, %v", path, len(get.body), get.header)
		}
		get.body = ""
		if diff := cmp.Diff(get, head, cmp.AllowUnexported(answer{})); diff != "" {
			t.Errorf("HEAD %s (-GET without its body +HEAD)\n%s", path, diff)
		}
	}
}
