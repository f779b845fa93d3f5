package rest_test

import (
	"net/url"
	"strings"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

// reasonOf is the reason of a config's newest revision, "-" when it has none.
func (s *service) reasonOf(t testing.TB, name string) string {
	t.Helper()
	page, _, err := s.Reader(auth.Anonymous).History(t.Context(), configstoretest.Name(t, name), 0, 1)
	if err != nil || len(page) != 1 {
		t.Fatalf("history of %s: %v, %v", name, page, err)
	}
	if page[0].Reason == nil {
		return "-"
	}
	return *page[0].Reason
}

func TestReasons(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "x")
	longest := strings.Repeat("é", 512)
	for _, row := range []struct{ header, want string }{
		{"slow bank", "slow bank"},
		{"slow%20bank", "slow bank"},
		{"a+b", "a+b"},
		{"%C3%A9%0A%22%3Cb%3E%F0%9F%8F%83", "é\n\"<b>🏃"},
		{"100%25", "100%"},
		{url.PathEscape(longest), longest},
		{"%00", ""},
		{"a%00b", ""},
		{"%ff", ""},
		{"%ED%A0%80", ""}, // half a surrogate pair
		{"%C0%AF", ""},
		{"50%", ""},
		{"%zz", ""},
		{"%2", ""},
		{"é", ""},
		{"\xe9", ""},
		{url.PathEscape(longest + "x"), ""},
		{"one & two", ""},
	} {
		for _, request := range []string{"PUT /config/a", "DELETE /config/a", "POST /v1/config/a/restore"} {
			body := map[bool]string{true: `{"value":"x"}`}[strings.HasPrefix(request, "PUT")]
			before := s.head()
			got := s.MustDo(t, request, body, "Config-Reason: "+row.header)
			if row.want == "" {
				p := MustBeProblem(t, request+" "+row.header, got, 400, "INVALID_INPUT")
				if !strings.HasPrefix(p.Detail, "Config-Reason ") || s.head() != before {
					t.Errorf("%s %q: %q, the position went from %s to %s", request, row.header, p.Detail, before, s.head())
				}
				continue
			}
			if got.status != 200 || s.reasonOf(t, "a") != row.want {
				t.Errorf("%s %q: got %d, reason %q", request, row.header, got.status, s.reasonOf(t, "a"))
			}
		}
	}
}

// TestOnlyIfChanged writes the value that a config has already.
func TestOnlyIfChanged(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "x")
	s.MustSet(t, "b", "y")
	for _, row := range []struct {
		value, header string
		version       int
	}{
		{"x", "Config-Only-If-Changed: true", 1},
		{"x", "Config-Only-If-Changed: false", 2},
		{"x", "", 3},
		{"z", "Config-Only-If-Changed: true", 4},
		{"z", "Config-Only-If-Changed: true", 4},
	} {
		got := s.MustDo(t, "PUT /config/a", `{"value":"`+row.value+`"}`, row.header)
		check(t, "PUT "+row.header, got, 200, "OK", append(s.versionHeaders(t, "a", row.version), plain, noSniff, "Content-Length: 2", "Config-Position: "+s.head())...)
	}
	got := s.MustDo(t, "PUT /config/a", `{"value":"z"}`, "Config-Only-If-Changed: true", "If-Match: "+s.tag(t, "a", 3))
	MustBeProblem(t, "on a condition that does not hold", got, 412, "VERSION_CONFLICT")
}

func TestPutThatRestores(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for _, row := range []struct {
		value, headers  string
		status, version int
	}{
		{"1", "Config-Restore: true", 200, 1}, // there was none
		{"2", "Config-Restore: true", 200, 2}, // it exists
		{"-", "", 200, 3},
		{"4", "", 410, 3},
		{"4", "Config-Restore: false", 410, 3},
		{"4", "Config-Restore: true | If-Match: $2", 412, 3},
		{"4", "Config-Restore: true | If-Match: ~3", 412, 3},
		{"4", "Config-Restore: true | If-Match: *", 412, 3},
		{"4", "Config-Restore: true | If-None-Match: $3", 412, 3},
		{"4", "Config-Restore: true | If-Match: $3 | Config-Reason: back", 200, 4},
		{"-", "", 200, 5},
		{"6", "Config-Restore: true | If-None-Match: * | Config-Only-If-Changed: true", 200, 6},
		{"7", "Config-Restore: true | If-None-Match: *", 412, 6},
		{"6", "Config-Restore: true | Config-Only-If-Changed: true", 200, 6},
	} {
		request, body := "PUT /config/a", `{"value":"`+row.value+`"}`
		if row.value == "-" {
			request, body = "DELETE /config/a", ""
		}
		got := s.MustDo(t, request, body, strings.Split(s.expand(t, "a", row.headers), " | ")...)
		if got.status != row.status {
			t.Errorf("%s %s %s: got %d %s, want %d", request, body, row.headers, got.status, got.body, row.status)
		}
		checkVersion(t, s, request+row.headers, got, row.version)
	}
	for n, kind := range []string{"ConfigValueSet", "ConfigValueSet", "ConfigValueDeleted", "ConfigValueRestored", "ConfigValueDeleted", "ConfigValueRestored"} {
		records, err := s.Events.Read(t.Context(), 0, limitOf(6))
		if err != nil || len(records) != 6 || records[n].Type != kind {
			t.Fatalf("event %d: %v, %v, want %s", n, records, err, kind)
		}
	}
	if got := s.MustDo(t, "GET /config/a", ""); got.body != "6" {
		t.Errorf("got %q", got.body)
	}
}

