package edgetest_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"configapi/graph"
	"configapi/internal/attempts"
	"configapi/internal/audit"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore/memory"
	"configapi/internal/httpd"
	"configapi/internal/requestid"
	"configapi/internal/rest"
	"configapi/internal/websockettest"
	"configapi/internal/writer"
)

// logbook keeps all lines of a log. It is safe for concurrent use.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// guarded is a whole server that authenticates its callers.
type guarded struct {
	server
	store       *configstoretest.Store
	log         *logbook
	logger      *slog.Logger
	changes     *audit.Log
	refusals    *audit.Refusals
	ahead       atomic.Int64 // nanoseconds, of the server's clock
	stopLogging func()       // has the audit log write what it has
}

// startGuarded starts a server. Each of tune changes the options of its HTTP server.
func startGuarded(t *testing.T, opts configstore.Options, refused *attempts.Attempts, tune ...func(*httpd.Options)) *guarded {
	g := newGuarded(t)
	opts.Now = func() time.Time { return time.Now().Add(time.Duration(g.ahead.Load())) }
	opts.Log, opts.Writer = g.logger, writer.Options{Audit: g.changes}
	g.serve(t, configstoretest.On(t, memory.New(), opts), refused, tune...)
	return g
}

// newGuarded returns a server that logs, and does not serve yet.
func newGuarded(t *testing.T) *guarded {
	g := &guarded{log: new(logbook)}
	g.logger = slog.New(slog.NewTextHandler(g.log, nil))
	g.changes, g.refusals = audit.New(g.logger, audit.Options{}), audit.NewRefusals(g.logger)
	ctx, stop := context.WithCancel(context.Background())
	var logging sync.WaitGroup
	logging.Go(func() { _ = g.changes.Run(ctx) }) // returns nil
	logging.Go(func() { _ = g.refusals.Run(ctx) })
	g.stopLogging = sync.OnceFunc(func() { stop(); logging.Wait() })
	t.Cleanup(g.stopLogging)
	return g
}

// serve begins to serve a store. Each of tune changes the options of the HTTP server.
func (g *guarded) serve(t *testing.T, store *configstoretest.Store, refused *attempts.Attempts, tune ...func(*httpd.Options)) {
	g.store = store
	log, metrics := g.logger, httpd.NewMetrics()
	refuse := httpd.CallerRefused(metrics, g.refusals)
	api := graph.NewHandler(g.store.Store, graph.Options{RequestID: requestid.From, Attempts: refused, Refused: refuse, Log: log})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), configstoretest.Patience)
		defer cancel()
		if err := api.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	options := httpd.Options{
		Store: g.store.Store, REST: rest.New(g.store.Store, rest.Options{Refused: refuse, Log: log}), GraphQL: api,
		RefuseGraphQL: graph.Refuse, Attempts: refused, Refusals: g.refusals, Metrics: metrics, Log: log,
	}
	for _, change := range tune {
		change(&options)
	}
	g.server = start(t, httpd.New(options))
}

// send sends a request with a secret, "" for none, and returns the answer and its body. Of a stream
// it reads the first event.
func (g *guarded) send(t *testing.T, secret, request, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), configstoretest.Patience)
	defer cancel()
	r := g.request(ctx, t, request, strings.NewReader(body), slices.Concat([]string{"Content-Type", jsonType}, bearer(secret), headers)...)
	answer, err := g.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer, mustReadAnswer(t, answer)
}

// bearer returns the header with a secret, none for "".
func bearer(secret string) []string {
	if secret == "" {
		return nil
	}
	return []string{"Authorization", "Bearer " + secret}
}

func mustReadAnswer(t *testing.T, answer *http.Response) string {
	t.Helper()
	var got strings.Builder
	for piece := make([]byte, 4096); ; {
		n, err := answer.Body.Read(piece)
		got.Write(piece[:n])
		switch isStream := strings.HasPrefix(answer.Header.Get("Content-Type"), stream); {
		case err == io.EOF, isStream && strings.Contains(got.String(), "data:") && strings.HasSuffix(got.String(), "\n\n"):
			return got.String()
		case err != nil:
			t.Fatal(err)
		}
	}
}

// dial opens a websocket with a secret in the header of the handshake, or a payload of
// connection_init.
func (g *guarded) dial(t *testing.T, secret, payload string) (*websockettest.Client, error) {
	t.Helper()
	header := http.Header{}
	if secret != "" {
		header.Set("Authorization", "Bearer "+secret)
	}
	c, err := websockettest.Open(t.Context(), "ws"+strings.TrimPrefix(g.URL, "http")+"/graphql",
		websockettest.Options{Header: header, Init: payload, Patience: configstoretest.Patience})
	if err == nil {
		t.Cleanup(c.Close)
	}
	return c, err
}

// ask sends a query over a websocket, and returns the first message about it.
func ask(t *testing.T, c *websockettest.Client, query string) string {
	t.Helper()
	if err := c.Subscribe("1", query, nil); err != nil {
		t.Fatal(err)
	}
	m, err := c.Receive()
	if err != nil {
		t.Fatal(err)
	}
	return m.Text
}

const (
	listConfigs = `{"query":"{configs(first:9){totalCount nodes{name}}}"}`
	firstEvent  = `{"query":"subscription{configChanges(after:\"0-00000000\"){changes{name}}}"}`
	stream      = "text/event-stream"
	onSocket    = `{configs(first:9){nodes{name}}}`
)

func inPayload(secret string) string { return `{"Authorization":"Bearer ` + secret + `"}` }
