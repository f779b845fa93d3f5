package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"configapi/graph"
	"configapi/graph/transport/bounds"
	"configapi/internal/attempts"
	"configapi/internal/audit"
	"configapi/internal/budget"
	"configapi/internal/certificate"
	"configapi/internal/clientcmd"
	"configapi/internal/configstore"
	"configapi/internal/console"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/eventstream"
	"configapi/internal/httpd"
	"configapi/internal/origin"
	"configapi/internal/requestid"
	"configapi/internal/rest"
	"configapi/internal/sdnotify"
	"configapi/internal/setting"
	"configapi/internal/writer"
)

// serveName is the name of the command that runs the server.
const serveName = "serve"

func serveCommand(env Env) *cobra.Command {
	set := newSettings()
	c := &cobra.Command{
		Use:     serveName,
		GroupID: clientcmd.GroupServer,
		Example: `configapi serve
configapi serve --store postgres://database/configapi --listen :4000 --tls-cert cert.pem --tls-key key.pem`,
		Short: "run the server",
		Long:  "Runs the server until it is interrupted.",
		RunE:  func(c *cobra.Command, _ []string) error { return serve(c.Context(), env, *set) },
	}
	setting.Register(c.Flags(), set.table()...)
	return c
}

// serve runs the server until ctx ends.
func serve(ctx context.Context, env Env, set settings) error {
	if err := set.check(); err != nil {
		return err
	}
	if err := set.readBootstrap(); err != nil {
		return err
	}
	guard, err := origin.New(origin.Options{Listen: set.listen, Hosts: set.hosts, Origins: set.origins})
	if err != nil {
		return startErrorf("%w", err)
	}
	proxies, err := httpd.ParseProxies(set.trustedProxies)
	if err != nil {
		return startErrorf("--trusted-proxy: %w", err)
	}
	log, flush, err := newLog(env, set.logFormat)
	if err != nil {
		return err
	}
	defer flush()
	manager, err := sdnotify.FromEnvironment(env.Getenv, log)
	if err != nil {
		return startErrorf("%w", err)
	}
	defer manager.Close()
	files, err := openCertificate(set, log)
	if err != nil {
		return err
	}
	events, err := openForServing(ctx, set.store, postgres.Options{ListenURL: set.listenDSN, RequireLeastPrivilege: set.requireLeastPrivilege, Log: log})
	if err != nil {
		return err
	}
	at, err := listen(set, files)
	if err != nil {
		return errors.Join(err, events.Close())
	}
	at.log(log, set)
	reloading := start(func(ctx context.Context) error { return at.reload(ctx, manager) })
	err = run(ctx, events, at, set, guard, proxies, manager, log)
	return errors.Join(err, reloading.stop(), events.Close())
}

// addresses are where a server listens.
type addresses struct {
	net.Listener                    // of all that it serves
	metrics      net.Listener       // of its metrics alone; nil: they have no address of their own
	files        *certificate.Files // of the certificate; nil: plain HTTP
}

func listen(set settings, files *certificate.Files) (at addresses, err error) {
	at.files = files
	if at.Listener, err = net.Listen("tcp", set.listen); err != nil {
		return at, startErrorf("listening on %s: %w; choose another address with --listen", set.listen, err)
	}
	if set.metricsListen == "" {
		return at, nil
	}
	if at.metrics, err = net.Listen("tcp", set.metricsListen); err != nil {
		_ = at.Close()
		return at, startErrorf("listening on %s: %w; choose another address with --metrics-listen", set.metricsListen, err)
	}
	return at, nil
}

func (at addresses) log(log *slog.Logger, set settings) {
	address := at.Addr().String()
	line := []any{"address", address, "store", kindOf(set.store)}
	if set.playground {
		line = append(line, "playground", at.scheme()+"://"+address+"/playground")
	}
	log.Info("serving", line...)
	if at.metrics != nil {
		log.Info("serving metrics", "address", at.metrics.Addr().String())
	}
}

// serveMetrics serves the metrics at their own address, if there is one.
func (at addresses) serveMetrics(ctx context.Context, server *httpd.Server) error {
	if at.metrics == nil {
		return nil
	}
	return server.ServeMetrics(ctx, at.metrics)
}

