package httpd_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/httpd"
)

// answers is a handler whose answers differ in what net/http makes of their headers.
var answers = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Etag"] = []string{`"1"`}
	h["Link"] = []string{"</a>", "</b>"}
	switch r.URL.Path {
	case "/none":
	case "/untyped":
		_, _ = io.WriteString(w, "<html>")
	case "/long":
		h.Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
	case "/unmodified":
		h.Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusNotModified)
	case "/encoded":
		h.Set("Content-Encoding", "zstd")
		_, _ = io.WriteString(w, "<html>")
	case "/line-break":
		h.Set("Config-Reason", " a\r\nX-Injected: b\n")
		h.Add("Config-Reason", "c")
	case "/date":
		h["Date"] = nil
	case "/length":
		h.Set("Content-Length", "3")
		_, _ = io.WriteString(w, "abc")
	case "/many":
		for _, letter := range "abcdefghij" {
			h.Set("X-"+string(letter), strings.Repeat(string(letter), 200))
		}
		w.WriteHeader(http.StatusTeapot)
		h.Set("Too-Late", "x")
	case "/trailer":
		h.Set("Trailer", "Sum")
		_, _ = io.WriteString(w, "abc")
		_ = http.NewResponseController(w).Flush()
		h.Set("Sum", "1")
	case "/hint":
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusNoContent)
	}
})

// TestHeadersAreThoseOfNetHTTP compares answers whose headers the connection writes with those of a
// server of net/http with the same handler.
func TestHeadersAreThoseOfNetHTTP(t *testing.T) {
	plain := httptest.NewServer(answers)
	t.Cleanup(plain.Close)
	address, done := serveTCP(t, httpd.Options{REST: answers})
	defer done()
	for _, request := range []string{
		"GET /none", "GET /untyped", "GET /long", "HEAD /long", "GET /unmodified", "GET /encoded", "GET /line-break", "GET /date",
		"GET /length", "HEAD /length", "GET /many", "GET /trailer", "GET /hint",
	} {
		method, path, _ := strings.Cut(request, " ")
		want, got := fetch(t, method, plain.URL+path), fetch(t, method, "http://"+address+path)
		if id := got.Header.Get("X-Request-Id"); id == "" {
			t.Errorf("%s: the answer has no id", request)
		}
		for _, added := range []string{"X-Request-Id", "Cross-Origin-Resource-Policy"} {
			got.Header.Del(added)
		}
		if want.Header.Get("Date") != "" && got.Header.Get("Date") != "" {
			got.Header.Set("Date", want.Header.Get("Date")) // a second may pass between the answers
		}
		if got.StatusCode != want.StatusCode || got.ContentLength != want.ContentLength || got.body != want.body {
			t.Errorf("%s: got %d with %d bytes, %.20q, want %d with %d, %.20q", request,
				got.StatusCode, got.ContentLength, got.body, want.StatusCode, want.ContentLength, want.body)
		}
		if diff := cmp.Diff(want.Header, got.Header); diff != "" {
			t.Errorf("%s: headers (-net/http +httpd)\n%s", request, diff)
		}
		if diff := cmp.Diff(want.Trailer, got.Trailer); diff != "" {
			t.Errorf("%s: trailers (-net/http +httpd)\n%s", request, diff)
		}
	}
}

// fetch sends a request and reads the whole answer.
func fetch(t *testing.T, method, url string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response, string(body)}
}

// TestHeadersStayInTheirAnswer sends requests on one connection: interim answers and later ones
// have none of the headers of the answer before.
func TestHeadersStayInTheirAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, httpd.Options{REST: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Of", r.URL.Path)
			_, _ = io.Copy(w, r.Body)
		})})
		conn := s.connect(t)
		go func() {
			_, _ = io.WriteString(conn, "POST /first HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"+
				"GET /second HTTP/1.1\r\nHost: x\r\n\r\n"+"BROKEN\r\n\r\n")
		}()
		in := bufio.NewReader(conn)
		for _, want := range []struct {
			status int
			of     string
		}{{100, ""}, {200, "/first"}, {200, "/second"}, {400, ""}} {
			got, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(got.Body); err != nil {
				t.Fatal(err)
			}
			if id := got.Header.Get("X-Request-Id"); got.StatusCode != want.status || got.Header.Get("Of") != want.of || (id != "") != (want.of != "") {
				t.Errorf("got %d with %v, want %d of %q", got.StatusCode, got.Header, want.status, want.of)
			}
		}
	})
}
