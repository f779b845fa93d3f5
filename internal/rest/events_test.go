package rest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/feed"
	"configapi/internal/slowtest"
)

// listener is a client of an event stream.
type listener struct {
	t      testing.TB
	body   io.ReadCloser
	lines  *bufio.Reader
	header http.Header
	seen   int // comments
}

// MustListen opens a stream. What arrives is read byte by byte, so that an event may be cut
// anywhere.
func (s *service) MustListen(t testing.TB, path string, headers ...string) *listener {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	response, err := s.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if got := response.Header.Get("Content-Type"); response.StatusCode != 200 || got != "text/event-stream; charset=utf-8" {
		t.Fatalf("GET %s: got %s, %s", path, response.Status, got)
	}
	return &listener{t: t, body: response.Body, lines: bufio.NewReader(iotest.OneByteReader(response.Body)), header: response.Header}
}

// event reads one event as the standard says. The error is io.EOF when the stream has ended.
func (l *listener) event() (kind, id, data string, err error) {
	for {
		line, err := l.lines.ReadString('\n')
		if err != nil {
			return "", "", "", err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			kind = value
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if line == "\n" && kind != "" {
				return kind, id, data, nil
			}
			if strings.HasPrefix(line, ":") {
				l.seen++
			}
		default:
			l.t.Fatalf("got line %q", line)
		}
	}
}

// batch is an event "changes" as a client reads it.
type batch struct {
	Changes  []struct{ Name, Value, Position string }
	Position string
	CaughtUp bool
}

func (l *listener) changes() batch {
	l.t.Helper()
	kind, id, data, err := l.event()
	if err != nil || kind != "changes" {
		l.t.Fatalf("got %q %s, %v, want changes", kind, data, err)
	}
	var b batch
	if err := json.Unmarshal([]byte(data), &b); err != nil || id == "" || b.Position != id {
		l.t.Fatalf("got %s with id %q, %v", data, id, err)
	}
	return b
}

// want reads one event and compares its data, with positions as in @7 and instants as "then".
func (l *listener) want(data string) {
	l.t.Helper()
	kind, id, got, err := l.event()
	if err != nil || kind != "changes" {
		l.t.Fatalf("got %q %s, %v, want changes", kind, got, err)
	}
	if !strings.Contains(got, `"position":"`+id+`","caughtUp":`) {
		l.t.Errorf("got id %q with %s", id, got)
	}
	got = regexp.MustCompile(`"(\d+)-[0-9a-f]{8}"`).ReplaceAllString(got, `"@$1"`)
	got = regexp.MustCompile(`"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"`).ReplaceAllString(got, `"then"`)
	if got != data {
		l.t.Errorf("got  %s\nwant %s", got, data)
	}
}

const beginning = "0-00000000"

