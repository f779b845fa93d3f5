package rest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/slowtest"
)

// TestBadBodies has the mistakes that only REST's bodies can have. Package edgetest has those of
// all edges.
func TestBadBodies(t *testing.T) {
	s := MustStart(t, configstore.Options{MaxValueBytes: 1000})
	s.MustSet(t, "a", "x")
	good := `{"value":"x"}`
	for _, row := range []struct {
		name, body, header string
		status             int
		says               string
	}{
		{"other letter case", `{"Value":"x"}`, "", 400, `unknown member "Value"`},
		{"byte order mark", "\ufeff" + good, "", 400, "byte order mark"},
		{"half a surrogate pair", `{"value":"\ud800"}`, "", 400, "surrogate"},
		{"NUL", `{"value":"\u0000"}`, "", 400, "NUL"},
		{"NUL in a raw value", "a\x00b", raw, 400, "NUL"},
		{"raw value that is not UTF-8", "\xff\xfe", raw, 400, "not valid UTF-8"},
		{"raw value with half a surrogate pair", "\xed\xa0\x80", raw, 400, "not valid UTF-8"},
		{"raw value over the limit", strings.Repeat("v", 1001), raw, 413, "the body must not be larger than 1000 bytes"},
		{"raw value in another charset", "x", "Content-Type: application/octet-stream; charset=utf-16", 415, "UTF-8"},
		{"compressed raw value", "x", raw + " | Content-Encoding: gzip", 415, "without a content encoding"},
		{"octets of another kind", "x", "Content-Type: application/octet-streams", 415, "application/octet-stream"},
		{"raw value and JSON", good, "Content-Type: application/octet-stream & application/json", 415, "application/octet-stream"},
		{"no body", "", "", 400, `such as {"value":"30s"}: it is empty`},
		{"unknown member", `{"value":"x","note":"y"}`, "", 400, `unknown member "note"`},
		{"duplicate", `{"value":"x","value":"y"}`, "", 400, `duplicate member "value"`},
		{"null value", `{"value":null}`, "", 400, `member "value" is missing or null`},
		{"number", `{"value":1}`, "", 400, `member "value" must be a string`},
		{"value over the limit", `{"value":"` + strings.Repeat("v", 1001) + `"}`, "", 413, "value has 1001 bytes; at most 1000 are allowed"},
		{"body over the limit", `{"value":"` + strings.Repeat(`\u0001`, 1200) + `"}`, "", 413, "the body must not be larger than 7024 bytes; a value may have 1000 bytes"},
		{"text", good, "Content-Type: text/plain", 415, "application/json; or the value itself, in UTF-8, sent as application/octet-stream"},
		{"form", good, "Content-Type: application/x-www-form-urlencoded", 415, "application/json"},
		{"other JSON", good, "Content-Type: application/merge-patch+json", 415, "application/json"},
		{"other charset", good, "Content-Type: application/json; charset=iso-8859-1", 415, "UTF-8"},
		{"broken type", good, "Content-Type: application/json; charset", 415, "application/json"},
		{"two types", good, "Content-Type: application/json & application/json", 415, "application/json"},
		{"compressed", good, "Content-Encoding: gzip", 415, "without a content encoding"},

		{"charset", good, "Content-Type: application/json; charset=UTF-8", 200, "OK"},
		{"capital letters", good, "Content-Type: Application/JSON", 200, "OK"},
		{"no type", good, "Content-Type: ", 200, "OK"},
		{"not compressed", good, "Content-Encoding: identity", 200, "OK"},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := s.head()
			got := s.MustDo(t, "PUT /config/a", row.body, strings.Split(row.header, " | ")...)
			if got.status != row.status || !strings.Contains(got.body, strings.ReplaceAll(row.says, `"`, `\"`)) {
				t.Errorf("got %d %s, want %d that says %s", got.status, got.body, row.status, row.says)
			}
			if row.status == 200 {
				return
			}
			MustBeProblem(t, row.name, got, row.status, "INVALID_INPUT")
			if closed := got.close; closed != (row.status != 400) {
				t.Errorf("closed: %t", closed)
			}
			if s.head() != before {
				t.Errorf("it was written all the same")
			}
		})
	}
}

const raw = "Content-Type: application/octet-stream"

