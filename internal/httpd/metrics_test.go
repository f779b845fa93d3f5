package httpd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/eventstore/sqlite"
	"configapi/internal/httpd"
	"configapi/internal/writer"
)

// TestMetrics scrapes before and after some requests.
func TestMetrics(t *testing.T) {
	metrics := httpd.NewMetrics()
	events := &sick{Store: memory.New()}
	store := configstoretest.On(t, events, configstore.Options{Writer: writer.Options{Appended: metrics.Appended}})
	s := start(t, httpd.Options{
		Store: store.Store, GraphQL: says("graphql"), Metrics: metrics,
		Websockets:   func() (sockets, streams, groups int) { return 3, 5, 2 },
		AuditDropped: func() int64 { return 7 },
	})
	for range 3 {
		store.MustSet(t, "a", "1")
	}
	for _, request := range []string{"GET /config/a", "GET /config/a", "GET /none", "POST /graphql", "GET /playground", "GET /v1/health"} {
		s.ask(t, request)
	}
	got := s.ask(t, "GET /metrics")
	if got.StatusCode != 200 || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Errorf("got %d %v", got.StatusCode, got.Header)
	}
	mustHaveLine(t, got.body,
		`configapi_applied_position 3`, `configapi_verified_position 3`, `configapi_head_position 3`, `configapi_lag_positions 0`, `configapi_lag_seconds 0`,
		`configapi_clock_offset_seconds 0`, `configapi_ready 1`, `configapi_follower_problem 0`, `configapi_rebuilds_total 0`,
		`configapi_websocket_sockets 3`, `configapi_websocket_streams 5`, `configapi_websocket_groups 2`, `configapi_audit_dropped_total 7`,
		`configapi_append_seconds_count 3`, `configapi_append_events_sum 3`, `configapi_append_events_count 3`,
		`configapi_requests_total{edge="graphql",status="2xx"} 1`, `configapi_requests_total{edge="health",status="2xx"} 1`,
		`configapi_requests_total{edge="rest",status="5xx"} 0`)
	if !regexp.MustCompile(`(?m)^configapi_build_info\{go_version="go1.+",version=".*"\} 1$`).MatchString(got.body) {
		t.Error("configapi_build_info is missing")
	}
	faults, err := promlint.New(strings.NewReader(got.body)).Lint()
	if err != nil || len(faults) > 0 {
		t.Errorf("promlint: %v, %v", faults, err)
	}

	events.headIs(eventstore.Head{}, errUnreachable)
	unreachable := s.ask(t, "GET /v1/metrics").body
	mustHaveLine(t, unreachable, `configapi_applied_position 3`, `configapi_ready 1`)
	if strings.Contains(unreachable, "\nconfigapi_head_position") || strings.Contains(unreachable, "\nconfigapi_lag_seconds 0\n") {
		t.Error("metrics that need the store are shown while it is unreachable")
	}
	if got := s.ask(t, "POST /metrics"); got.StatusCode != 405 {
		t.Errorf("POST: got %d", got.StatusCode)
	}
}

// TestMetricsAreDocumented compares the metrics of a server with the operations manual, both ways.
func TestMetricsAreDocumented(t *testing.T) {
	manual, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := names(regexp.MustCompile("`(configapi_[a-z_]+)`"), string(manual))

	// only SQLite has a write-ahead log
	events, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "configapi.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := events.Close(); err != nil {
			t.Error(err)
		}
	})
	s := start(t, httpd.Options{
		Store: configstoretest.On(t, events, configstore.Options{}).Store, Metrics: httpd.NewMetrics(),
		Websockets:   func() (sockets, streams, groups int) { return 0, 0, 0 },
		AuditDropped: func() int64 { return 0 },
	})
	served := names(regexp.MustCompile("(?m)^# TYPE (configapi_[a-z_]+) "), s.ask(t, "GET /metrics").body)
	if len(served) == 0 || !slices.Equal(documented, served) {
		t.Errorf("docs/operations.md names\n%q\nand /metrics serves\n%q", documented, served)
	}
}

// names returns the first group of each match, sorted and without duplicates.
func names(pattern *regexp.Regexp, text string) []string {
	var found []string
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func mustHaveLine(t *testing.T, body string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("the line %q is missing", line)
		}
	}
	if t.Failed() {
		t.Log(body)
	}
}
