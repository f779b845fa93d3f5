package httpd_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/httpd"
)

// TestMetrics reads them before and after something has happened.
func TestMetrics(t *testing.T) {
	metrics := httpd.NewMetrics()
	events := &sick{Store: memory.New()}
	store := configstoretest.On(t, events, configstore.Options{Appended: metrics.Appended})
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
	mustTell(t, got.body,
		`configapi_applied_position 3`, `configapi_head_position 3`, `configapi_lag_positions 0`, `configapi_lag_seconds 0`,
		`configapi_clock_offset_seconds 0`, `configapi_ready 1`, `configapi_follower_problem 0`, `configapi_rebuilds_total 0`,
		`configapi_websocket_sockets 3`, `configapi_websocket_streams 5`, `configapi_websocket_groups 2`, `configapi_audit_dropped_total 7`,
		`configapi_append_seconds_count 3`, `configapi_append_events_sum 3`, `configapi_append_events_count 3`,
		`configapi_requests_total{edge="graphql",status="2xx"} 1`, `configapi_requests_total{edge="health",status="2xx"} 1`,
		`configapi_requests_total{edge="rest",status="5xx"} 0`)
	if !regexp.MustCompile(`(?m)^configapi_build_info\{go_version="go1.+",version=".*"\} 1$`).MatchString(got.body) {
		t.Error("what is running is not told")
	}
	faults, err := promlint.New(strings.NewReader(got.body)).Lint()
	if err != nil || len(faults) > 0 {
		t.Errorf("promlint: %v, %v", faults, err)
	}

	events.headIs(eventstore.Head{}, errAway)
	away := s.ask(t, "GET /v1/metrics").body
	mustTell(t, away, `configapi_applied_position 3`, `configapi_ready 1`)
	if strings.Contains(away, "\nconfigapi_head_position") || strings.Contains(away, "\nconfigapi_lag_seconds 0\n") {
		t.Error("a store that is away is taken for one that was asked")
	}
	if got := s.ask(t, "POST /metrics"); got.StatusCode != 405 {
		t.Errorf("POST: got %d", got.StatusCode)
	}
}

func mustTell(t *testing.T, body string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("%q is not told", line)
		}
	}
	if t.Failed() {
		t.Log(body)
	}
}
