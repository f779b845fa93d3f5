package httpd_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/httpd"
)

// sick is a real event store whose head and records a test can change.
type sick struct {
	eventstore.Store
	head atomic.Pointer[func(context.Context) (eventstore.Head, error)]
	read atomic.Pointer[func([]eventstore.Record) ([]eventstore.Record, error)]
}

func (s *sick) Head(ctx context.Context) (eventstore.Head, error) {
	if head := s.head.Load(); head != nil {
		return (*head)(ctx)
	}
	return s.Store.Head(ctx)
}

func (s *sick) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := s.Store.Read(ctx, after, limit)
	if read := s.read.Load(); read != nil && err == nil {
		return (*read)(records)
	}
	return records, err
}

var errUnreachable = errors.New("dial tcp 10.0.0.1:5432: password=" + secret)

func TestHealth(t *testing.T) {
	clock := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("", 3600))
	s := start(t, httpd.Options{Now: func() time.Time { return clock }})
	began := time.Now()
	want := `{"status":"healthy","timestamp":"2026-03-01T11:00:00.123456Z","checks":{"eventstore":"ok","projection":"ok","database":"ok"},"lag":{"positions":0,"seconds":0},"verified":"0-00000000","rights_as_of":""}`
	for _, path := range []string{"/health", "/v1/health"} {
		got := s.ask(t, "GET "+path)
		var asOf struct {
			Time time.Time `json:"rights_as_of"`
		}
		if err := json.Unmarshal([]byte(got.body), &asOf); err != nil || asOf.Time.Before(began.Truncate(time.Microsecond)) || asOf.Time.After(time.Now()) {
			t.Errorf("GET %s: got rights as of %v, %v, want the time of the question", path, asOf.Time, err)
		}
		got.body = strings.Replace(got.body, config.FormatInstant(asOf.Time), "", 1)
		if got.StatusCode != 200 || got.body != want || got.Header.Get("Content-Type") != "application/json" ||
			got.Header.Get("X-Content-Type-Options") != "nosniff" || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s: got %d %v %s, want %s", path, got.StatusCode, got.Header, got.body, want)
		}
	}
	for _, path := range []string{"/livez", "/readyz"} {
		if got := s.ask(t, "GET "+path); got.StatusCode != 200 || got.body != "OK" || got.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("GET %s: got %d %v %s", path, got.StatusCode, got.Header, got.body)
		}
	}
	for _, path := range []string{"/health", "/livez", "/readyz"} {
		if got := s.ask(t, "POST "+path); got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD" || !strings.Contains(got.body, `"code":"INVALID_INPUT"`) {
			t.Errorf("POST %s: got %d %v %s", path, got.StatusCode, got.Header, got.body)
		}
	}
}

