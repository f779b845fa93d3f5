package httpd

import (
	"context"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"configapi/internal/configstore"
)

// Metrics is what /metrics serves, in Prometheus' text format. Metrics of the store are collected
// when they are scraped.
type Metrics struct {
	registry      *prometheus.Registry
	appendSeconds prometheus.Histogram
	appendEvents  prometheus.Histogram
	// :: edge, first digit of the status → requests
	requests    [len(edgeNames)][6]prometheus.Counter
	connections prometheus.Gauge
	refusals    [len(refusalNames)]prometheus.Counter // :: reason → refusals
}

// refusal is a reason to refuse or cut a connection or a request.
type refusal int

const (
	refusedHost refusal = iota
	refusedOrigin
	refusedConnections
	refusedAddress
	refusedBodyBudget
	refusedBodySize
	refusedSlowReader
	refusedToken
	refusedOpen
)

var refusalNames = [...]string{
	refusedHost: "host", refusedOrigin: "origin", refusedConnections: "connections", refusedAddress: "address",
	refusedBodyBudget: "body_room", refusedBodySize: "body_size", refusedSlowReader: "slow_reader",
	refusedToken: "token", refusedOpen: "open",
}

// edge is what serves a path.
type edge int

const (
	restEdge edge = iota
	graphqlEdge
	playgroundEdge
	healthEdge
)

var edgeNames = [...]string{restEdge: "rest", graphqlEdge: "graphql", playgroundEdge: "playground", healthEdge: "health"}