// TestSwitches has headers that are true or false, and on which changes they may be true.
func TestSwitches(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "x")
	for _, header := range []string{"Config-Only-If-Changed", "Config-Restore"} {
		for _, value := range []string{" ", "True", "TRUE", "1", "yes", "true, true", "true & true", "false & false"} {
			for _, request := range []string{"PUT /config/a", "DELETE /config/a", "POST /config/a/restore"} {
				body := map[bool]string{true: `{"value":"x"}`}[strings.HasPrefix(request, "PUT")]
				p := MustBeProblem(t, request, s.MustDo(t, request, body, header+": "+value), 400, "INVALID_INPUT")
				if !strings.HasPrefix(p.Detail, header+" ") {
					t.Errorf("%s: %s: %q", request, value, p.Detail)
				}
			}
		}
		MustBeProblem(t, header, s.MustDo(t, "DELETE /config/a", "", header+": true"), 400, "INVALID_INPUT")
		MustBeProblem(t, header, s.MustDo(t, "POST /config/a/restore", "", header+": true"), 400, "INVALID_INPUT")
	}
	if got := s.MustDo(t, "DELETE /config/a", "", "Config-Restore: false", "Config-Only-If-Changed: false"); got.status != 200 {
		t.Errorf("DELETE with both of them false: got %d %s", got.status, got.body)
	}
}

// TestHeadersAreOfTheRequest sends a change again with the same key and another header: it is
// another request.
func TestHeadersAreOfTheRequest(t *testing.T) {
	headers := []string{"", "Config-Reason: why", "Config-Reason: Why", "Config-Only-If-Changed: true", "Config-Restore: true",
		"If-Match: *", "If-Match: $1", `If-Match: "1"`, `If-Match: "1", "7"`, `If-None-Match: "x"`}
	for _, first := range headers {
		s := MustStart(t, configstore.Options{})
		s.MustSet(t, "a", "x")
		put := func(header string) answer {
			t.Helper()
			return s.MustDo(t, "PUT /config/a", `{"value":"y"}`, "Idempotency-Key: k", s.expand(t, "a", header))
		}
		done, again := put(first), put(first)
		if done.status != 200 || again.status != 200 || again.header.Get("ETag") != s.tag(t, "a", 2) {
			t.Errorf("%s, twice: got %d and %d, %v", first, done.status, again.status, again.header)
		}
		for _, second := range headers[:5] { // conditions of the others do not hold any more
			if second != first {
				MustBeProblem(t, first+" then "+second, put(second), 422, "IDEMPOTENCY_MISMATCH")
			}
		}
	}
}

// TestOrderOfJudgement: what is wrong with the request goes first, then what is wrong with its
// config, then with its version, and last with its key.
func TestOrderOfJudgement(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "x")
	s.MustSet(t, "gone", "x")
	s.MustDelete(t, "gone")
	key := "Idempotency-Key: k"
	if got := s.MustDo(t, "PUT /config/a", `{"value":"y"}`, key); got.status != 200 {
		t.Fatalf("got %d", got.status)
	}
	for _, row := range []struct {
		request, body, headers string
		status                 int
	}{
		{"PUT /config/a", `{"value":1}`, `If-Match: "9"`, 400},
		{"PUT /config/a?x=y", `{"value":"z"}`, `If-Match: "9"`, 400},
		{"PUT /config/a", `{"value":"z"}`, `If-Match: "9" | Content-Type: text/plain`, 415},
		{"DELETE /config/none", "", `If-Match: "9"`, 404},
		{"DELETE /config/gone", "", `If-Match: "9"`, 410},
		{"PUT /config/gone", `{"value":"z"}`, `If-Match: "9"`, 410},
		{"POST /config/none/restore", "", `If-Match: "9"`, 404},
		{"POST /config/gone/restore", "", `If-Match: "9"`, 412},
		{"PUT /config/a", `{"value":"z"}`, `If-Match: "9"`, 412},
		{"DELETE /config/a", "", `If-Match: ~2`, 412},
		{"PUT /config/a", `{"value":"z"}`, "", 422},
		{"PUT /config/a", `{"value":"z"}`, "If-Match: $2", 422},
		{"POST /config/gone/restore", "", "", 422},
	} {
		headers := append(strings.Split(s.expand(t, "a", row.headers), " | "), key)
		if got := s.MustDo(t, row.request, row.body, headers...); got.status != row.status {
			t.Errorf("%s %s %s: got %d %s, want %d", row.request, row.body, row.headers, got.status, got.body, row.status)
		}
	}
}