// TestUnhealthy breaks the store in one way at a time. The answer names the problem without the
// store's error text, and a server that can still read is ready.
func TestUnhealthy(t *testing.T) {
	for _, row := range []struct {
		name   string
		spoil  func(*sick)
		checks string
		ready  int
	}{
		{
			"the store is unreachable",
			func(events *sick) { events.headIs(eventstore.Head{}, errUnreachable) },
			`{"eventstore":"it cannot be reached","projection":"ok","database":"it cannot be reached"}`, 200,
		},
		{
			"the store hangs",
			func(events *sick) {
				hang := func(ctx context.Context) (eventstore.Head, error) {
					<-ctx.Done()
					return eventstore.Head{}, fmt.Errorf("%w: %w", errUnreachable, ctx.Err())
				}
				events.head.Store(&hang)
			},
			`{"eventstore":"it does not answer in time","projection":"ok","database":"it does not answer in time"}`, 200,
		},
		{
			"the history has lost its end",
			func(events *sick) { events.headIs(eventstore.Head{}, nil) },
			`{"eventstore":"its history ends before what this server has applied","projection":"ok","database":"ok"}`, 200,
		},
		{
			"events cannot be read",
			func(events *sick) {
				events.spoilRecords(func(*eventstore.Record) error { return errUnreachable })
			},
			`{"eventstore":"ok","projection":"new events cannot be read","database":"ok"}`, 200,
		},
		{
			"an event was changed",
			func(events *sick) {
				events.spoilRecords(func(r *eventstore.Record) error { r.Data = `{"value":"y"}`; return nil })
			},
			`{"eventstore":"ok","projection":"the history is broken at position 2","database":"ok"}`, 503,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := &sick{Store: memory.New()}
				store := configstoretest.On(t, events, configstore.Options{})
				store.MustSet(t, "a", "x")
				s := start(t, httpd.Options{Store: store.Store})
				row.spoil(events)
				synctest.Wait()
				for range 3 {
					got := s.ask(t, "GET /health")
					if got.StatusCode != 503 || !strings.HasPrefix(got.body, `{"status":"unhealthy","timestamp":"`) || !strings.Contains(got.body, `"checks":`+row.checks+`,"lag":{`) {
						t.Errorf("/health: got %d %s, want %s", got.StatusCode, got.body, row.checks)
					}
				}
				if got := s.ask(t, "GET /readyz"); got.StatusCode != row.ready || strings.Contains(got.body, secret) {
					t.Errorf("/readyz: got %d %s, want %d", got.StatusCode, got.body, row.ready)
				}
				if got := s.ask(t, "GET /livez"); got.StatusCode != 200 {
					t.Errorf("/livez: got %d", got.StatusCode)
				}
				if got := s.ask(t, "GET /config/a"); got.StatusCode != http.StatusOK || got.body != "x" {
					t.Errorf("reading: got %d %s", got.StatusCode, got.body)
				}
				if lines := s.log.with("the server is unhealthy"); len(lines) != 1 {
					t.Errorf("the log has it %d times, want once: %v", len(lines), lines)
				}

				events.head.Store(nil)
				events.read.Store(nil)
				time.Sleep(time.Minute) // the follower tries again meanwhile
				synctest.Wait()
				if got := s.ask(t, "GET /health"); got.StatusCode != 200 {
					t.Errorf("/health afterwards: got %d %s", got.StatusCode, got.body)
				}
				if lines := s.log.with("the server is healthy again"); len(lines) != 1 {
					t.Errorf("the log has the end %d times, want once", len(lines))
				}
			})
		})
	}
}

func (s *sick) headIs(head eventstore.Head, err error) {
	answer := func(context.Context) (eventstore.Head, error) { return head, err }
	s.head.Store(&answer)
}

// spoilRecords changes records as they are read, and appends one that this server must read.
func (s *sick) spoilRecords(change func(*eventstore.Record) error) {
	read := func(records []eventstore.Record) ([]eventstore.Record, error) {
		changed := slices.Clone(records)
		for i := range changed {
			if err := change(&changed[i]); err != nil {
				return nil, err
			}
		}
		return changed, nil
	}
	s.read.Store(&read)
	s.mustAppend("ConfigValueSet")
}

// mustAppend appends an event as another server would.
func (s *sick) mustAppend(eventType string) {
	head, err := s.Store.Head(context.Background())
	if err != nil {
		panic(err)
	}
	records := []eventstore.Record{{Name: "b", Version: 1, Type: eventType, SchemaVersion: 1, Data: `{"value":"x"}`,
		RecordedAt: head.RecordedAt.Add(time.Second)}}
	new(eventstore.Chain).Seal(head, eventstore.AppendID{1}, records)
	if err := s.Append(context.Background(), head, records); err != nil {
		panic(err)
	}
}

// TestNewerEvents appends an event of an unknown type. It is never skipped, so the problem stays.
func TestNewerEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := &sick{Store: memory.New()}
		store := configstoretest.On(t, events, configstore.Options{})
		store.MustSet(t, "a", "x")
		s := start(t, httpd.Options{Store: store.Store})
		events.mustAppend("ConfigValueFrozen")
		synctest.Wait()
		const reason = `an event is of type \"ConfigValueFrozen\", schema version 1, which this program does not know`
		for path, status := range map[string]int{"/health": 503, "/readyz": 503, "/livez": 200, "/config/a": 200} {
			got := s.ask(t, "GET "+path)
			if got.StatusCode != status || status == 503 && !strings.Contains(got.body, reason) {
				t.Errorf("GET %s: got %d %s, want %d", path, got.StatusCode, got.body, status)
			}
		}
	})
}