// TestRawValues sends bodies that are the value, byte for byte.
func TestRawValues(t *testing.T) {
	s := MustStart(t, configstore.Options{MaxValueBytes: 100_000})
	for _, row := range []struct{ value, header string }{
		{`{"value":"x"}`, raw},
		{"", raw},
		{"plain", "Content-Type: Application/Octet-Stream; charset=UTF-8"},
		{"\ufeff\r\n\x01\x7fé🏃\n", raw},
		{strings.Repeat("\x01", 100_000), raw},
	} {
		for _, chunked := range []bool{false, true} {
			s.MustSet(t, "a", "before")
			status := s.mustPutRaw(t, row.value, row.header, chunked)
			if got := s.MustDo(t, "GET /config/a", ""); status != 200 || got.status != 200 || got.body != row.value {
				t.Errorf("%.20q, chunked %t: got %d, then %d %.20q", row.value, chunked, status, got.status, got.body)
			}
		}
	}
	s.MustDelete(t, "a")
	got := s.MustDo(t, "POST /config/a/restore", "x", raw) // only a PUT has a value at its heart
	if p := MustBeProblem(t, "restore", got, 415, "INVALID_INPUT"); strings.Contains(p.Detail, "octet-stream") {
		t.Errorf("restore: %q", p.Detail)
	}
}

// mustPutRaw sends a body as it stands, also an empty one, and returns the status.
func (s *service) mustPutRaw(t testing.TB, value, header string, chunked bool) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "PUT", s.server.URL+"/config/a", strings.NewReader(value))
	if err != nil {
		t.Fatal(err)
	}
	if chunked {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(value)), -1
	}
	_, contentType, _ := strings.Cut(header, ": ")
	r.Header.Set("Content-Type", contentType)
	response, err := s.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// TestLimitOfAllBodies has a limit on values whose worst JSON is longer than any body may be.
func TestLimitOfAllBodies(t *testing.T) {
	slowtest.Only(t)
	t.Parallel() // net/http keeps the connection for half a second after that
	s := MustStart(t, configstore.Options{MaxValueBytes: 4 << 20})
	value := strings.Repeat(`\u0001`, 4<<20)
	p := MustBeProblem(t, "JSON", s.MustDo(t, "PUT /config/a", `{"value":"`+value+`"}`), 413, "INVALID_INPUT")
	if !strings.Contains(p.Detail, "16777216 bytes") || !strings.Contains(p.Detail, "application/octet-stream") {
		t.Errorf("%q does not say what to do", p.Detail)
	}
	longest := strings.Repeat("\x01", 4<<20)
	if got := s.MustDo(t, "PUT /config/a", longest, raw); got.status != 200 {
		t.Errorf("raw: got %d %s", got.status, got.body)
	}
	if got := s.MustDo(t, "GET /config/a", "", acceptJSON); got.status != 200 || strings.Count(got.body, `\u0001`) != 4<<20 {
		t.Errorf("the object: got %d, %d bytes", got.status, len(got.body))
	}
}

// TestUnknownParameters are refused by changes and by the routes that old clients do not know
// the parameters of.
func TestUnknownParameters(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "x")
	for _, row := range []struct {
		request, body string
		refuses       bool
	}{
		{"PUT /config/a", `{"value":"x"}`, true},
		{"GET /config", "", true},
		{"HEAD /v1/config", "", true},
		{"GET /events", "", true},
		{"DELETE /v1/config/a", "", true},
		{"POST /config/a/restore", "", true},
		{"GET /changes", "", true},
		{"GET /v1/changes/recent", "", true},
		{"HEAD /diff", "", true},
		{"GET /deleted", "", true},
		{"GET /children", "", true},
		{"POST /changes", `{"changes":[]}`, true},
		{"POST /revert", `{"to":"0-00000000"}`, true},
		{"POST /changes/0-00000000/revert", "", true},
		{"GET /config/a", "", false},
		{"GET /config/a/history", "", false},
		{"GET /config/a/at/2999-01-01T00:00:00Z", "", false},
	} {
		for query, name := range map[string]string{"prefx=a": `"prefx"`, "first=1&Prefix=a&_=1": `"`, "=x": "without a name", "a%22%0A": `"a\"\n"`,
			strings.Repeat("n", 100): `"` + strings.Repeat("n", 48) + `…"`, "dryRun=true": `"dryRun"`} {
			before := s.head()
			got := s.MustDo(t, row.request+"?"+query, row.body)
			switch {
			case !row.refuses && got.status != 200:
				t.Errorf("%s?%s: got %d %s", row.request, query, got.status, got.body)
			case row.refuses && strings.HasPrefix(row.request, "HEAD"):
				if got.status != 400 {
					t.Errorf("%s?%s: got %d", row.request, query, got.status)
				}
			case row.refuses:
				p := MustBeProblem(t, row.request+"?"+query, got, 400, "INVALID_INPUT")
				if !strings.Contains(p.Detail, name) || s.head() != before {
					t.Errorf("%s?%s: %q, position %s after %s", row.request, query, p.Detail, s.head(), before)
				}
			}
		}
	}
	for _, request := range []string{"PUT /config/a?_=1&_x", "GET /config?_=1&prefix=a", "HEAD /events?_=1", "DELETE /config/a?_", "POST /config/a/restore?_=1"} {
		body := map[bool]string{true: `{"value":"x"}`}[strings.HasPrefix(request, "PUT")]
		if got := s.MustDo(t, request, body); got.status != 200 {
			t.Errorf("%s: got %d %s", request, got.status, got.body)
		}
	}
	MustBeProblem(t, "a query that is none", s.MustDo(t, "DELETE /config/a?%zz", ""), 400, "INVALID_INPUT")
}

