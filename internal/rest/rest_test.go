package rest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/rest"
)

// service is a REST edge on a store, with a client.
type service struct {
	*configstoretest.Store
	edge   *rest.Handler
	server *httptest.Server
}

func MustStart(t testing.TB, opts configstore.Options) *service {
	t.Helper()
	return MustServe(t, configstoretest.New(t, opts))
}

func MustServe(t testing.TB, store *configstoretest.Store) *service {
	t.Helper()
	edge := rest.New(store.Store, rest.Options{CommentInterval: time.Millisecond})
	server := httptest.NewServer(edge)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		if err := edge.Shutdown(context.Background()); err != nil {
			t.Errorf("shutting down: %v", err)
		}
	})
	return &service{store, edge, server}
}

// answer is what a client got.
type answer struct {
	status int
	body   string
	header http.Header
	close  bool // the server ended the connection
}

// MustDo sends a request, written as "METHOD /path", with headers as "Name: value" and a body that is JSON unless the
// headers say otherwise.
func (s *service) MustDo(t testing.TB, request, body string, headers ...string) answer {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.server.URL+path, content)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if value == "" {
			r.Header.Del(name)
		} else {
			r.Header[http.CanonicalHeaderKey(name)] = strings.Split(value, " & ")
		}
	}
	response, err := s.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	response.Header.Del("Date")
	return answer{response.StatusCode, string(got), response.Header, response.Close}
}

// head is the position that reads have now.
func (s *service) head() string { return s.Reader(auth.Anonymous).Head().Bookmark().String() }

// check compares an answer with what is wanted, headers included: written as "Name: value".
func check(t testing.TB, request string, got answer, status int, body string, headers ...string) {
	t.Helper()
	if got.status != status || got.body != body {
		t.Errorf("%s: got %d %q, want %d %q", request, got.status, got.body, status, body)
	}
	want := http.Header{}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		want.Set(name, value)
	}
	if diff := cmp.Diff(want, got.header); diff != "" {
		t.Errorf("%s: headers (-want +got)\n%s", request, diff)
	}
}
