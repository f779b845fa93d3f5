package rest_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/configstore"
)

func TestMethods(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "x")
	for path, allow := range map[string]string{
		"/config":                           "GET, HEAD",
		"/config/a":                         "GET, HEAD, PUT, DELETE",
		"/config/a/history":                 "GET, HEAD",
		"/config/a/at/2024-01-15T10:30:00Z": "GET, HEAD",
		"/config/a/restore":                 "POST",
		"/v1/config/a/restore":              "POST",
		"/changes":                          "GET, HEAD, POST",
		"/v1/changes/recent":                "GET, HEAD",
		"/changes/1-00c0ffee/revert":        "POST",
		"/changes/x/revert":                 "POST", // the method is checked before the position
		"/v1/revert":                        "POST",
		"/diff":                             "GET, HEAD",
		"/deleted":                          "GET, HEAD",
		"/v1/children":                      "GET, HEAD",
		"/tokens":                           "GET, HEAD, POST",
		"/v1/tokens/ci":                     "GET, HEAD, DELETE",
		"/v1/secrets/x":                     "GET, HEAD",
		"/tokens/ci/rotate":                 "POST",
		"/tokens/ci/grants":                 "PUT",
		"/config/..":                        "GET, HEAD, PUT, DELETE", // the method is checked before the name
		"/config/a/at/not-an-instant":       "GET, HEAD",
	} {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "POST", "PATCH", "OPTIONS", "TRACE", "get", "PROPFIND"} {
			allowed := false
			for _, one := range strings.Split(allow, ", ") {
				allowed = allowed || one == method
			}
			request := method + " " + path
			got := s.MustDo(t, request, "")
			if allowed != (got.status != 405) {
				t.Errorf("%s: got %d, allowed are %s", request, got.status, allow)
			}
			if got.status != 405 {
				continue
			}
			if got.header.Get("Allow") != allow {
				t.Errorf("%s: Allow is %q, want %q", request, got.header.Get("Allow"), allow)
			}
			if method != "HEAD" {
				MustBeProblem(t, request, got, 405, "INVALID_INPUT")
			}
		}
	}
}

// TestUnescapedSlashes has paths of clients that have not escaped the slashes of a name.
func TestUnescapedSlashes(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for path, meant := range map[string]string{
		"/config/a/b":                           "/config/a%2Fb",
		"/v1/config/a/b":                        "/v1/config/a%2Fb",
		"/config/a/b/c":                         "/config/a%2Fb%2Fc",
		"/config/a%2Fb/c":                       "/config/a%2Fb%2Fc",
		"/config/a/at":                          "/config/a%2Fat",
		"/config/a/at/x/y":                      "/config/a%2Fat%2Fx%2Fy",
		"/config/a/b/history":                   "/config/a%2Fb/history",
		"/config/a/b/restore":                   "/config/a%2Fb/restore",
		"/config/a/b/at/2024-01-15T10:30:00Z":   "/config/a%2Fb/at/2024-01-15T10:30:00Z",
		"/config/a/b/at/2024-01-15T10:30:00%2B": "",
		"/config/a/b/at/yesterday":              "/config/a%2Fb%2Fat%2Fyesterday",
		"/config/a/":                            "",
		"/config/a//b":                          "",
		"/config/a/../b":                        "",
		"/config/a/b%20c":                       "",
		"/configs/a/b":                          "",
		"/v1/v1/config/a/b":                     "",
	} {
		for _, method := range []string{"GET", "PUT", "DELETE", "POST"} {
			got := s.MustDo(t, method+" "+path, "")
			if meant == "" {
				check(t, path, got, 404, "Not Found", plain, noSniff, "Content-Length: 9")
				continue
			}
			p := MustBeProblem(t, method+" "+path, got, 404, "NOT_FOUND")
			if !strings.HasSuffix(p.Detail, ": "+meant) {
				t.Errorf("%s %s: %q, want it to show %s", method, path, p.Detail, meant)
			}
		}
	}
}

// TestPathsBelowChanges: a path that is not there says which are.
func TestPathsBelowChanges(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for _, path := range []string{"/changes/", "/changes/1-00c0ffee", "/v1/changes/recent/", "/changes/1-00c0ffee/revert/x", "/changes/a/b"} {
		for _, method := range []string{"GET", "POST"} {
			p := MustBeProblem(t, path, s.MustDo(t, method+" "+path, ""), 404, "NOT_FOUND")
			if !strings.Contains(p.Detail, "POST /changes/{position}/revert") {
				t.Errorf("%s %s: %q", method, path, p.Detail)
			}
		}
	}
	for _, path := range []string{"/change", "/v1/v1/changes", "/diff/", "/deleted/a", "/children/a", "/reverts"} {
		check(t, path, s.MustDo(t, "GET "+path, ""), 404, "Not Found", plain, noSniff, "Content-Length: 9")
	}
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "x")
	s.MustSet(t, "long", strings.Repeat("x", 10_000))
	if got := s.MustDo(t, "GET /config/long", ""); got.header.Get("Content-Length") != "10000" {
		t.Errorf("a long value comes without its length: %v", got.header)
	}
	for _, path := range []string{"/config", "/config/a", "/config/long", "/config/none", "/config/a/history", "/config/a/at/2999-01-01T00:00:00Z", "/none",
		"/changes", "/changes/recent", "/diff?from=0-00000000", "/deleted", "/children", "/diff", "/changes/none"} {
		get, head := s.MustDo(t, "GET "+path, ""), s.MustDo(t, "HEAD "+path, "")
		get.body = ""
		if diff := cmp.Diff(get, head, cmp.AllowUnexported(answer{})); diff != "" {
			t.Errorf("HEAD %s (-GET without its body +HEAD)\n%s", path, diff)
		}
	}
}