// TestNamesComeFirst shows that mistakes in a request are checked before the state of its config.
func TestNamesComeFirst(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "gone", "x")
	s.MustDelete(t, "gone")
	for _, row := range []struct {
		request, body, header string
		status                int
	}{
		{"PUT /config/a%20b", "[]", "Content-Type: text/plain", 400},
		{"PUT /config/gone", `{"value":1}`, "", 400},
		{"PUT /config/gone", `{"value":"x"}`, "Content-Type: text/plain", 415},
		{"PUT /config/gone", `{"value":"x"}`, `If-Match: x`, 400},
		{"PUT /config/gone", `{"value":"x"}`, `If-Match: "1"`, 410},
		{"DELETE /config/none", "", `If-Match: x`, 400},
		{"POST /config/none/restore", `{"value":1}`, "", 400},
		{"GET /config/a%20b/at/x", "", "", 400},
		{"GET /config/none/at/x", "", "", 400},
		{"GET /config/", "", "", 400},
		{"GET /config//history", "", "", 400},
		{"PUT /config/", `{"value":"x"}`, "", 400},
	} {
		if got := s.MustDo(t, row.request, row.body, row.header); got.status != row.status {
			t.Errorf("%s %s %s: got %d %s, want %d", row.request, row.body, row.header, got.status, got.body, row.status)
		}
	}
}

// TestEndlessBody sends chunks until the server has enough of them.
func TestEndlessBody(t *testing.T) {
	t.Parallel() // net/http keeps the connection for half a second after that
	s := MustStart(t, configstore.Options{MaxValueBytes: 1000})
	conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := "PUT /config/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	if _, err := io.WriteString(conn, head+"a\r\n{\"value\":\"\r\n"); err != nil {
		t.Fatal(err)
	}
	sent := make(chan int)
	go func() {
		chunk, total := "1000\r\n"+strings.Repeat("v", 0x1000)+"\r\n", 0
		for {
			n, err := io.WriteString(conn, chunk)
			if total += n; err != nil {
				sent <- total
				return
			}
		}
	}()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != 413 || !response.Close {
		t.Errorf("got %d %s, closed: %t", response.StatusCode, body, response.Close)
	}
	if total := <-sent; total > 32<<20 {
		t.Errorf("the server took %d bytes", total)
	}
	if head := s.Reader(auth.Anonymous).Head(); head.Seq != 0 {
		t.Errorf("something was written: %+v", head)
	}
}

// TestTooLargeIsSaidBeforeTheBody shows that a client that expects 100 gets 413 before it sends.
func TestTooLargeIsSaidBeforeTheBody(t *testing.T) {
	s := MustStart(t, configstore.Options{MaxValueBytes: 1000})
	for header, want := range map[string]int{
		"Content-Length: 100000\r\nContent-Type: application/json": 413,
		"Content-Length: 100\r\nContent-Type: text/plain":          415,
		"Transfer-Encoding: chunked\r\nIf-Match: x":                400,
		"Content-Length: 18446744073709551616":                     400, // by net/http
		"Content-Length: 5\r\nContent-Length: 6":                   400, // by net/http
		"Content-Length: -5":                                       400, // by net/http
		"Content-Length: 10\r\nTransfer-Encoding: gzip":            501, // by net/http
	} {
		conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "PUT /config/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n%s\r\n\r\n", header)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", header, err)
		}
		if response.StatusCode != want || !response.Close {
			t.Errorf("%s: got %d, closed: %t; want %d", header, response.StatusCode, response.Close, want)
		}
		conn.Close()
	}
}
