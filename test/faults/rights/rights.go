// Package rights tries what tokens are for, on three nodes over one PostgreSQL. Streams end with
// the rights of their tokens, on all nodes and at their position in the history. A new token can be
// used everywhere at once. Faults end what a token may do late at worst, and let nobody in.
//
// The package makes the first token of its cluster, so the cluster is its own.
package rights

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"configapi/test/faults/checker"
	"configapi/test/faults/cluster"
	"configapi/test/faults/history"
	"configapi/test/faults/record"
	"configapi/test/reports"
)

const (
	// patience bounds each wait. It is not a promise.
	patience = 60 * time.Second
	// requestTimeout bounds a request: a node that cannot reach PostgreSQL answers a write late.
	requestTimeout = 15 * time.Second
	// opening is how many streams begin at once.
	opening = 40
	// mostFindings bounds the findings of a run.
	mostFindings = 20
)

// Options of a run.
type Options struct {
	// Cluster has no token and no streams.
	Cluster *cluster.Cluster
	Seed    uint64
	// Tokens is how many tokens have streams, [StreamsOfToken] each. [NewTokens] times as many are
	// made to be used at once.
	Tokens   int
	Progress io.Writer
}

// What a run does for each of its tokens.
const (
	StreamsOfToken = 8
	NewTokens      = 40
)

// Result is what a run has found and measured.
type Result struct {
	Findings []checker.Finding
	Void     []string         // why the run proves nothing
	Evidence map[string]int64 // :: what → how often
	Figures  []Figure
	Streams  int
	Changes  int // that streams received
}

// Figure is how long something took, each time.
type Figure struct {
	What  string
	Times []time.Duration // in ascending order
}

func (f Figure) String() string {
	p50, p99, longest := f.Rounded()
	return fmt.Sprintf("%s: %d, p50 %v, p99 %v, longest %v", f.What, len(f.Times), p50, p99, longest)
}

// Rounded returns times as reports show them.
func (f Figure) Rounded() (p50, p99, longest time.Duration) {
	percentile := func(p int) time.Duration { return reports.Percentile(f.Times, p).Round(time.Millisecond) }
	return percentile(50), percentile(99), percentile(100)
}

// world is what all parts of a run share.
type world struct {
	options Options
	cluster *cluster.Cluster
	rand    *rand.Rand
	http    *http.Client
	history *history.History
	admin   string        // the secret of a token that may do everything
	opening chan struct{} // has an element for each stream that begins

	mu     sync.Mutex // guards the following
	result Result
	times  map[string][]time.Duration // :: what → how long it took, each time
	order  []string                   // the keys of times, in the order of their first use
}

// Run runs all parts. An error means that they could not be run.
func Run(ctx context.Context, o Options) (Result, error) {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: requestTimeout}).DialContext,
		MaxIdleConnsPerHost: 100,
		DisableCompression:  true,
	}
	w := &world{
		options: o, cluster: o.Cluster, rand: rand.New(rand.NewPCG(o.Seed, 14)), history: history.New(),
		http: &http.Client{Transport: transport}, times: map[string][]time.Duration{},
		opening: make(chan struct{}, opening),
	}
	w.result.Evidence = map[string]int64{}
	defer transport.CloseIdleConnections()
	for _, part := range []struct {
		name string
		run  func(context.Context, *world) error
	}{
		{"first token", firstToken},
		{"changes of rights", changeRights},
		{"new tokens", useNewTokens},
		{"listeners cut", inOutage("listeners", cutListeners)},
		{"a node without PostgreSQL", inOutage("isolated", isolateNode)},
		{"PostgreSQL stops", inOutage("stopped", stopPostgres)},
		{"PostgreSQL frozen", inOutage("frozen", freezePostgres)},
		{"a node killed", inOutage("killed", killNode)},
		{"failover", inOutage("failover", failOver)},
		{"failover that loses a token", inOutage("lost", loseTail)},
		{"two primaries", inOutage("split", splitBrain)},
	} {
		began := time.Now()
		if err := part.run(ctx, w); err != nil {
			return w.result, fmt.Errorf("%s: %w", part.name, err)
		}
		fmt.Fprintf(o.Progress, "    rights: %s, %.1fs\n", part.name, time.Since(began).Seconds())
		if len(w.result.Findings) > 0 {
			break
		}
	}
	w.result.Figures = w.figures()
	for _, what := range needed {
		if len(w.result.Findings) == 0 && w.result.Evidence[what] == 0 {
			w.result.Void = append(w.result.Void, "there is no evidence of: "+what)
		}
	}
	return w.result, context.Cause(ctx)
}

// took records how long something took. A negative time counts as none: the answer to a request can
// be later than its effect.
func (w *world) took(what string, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.times[what]; !known {
		w.order = append(w.order, what)
	}
	w.times[what] = append(w.times[what], max(d, 0))
}

func (w *world) figures() (figures []Figure) {
	for _, what := range w.order {
		figures = append(figures, Figure{what, slices.Sorted(slices.Values(w.times[what]))})
	}
	return figures
}

// needed is the evidence without which a run proves nothing.
var needed = []string{
	tokensChanged, changesMeanwhile, freshUsed, listenersEnded, knownServed, unknownRefused, nodesKilled, unanswered, answered, postgresStopped, postgresFrozen, primariesReplaced,
}

// What the evidence counts.
const (
	tokensChanged     = "tokens changed"
	changesMeanwhile  = "changes while rights changed"
	freshUsed         = "new tokens used at once on the other nodes"
	listenersEnded    = "listeners ended"
	knownServed       = "reads with a known token without PostgreSQL"
	unknownRefused    = "requests with an unknown token without PostgreSQL"
	revokedRefused    = "revoked tokens refused"
	nodesKilled       = "nodes killed"
	unanswered        = "requests that a node did not answer during a fault"
	answered          = "requests that a node answered by the rights of its caller during a fault"
	postgresStopped   = "stops of PostgreSQL"
	postgresFrozen    = "times that PostgreSQL was frozen"
	primariesReplaced = "primaries replaced"
)

// count adds to the evidence.
func (w *world) count(what string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.result.Evidence[what] += int64(n)
}

// found records a broken promise.
func (w *world) found(promise, format string, args ...any) {
	w.add(checker.Finding{Promise: promise, Text: fmt.Sprintf(format, args...)})
}

func (w *world) add(findings ...checker.Finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := mostFindings - len(w.result.Findings)
	w.result.Findings = append(w.result.Findings, findings[:min(left, len(findings))]...)
}

// extend reads the newest events of the history.
func (w *world) extend(ctx context.Context) error {
	conn, err := w.cluster.Database.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return w.history.Extend(ctx, conn)
}

// head is the newest position of the history.
func (w *world) head(ctx context.Context) (record.Position, error) {
	if err := w.extend(ctx); err != nil {
		return record.Position{}, err
	}
	e := w.history.Event(w.history.Head())
	if e == nil {
		return record.Position{Hash: "00000000"}, nil
	}
	return record.Position{Seq: e.Seq, Hash: e.Hash}, nil
}

// until polls done until it is true. It returns false after patience.
func until(ctx context.Context, done func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !done() {
		if !cluster.Pause(ctx, 5*time.Millisecond) {
			return done()
		}
	}
	return true
}