func TestRestore(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	restore := "POST /config/a/restore"
	MustBeProblem(t, restore, s.MustDo(t, restore, ""), 404, "NOT_FOUND")
	s.MustSet(t, "a", "one")
	MustBeProblem(t, restore, s.MustDo(t, restore, ""), 409, "NOT_DELETED")

	version := 1
	for _, row := range []struct{ body, contentType, want string }{
		{"", "", "one"},
		{"", "Content-Type: application/x-www-form-urlencoded", "one"}, // without a body, the type does not matter
		{`{"value":"two"}`, "", "two"},
		{`{"value":""}`, "", ""},
		{"", "", ""},
	} {
		s.MustDelete(t, "a")
		version += 2
		got := s.MustDo(t, restore, row.body, strings.Split(row.contentType, "\n")...)
		check(t, restore, got, 200, "OK", append(s.versionHeaders(t, "a", version), plain, noSniff, "Content-Length: 2", "Config-Position: "+s.head())...)
		if value := s.MustDo(t, "GET /config/a", ""); value.status != 200 || value.body != row.want {
			t.Errorf("after %s %s: got %d %q, want %q", restore, row.body, value.status, value.body, row.want)
		}
	}
	s.MustDelete(t, "a")
	for _, body := range []string{"{}", "null", `{"value":null}`, `{"value":1}`, " ", `{"value":"x","reason":"y"}`} {
		MustBeProblem(t, restore+body, s.MustDo(t, restore, body), 400, "INVALID_INPUT")
	}
}

func TestListByPrefix(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for _, name := range []string{"payments", "payments/timeout", "payments/eu/timeout", "payments2", "Payments/x", "other"} {
		s.MustSet(t, name, "v")
	}
	s.MustSet(t, "payments/gone", "v")
	s.MustDelete(t, "payments/gone")
	for query, want := range map[string][]string{
		"":                        {"Payments/x", "other", "payments", "payments/eu/timeout", "payments/timeout", "payments2"},
		"?":                       {"Payments/x", "other", "payments", "payments/eu/timeout", "payments/timeout", "payments2"},
		"?prefix=":                {"Payments/x", "other", "payments", "payments/eu/timeout", "payments/timeout", "payments2"},
		"?_unknown=1":             {"Payments/x", "other", "payments", "payments/eu/timeout", "payments/timeout", "payments2"},
		"?prefix=payments/":       {"payments", "payments/eu/timeout", "payments/timeout"},
		"?prefix=payments%2Feu":   {"payments/eu/timeout"},
		"?prefix=payments/gone":   {},
		"?prefix=payment":         {},
		"?prefix=zzz":             {},
		"?prefix=Payments&x=y&z;": nil,
		"?prefix=a&prefix=b":      nil,
		"?prefix=a//b":            nil,
		"?prefix=../a":            nil,
		"?prefix=%zz":             nil,
		"?prefix=/":               nil,
		"?prefix=%00":             nil,
	} {
		got := s.MustDo(t, "GET /config"+query, "")
		if want == nil {
			MustBeProblem(t, "GET /config"+query, got, 400, "INVALID_INPUT")
			continue
		}
		elements := make([]string, len(want))
		for i, name := range want {
			elements[i] = `{"name":"` + name + `","value":"v"}`
		}
		if array := "[" + strings.Join(elements, ",") + "]"; got.status != 200 || got.body != array {
			t.Errorf("GET /config%s: got %d %s, want %s", query, got.status, got.body, array)
		}
	}
}

// TestLongArrays lists more than fits into one page or one piece that is sent.
func TestLongArrays(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	value := strings.Repeat("v", 100)
	var list, history []string
	for i := range 1201 {
		name := fmt.Sprintf("n%04d", i)
		s.MustSet(t, name, value)
		list = append(list, `{"name":"`+name+`","value":"`+value+`"}`)
		s.MustSet(t, "all", strconv.Itoa(i))
	}
	list = append([]string{`{"name":"all","value":"1200"}`}, list...)
	got := s.MustDo(t, "GET /config", "")
	if want := "[" + strings.Join(list, ",") + "]"; got.status != 200 || got.body != want {
		t.Errorf("the list differs: %d bytes, want %d", len(got.body), len(want))
	}
	if got.header.Get("Content-Length") != "" || got.header.Get("Config-Position") != s.head() {
		t.Errorf("headers %v", got.header)
	}
	got = s.MustDo(t, "GET /config/all/history", "")
	history = strings.SplitAfter(got.body, `,"stream_version":`)
	if got.status != 200 || len(history) != 1202 || history[1201] != "1201}]" {
		t.Errorf("got %d with %d revisions, the last %s", got.status, len(history)-1, history[len(history)-1])
	}
}