func TestEvents(t *testing.T) {
	for _, base := range []string{"", "/v1"} {
		s := MustStart(t, configstore.Options{})
		s.MustSet(t, "a", "1")
		live := s.MustListen(t, base+"/events", "Accept: text/event-stream")
		live.want(`{"changes":[],"position":"@1","caughtUp":true}`)
		reason, err := config.ParseReason(`because "<b>"`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Do(t.Context(), auth.Anonymous, config.ChangeSet{Reason: reason}.Of(configstoretest.Set(t, "a", "2\n\r\u2028é"))); err != nil {
			t.Fatal(err)
		}
		live.want(`{"changes":[{"name":"a","operation":"UPDATED","value":"2\n\r` + "\u2028é" + `","oldValue":"1","version":2,"position":"@2","changeSet":"@2","committedAt":"then","actor":null,"reason":"because \"<b>\"","reverts":null,"erased":false}],"position":"@2","caughtUp":true}`)
		s.MustDelete(t, "a")
		live.want(`{"changes":[{"name":"a","operation":"DELETED","value":null,"oldValue":"2\n\r` + "\u2028é" + `","version":3,"position":"@3","changeSet":"@3","committedAt":"then","actor":null,"reason":null,"reverts":null,"erased":false}],"position":"@3","caughtUp":true}`)
		s.MustRestore(t, "a")
		live.want(`{"changes":[{"name":"a","operation":"RESTORED","value":"2\n\r` + "\u2028é" + `","oldValue":null,"version":4,"position":"@4","changeSet":"@4","committedAt":"then","actor":null,"reason":null,"reverts":null,"erased":false}],"position":"@4","caughtUp":true}`)
		if live.header.Get("Config-Position") != s.at(t, 1) || live.header.Get("Cache-Control") != "no-cache" || live.header.Get("X-Accel-Buffering") != "no" {
			t.Errorf("got headers %v", live.header)
		}

		s.MustSet(t, "p/b", "<>&")
		past := s.MustListen(t, base+"/events?prefix=p/&after="+beginning)
		past.want(`{"changes":[{"name":"p/b","operation":"CREATED","value":"<>&","oldValue":null,"version":1,"position":"@5","changeSet":"@5","committedAt":"then","actor":null,"reason":null,"reverts":null,"erased":false}],"position":"@5","caughtUp":true}`)

		// Each change set comes as an event of its own, also when they are read together.
		all := s.MustListen(t, base+"/events?after="+beginning)
		for i := 1; i <= 5; i++ {
			if b := all.changes(); len(b.Changes) != 1 || b.Position != s.at(t, i) || b.CaughtUp != (i == 5) {
				t.Errorf("event %d: got %+v", i, b)
			}
		}
	}
}

// at is the position of the nth event as a client knows it.
func (s *service) at(t testing.TB, n int) string {
	t.Helper()
	records, err := s.Events.Read(t.Context(), eventstore.Seq(n-1), eventstore.Limit{Records: 1})
	if err != nil || len(records) != 1 {
		t.Fatalf("reading event %d: %d of them, %v", n, len(records), err)
	}
	return eventstore.NewPosition(records[0].Seq, records[0].Hash).String()
}

// TestLastEventID comes back to the address that a stream was opened with, as an EventSource does.
func TestLastEventID(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for i := range 3 {
		s.MustSet(t, "a", fmt.Sprint(i))
	}
	for _, path := range []string{"/events", "/events?after=" + beginning, "/events?after=" + s.at(t, 1), "/events?after=garbage&after="} {
		again := s.MustListen(t, path, "Last-Event-ID: "+s.at(t, 2))
		if b := again.changes(); len(b.Changes) != 1 || b.Changes[0].Value != "2" || !b.CaughtUp {
			t.Errorf("%s: got %+v", path, b)
		}
	}
	s.MustListen(t, "/events?after="+s.at(t, 3), "Last-Event-ID: ").want(`{"changes":[],"position":"@3","caughtUp":true}`)
}

func TestEventsThatAreRefused(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "1")
	beyond := "7-" + strings.Split(s.at(t, 1), "-")[1]
	for _, row := range []struct {
		request, header string
		status          int
		code            string
	}{
		{"GET /events?after=", "", 400, "POSITION_UNKNOWN"},
		{"GET /events?after=1", "", 400, "POSITION_UNKNOWN"},
		{"GET /events?after=1-00000000", "", 400, "POSITION_UNKNOWN"},
		{"GET /events?after=-1-00000000", "", 400, "POSITION_UNKNOWN"},
		{"GET /events", "Last-Event-ID: garbage", 400, "POSITION_UNKNOWN"},
		{"GET /events?after=" + beginning, "Last-Event-ID: 1-00000000", 400, "POSITION_UNKNOWN"},
		{"GET /events?after=" + beyond, "", 400, "POSITION_UNKNOWN"},
		{"GET /events", "Last-Event-ID: " + beyond, 400, "POSITION_UNKNOWN"},
		{"GET /events", "Config-At-Least: " + beyond, 400, "POSITION_UNKNOWN"},
		{"GET /events?after=" + beginning, "Config-At-Least: garbage", 400, "POSITION_UNKNOWN"},
		{"GET /events?after=" + beginning + "&after=" + beginning, "", 400, "INVALID_INPUT"},
		{"GET /events?prefix=..", "", 400, "INVALID_INPUT"},
		{"GET /events?prefix=a&prefix=b", "", 400, "INVALID_INPUT"},
		{"GET /events?after=%zz", "", 400, "INVALID_INPUT"},
		{"GET /events", "Accept: application/json", 406, "INVALID_INPUT"},
		{"GET /v1/events?after=", "Accept: text/plain", 406, "INVALID_INPUT"},
		{"POST /events", "", 405, "INVALID_INPUT"},
		{"PUT /v1/events", "", 405, "INVALID_INPUT"},
		{"OPTIONS /events", "", 405, "INVALID_INPUT"},
	} {
		var headers []string
		if row.header != "" {
			headers = []string{row.header}
		}
		got := s.MustDo(t, row.request, "", headers...)
		MustBeProblem(t, row.request+" "+row.header, got, row.status, row.code)
		if row.status == 405 && got.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: Allow is %q", row.request, got.header.Get("Allow"))
		}
	}
	if got := s.MustDo(t, "GET /events/", ""); got.status != 404 {
		t.Errorf("GET /events/: got %d", got.status)
	}
	if got := s.MustDo(t, "HEAD /events", ""); got.status != 200 || got.header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Errorf("HEAD /events: got %d, %v", got.status, got.header)
	}
	if got := s.MustDo(t, "HEAD /events?after=garbage", ""); got.status != 400 {
		t.Errorf("HEAD /events?after=garbage: got %d", got.status)
	}
}