var statusClasses = [6]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// NewMetrics returns metrics for one [Server].
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		appendSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "configapi_append_seconds", Help: "Duration of appends to the event store, also of failed ones.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}),
		appendEvents: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "configapi_append_events", Help: "Events per append.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
	}
	m.connections = prometheus.NewGauge(prometheus.GaugeOpts{Name: "configapi_connections", Help: "Open connections, websockets included."})
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "configapi_requests_total", Help: "Requests by edge and class of the status; none: cut off before a status was sent.",
	}, []string{"edge", "status"})
	for e, name := range edgeNames {
		for class, status := range statusClasses {
			m.requests[e][class] = requests.WithLabelValues(name, status)
		}
	}
	refusals := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "configapi_refusals_total", Help: "Connections and requests that were refused or cut off, by the limit or rule that they broke.",
	}, []string{"reason"})
	for why, name := range refusalNames {
		m.refusals[why] = refusals.WithLabelValues(name)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "configapi_build_info", Help: "Always 1; the labels have the versions of the program and of Go.", ConstLabels: buildLabels(),
	})
	build.Set(1)
	m.registry.MustRegister(m.appendSeconds, m.appendEvents, m.connections, requests, refusals, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func buildLabels() prometheus.Labels {
	labels := prometheus.Labels{"version": "", "go_version": ""}
	if info, ok := debug.ReadBuildInfo(); ok {
		labels["version"], labels["go_version"] = info.Main.Version, info.GoVersion
	}
	return labels
}

// Appended records an append of the event store: the number of its events, and its duration.
func (m *Metrics) Appended(events int, took time.Duration) {
	m.appendSeconds.Observe(took.Seconds())
	m.appendEvents.Observe(float64(events))
}

// answered counts a request by its path and status. Status 0: it was cut off before it had one.
func (m *Metrics) answered(path string, status int) {
	m.requests[edgeOf(path)][min(max(status/100, 0), len(statusClasses)-1)].Inc()
}

// refused counts a refusal.
func (m *Metrics) refused(why refusal) { m.refusals[why].Inc() }

func edgeOf(path string) edge {
	if isHealthPath(path) {
		return healthEdge
	}
	if strings.TrimPrefix(path, "/v1") == graphqlPath {
		return graphqlEdge
	}
	if path == playgroundPath || strings.HasPrefix(path, playgroundPath+"/") {
		return playgroundEdge
	}
	return restEdge
}

// handler serves the metrics.
func (m *Metrics) handler(opts Options) http.Handler {
	m.registry.MustRegister(storeMetrics{opts})
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// storeMetrics collects the metrics of the store, the streams and the audit log.
type storeMetrics struct{ opts Options }

var (
	appliedPosition = gauge("applied_position", "The newest position that this server has applied.")
	verifiedUpTo    = gauge("verified_position", "The position up to which this server has verified the hash chain, from the first event on.")
	headPosition    = gauge("head_position", "The newest position in the event store; left out while the store is unreachable.")
	lagPositions    = gauge("lag_positions", "How many positions this server is behind the event store; left out while the store is unreachable.")
	lagSeconds      = gauge("lag_seconds", "Time since this server last had all events of the event store; 0 when it has them now.")
	clockSeconds    = gauge("clock_offset_seconds", "How far this server's clock is ahead of the event store's, at least.")
	clockJump       = gauge("clock_jump_seconds", "How far this server's clock was set ahead within the last hour, for stores without a clock of their own; 0 below a minute.")
	headAhead       = gauge("head_ahead_seconds", "How far the newest event is ahead of this server's clock; 0 below 2 s.")
	logBytes        = gauge("sqlite_log_bytes", "Size of SQLite's write-ahead log; left out for other stores.")
	ready           = gauge("ready", "1 when the history is applied, so that reads and writes are served.")
	followerProblem = gauge("follower_problem", "1 when new events are not applied.")
	writeProblem    = gauge("write_problem", "1 when writes fail: the newest one has failed, or the next one would be refused.")
	rebuilds        = counter("rebuilds_total", "How often this server replaced its state because the history was another one, or broken.")
	sockets         = gauge("websocket_sockets", "Open websockets.")
	streams         = gauge("websocket_streams", "Operations on websockets.")
	groups          = gauge("websocket_groups", "Groups of subscriptions that share their messages.")
	bodyBytes       = gauge("body_bytes", "Memory reserved for the bodies of open requests; the first 4 KiB of each need none.")
	auditDropped    = counter("audit_dropped_total", "Lines of the audit log that were dropped.")
)

type metric struct {
	*prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string) metric {
	return metric{prometheus.NewDesc("configapi_"+name, help, nil, nil), prometheus.GaugeValue}
}

func counter(name, help string) metric {
	return metric{prometheus.NewDesc("configapi_"+name, help, nil, nil), prometheus.CounterValue}
}

// Describe implements [prometheus.Collector]. It sends nothing: the collector is unchecked.
func (s storeMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (s storeMetrics) Collect(out chan<- prometheus.Metric) {
	send := func(m metric, value float64) { out <- prometheus.MustNewConstMetric(m.Desc, m.kind, value) }
	state := s.opts.Store.Health(context.Background())
	send(appliedPosition, float64(state.Applied))
	send(verifiedUpTo, float64(state.Verified.Seq))
	if state.EventStore == nil {
		send(headPosition, float64(state.Head))
		send(lagPositions, float64(state.Positions()))
		send(clockSeconds, state.ClockOffset.Seconds())
	}
	send(clockJump, state.ClockJump.Seconds())
	send(headAhead, state.HeadAhead.Seconds())
	if bytes, has := s.opts.Store.LogBytes(); has {
		send(logBytes, float64(bytes))
	}
	send(lagSeconds, state.Lag.Seconds())
	send(ready, boolValue(isReady(s.opts.Store)))
	send(followerProblem, boolValue(state.Projection != nil))
	send(writeProblem, boolValue(state.Writing != nil))
	send(rebuilds, float64(s.opts.Store.Rebuilds()))
	send(bodyBytes, float64(s.opts.Bodies.Held()))
	if s.opts.Websockets != nil {
		open, operations, shared := s.opts.Websockets()
		send(sockets, float64(open))
		send(streams, float64(operations))
		send(groups, float64(shared))
	}
	if s.opts.AuditDropped != nil {
		send(auditDropped, float64(s.opts.AuditDropped()))
	}
}

func boolValue(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func isReady(store *configstore.Store) bool {
	select {
	case <-store.Ready():
		return true
	default:
		return false
	}
}