// run wires the parts together and stops them in the order of their dependencies: first the edges,
// so that open requests are answered, then the store with its writer, then the audit log.
func run(ctx context.Context, events storage, at addresses, set settings, guard *origin.Guard, proxies *httpd.Proxies, manager *sdnotify.Manager, log *slog.Logger) error {
	changes, refusals := audit.New(log, audit.Options{}), audit.NewRefusals(log)
	metrics := httpd.NewMetrics()
	logRefused := httpd.CallerRefused(metrics, refusals)
	store := configstore.New(events, configstore.Options{
		MaxValueBytes: set.maxValueBytes, Anonymous: set.anonymous.grants, MaxRightsAge: set.maxRightsAge, Log: log, Writer: writer.Options{Audit: changes, Appended: metrics.Appended},
	})
	shared := newSharedBounds(set)
	refused := attempts.New(attempts.Options{})
	begun, issue := begin(store, set.bootstrap, log)
	defer holdHeapFloor(store.Ready())()
	graphqlAPI := newGraphQL(store, set, shared, refused, logRefused, log)
	restAPI := rest.New(store, rest.Options{Answers: shared.answers, Streams: shared.streams, Limit: shared.limit, Refused: logRefused, Log: log})
	server := httpd.New(httpd.Options{
		Store:      store,
		REST:       restAPI,
		GraphQL:    graphqlAPI,
		Playground: playground(set),
		Begun:      begun,
		Guard:      guard, Proxies: proxies, GetCertificate: at.getCertificate(),

		RefuseGraphQL: graph.Refuse, Attempts: refused, Refusals: refusals, AllowAnonymous: set.allowAnonymous, Exposed: !isLoopback(at.Addr()),
		// Without this limit, connections beyond the descriptors would be refused without an
		// answer.
		MaxConnections:           allowedConnections(set.maxConnections, log),
		MaxConnectionsPerAddress: set.maxConnectionsPerAddress,
		Bodies:                   shared.bodies, Headers: shared.headers,
		Metrics:    metrics,
		Websockets: graphqlAPI.Websockets, AuditDropped: changes.Dropped,
		Shutdown: []func(context.Context) error{graphqlAPI.Shutdown, restAPI.Shutdown},
		Log:      log,
	})

	auditing, refusing := start(changes.Run), start(refusals.Run)
	storing := start(store.Run)
	beginning := start(issue)
	limiting := start(func(ctx context.Context) error { return limitMemory(ctx, shared.reserved, store.Verifying) })
	ctx, refuse := context.WithCancelCause(ctx)
	defer refuse(nil)
	warning := start(func(ctx context.Context) error {
		warnIfOpen(ctx, store, begun, at.Addr(), set, log, refuse)
		return nil
	})
	notifying := start(func(context.Context) error { return manager.Run(ctx, begun) })
	scraping := start(func(ctx context.Context) error { return at.serveMetrics(ctx, server) })
	err := serveBoth(ctx, server, at, adminListener(set.socketPath(), log))
	if exposed := context.Cause(ctx); errors.Is(exposed, errExposed) {
		err = errors.Join(exposed, err)
	}
	refuse(nil) // for what lasts as long as the server serves, which may have ended by itself
	return errors.Join(err, notifying.stop(), warning.stop(), scraping.stop(), beginning.stop(), limiting.stop(), storing.stop(), refusing.stop(), auditing.stop())
}

// newGraphQL returns the edge of GraphQL.
func newGraphQL(store *configstore.Store, set settings, shared sharedBounds, refused *attempts.Attempts, logRefused func(context.Context, audit.Refusal), log *slog.Logger) *graph.Handler {
	return graph.NewHandler(store, graph.Options{
		Budgets: bounds.Options{
			Answers: shared.answers, Streams: shared.streams, Bodies: shared.bodies, Subscriptions: shared.subscriptions,
			Limit: shared.limit, MaxAnswer: int64(set.maxAnswerBytes),
		},
		Introspection: set.introspection,
		RequestID:     requestid.From,
		Attempts:      refused,
		Refused:       logRefused,
		Log:           log,
	})
}

// playground returns the handler of /playground, nil when there is none: its paths are then unknown
// ones of REST.
func playground(set settings) http.Handler {
	if !set.playground {
		return nil
	}
	return console.Playground()
}

// sharedBounds are the budgets and the limits that all edges share.
type sharedBounds struct {
	answers, bodies, headers, streams, subscriptions *budget.Budget

	limit *eventstream.Limit
}

func newSharedBounds(set settings) sharedBounds {
	return sharedBounds{
		answers: budget.ForAnswers(), bodies: budget.ForBodies(), headers: budget.ForHeaders(), streams: budget.ForStreams(),
		subscriptions: budget.ForSubscriptions(),
		limit:         eventstream.NewLimit(set.maxStreams, set.maxStreamsPerAddress),
	}
}

// reserved returns how many bytes requests have reserved.
func (s sharedBounds) reserved() int64 {
	return s.answers.Held() + s.bodies.Held() + s.headers.Held() + s.streams.Held() + s.subscriptions.Held()
}

// part is a part of the server that runs in its own goroutine.
type part struct {
	cancel context.CancelFunc
	ended  chan error
}

func start(run func(context.Context) error) part {
	ctx, cancel := context.WithCancel(context.Background())
	p := part{cancel, make(chan error, 1)}
	go func() { p.ended <- run(ctx) }()
	return p
}

// stop cancels the part and waits for it, for 1 s at most. The edges have already stopped, so a
// write that still hangs in an unreachable store has no caller any more.
func (p part) stop() error {
	const stopTime = time.Second
	p.cancel()
	select {
	case err := <-p.ended:
		return err
	case <-time.After(stopTime):
		return errors.New("stopping: the store does not answer; what was under way may have been written or not")
	}
}

// kindOf returns the kind of a store, without its address, which may have secrets.
func kindOf(store string) string {
	kind, _, _ := strings.Cut(store, ":")
	return kind
}