// TestEventsExactlyOnce cuts streams again and again while others write, each time in the middle of
// something, and goes on with the last id that came.
func TestEventsExactlyOnce(t *testing.T) {
	t.Parallel()
	const writers = 4
	each := slowtest.Rounds(30, 100)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	s := MustStart(t, configstore.Options{Feed: feed.Options{RingEvents: 10}, ProgressInterval: time.Millisecond})
	var writing sync.WaitGroup
	defer writing.Wait()
	for i := range writers {
		writing.Go(func() {
			for n := range each {
				s.MustSet(t, fmt.Sprintf("%c/%d", 'a'+n%2, i), fmt.Sprint(n))
			}
		})
	}
	readers := []struct {
		path string
		got  []string
		last string
	}{{path: "/events"}, {path: "/events?prefix=a"}}
	done := func(last string) bool { return strings.HasPrefix(last, fmt.Sprintf("%d-", writers*each)) }
	cuts := 0
	for i := range readers {
		r := &readers[i]
		for r.last = beginning; !done(r.last); cuts++ {
			l := s.MustListen(t, r.path, "Last-Event-ID: "+r.last)
			for left := 1 + dice.IntN(8); left > 0 && !done(r.last); left-- {
				b := l.changes()
				for _, c := range b.Changes {
					r.got = append(r.got, c.Position)
				}
				r.last = b.Position
			}
			l.body.Close()
		}
	}
	writing.Wait()
	for _, r := range readers {
		var want []string
		all, err := s.Events.Read(t.Context(), 0, eventstore.Limit{Records: 2 * writers * each})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if r.path == "/events" || strings.HasPrefix(e.Name, "a/") {
				want = append(want, eventstore.NewPosition(e.Seq, e.Hash).String())
			}
		}
		if !slices.Equal(r.got, want) {
			t.Errorf("%s: got %v, want %v", r.path, r.got, want)
		}
	}
	if cuts < each/2 {
		t.Errorf("%d cuts are too few to show anything", cuts)
	}
}

// unreadable is an event store whose history cannot be read for a while.
type unreadable struct {
	eventstore.Store
	unreachable atomic.Bool
}

func (u *unreadable) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	if u.unreachable.Load() {
		return nil, errUnreachable
	}
	return u.Store.ReadHistory(ctx, basis, after, limit)
}

func TestEventsThatBreakOff(t *testing.T) {
	events := &unreadable{Store: memory.New()}
	s := MustServe(t, configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}}))
	for i := range 3 {
		s.MustSet(t, "a", fmt.Sprint(i))
	}
	events.unreachable.Store(true)
	l := s.MustListen(t, "/events?after="+beginning)
	kind, id, data, err := l.event()
	if err != nil || kind != "error" || id != "" || !strings.Contains(data, `"status":503`) || !strings.Contains(data, `"code":"UNAVAILABLE"`) || strings.Contains(data, errUnreachable.Error()) {
		t.Errorf("got %q, id %q, %s, %v", kind, id, data, err)
	}
	if _, _, _, err := l.event(); err != io.EOF {
		t.Errorf("after the error: %v, want the end", err)
	}
	events.unreachable.Store(false)
	if b := s.MustListen(t, "/events?after="+beginning).changes(); b.Position != s.at(t, 1) {
		t.Errorf("got %+v", b)
	}
}

func TestEventsEndWithTheServer(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	l := s.MustListen(t, "/events")
	l.want(`{"changes":[],"position":"@0","caughtUp":true}`)
	for l.seen < 5 { // it is idle
		if line, err := l.lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		} else if strings.HasPrefix(line, ":") {
			l.seen++
		}
	}
	if err := s.edge.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, _, _, err := l.event(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end", err)
	}
	MustBeProblem(t, "GET /events", s.MustDo(t, "GET /events", ""), 503, "UNAVAILABLE")
	if got := s.MustDo(t, "GET /config", ""); got.status != 200 {
		t.Errorf("GET /config: got %d", got.status)
	}
}
