package rest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
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
	return serve(t, store, rest.New(store.Store, rest.Options{CommentInterval: time.Millisecond}))
}

func serve(t testing.TB, store *configstoretest.Store, edge *rest.Handler) *service {
	t.Helper()
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

// MustDo sends a request, written as "METHOD /path", with headers as "Name: value" and a body that
// is JSON unless the headers say otherwise.
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
func (s *service) head() string { return s.Reader(auth.Anonymous).Head().Position().String() }

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

// What every answer to a read has.
const (
	noCache = "Cache-Control: no-cache"
	varies  = "Vary: Accept, Config-At-Least"
)

// tag is the entity tag of a version of a config.
func (s *service) tag(t testing.TB, name string, version int) string {
	t.Helper()
	records, err := s.Events.ReadConfig(t.Context(), eventstore.Head{}, name, version-1, eventstore.Limit{Records: 1})
	if err != nil || len(records) != 1 || records[0].Version != version {
		t.Fatalf("reading version %d of %s: %+v, %v", version, name, records, err)
	}
	return fmt.Sprintf(`"%d-%x"`, version, records[0].Hash[:4])
}

// versionHeaders are those of an answer about a version of a config.
func (s *service) versionHeaders(t testing.TB, name string, version int) []string {
	t.Helper()
	return []string{"ETag: " + s.tag(t, name, version), fmt.Sprintf("Config-Version: %d", version)}
}

// expand puts the entity tags of a config into a header: `$2` is that of version 2, `~2` the one
// that version 2 has in another history.
func (s *service) expand(t testing.TB, name, header string) string {
	t.Helper()
	tags := regexp.MustCompile(`[$~][0-9]+(-j)?`)
	return tags.ReplaceAllStringFunc(header, func(short string) string {
		digits, jsonForm := strings.CutSuffix(short[1:], "-j")
		version, err := strconv.Atoi(digits)
		if err != nil {
			t.Fatal(err)
		}
		tag := fmt.Sprintf(`"%d-00c0ffee"`, version)
		if short[0] == '$' {
			tag = s.tag(t, name, version)
		}
		if jsonForm {
			tag = strings.TrimSuffix(tag, `"`) + `-j"`
		}
		return tag
	})
}

func limitOf(records int) eventstore.Limit { return eventstore.Limit{Records: records} }

// clock is a clock that stands still until it is set. The store reads it from several goroutines.
type clock struct{ at atomic.Pointer[time.Time] }

func newClock(at time.Time) *clock {
	c := new(clock)
	c.at.Store(&at)
	return c
}

func (c *clock) now() time.Time { return *c.at.Load() }

func (c *clock) set(at time.Time) { c.at.Store(&at) }

// tick moves the clock on by a second.
func (c *clock) tick() { c.set(c.now().Add(time.Second)) }

func TestNegativeIntervalsAreRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	rest.New(configstoretest.New(t, configstore.Options{}).Store, rest.Options{CommentInterval: -1})
}
