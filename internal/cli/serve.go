package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"configapi/graph"
	"configapi/internal/audit"
	"configapi/internal/configstore"
	"configapi/internal/console"
	"configapi/internal/httpd"
	"configapi/internal/origin"
	"configapi/internal/requestid"
	"configapi/internal/rest"
)

// serve runs the server until ctx ends.
func serve(ctx context.Context, env Env) error {
	set, err := parseSettings(env)
	if err != nil {
		return err
	}
	guard, err := origin.New(origin.Options{Listen: set.listen, Hosts: set.hosts, Origins: set.origins})
	if err != nil {
		return unusable("%w", err)
	}
	log, flush, err := newLog(env, set.logFormat)
	if err != nil {
		return err
	}
	defer flush()
	events, err := openForServing(ctx, set.store, set.listenDSN, log)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", set.listen)
	if err != nil {
		return errors.Join(unusable("listening on %s: %w; choose another address with --listen", set.listen, err), events.Close())
	}
	log.Info("serving", "address", listener.Addr().String(), "store", kindOf(set.store), "playground", "http://"+listener.Addr().String()+"/playground")
	err = run(ctx, events, listener, set, guard, log)
	return errors.Join(err, events.Close())
}

// run puts the parts together, and takes them apart again in the order in which they need one another: first the edges, so
// that requests in flight are answered, then the writer, then the audit log.
func run(ctx context.Context, events storage, listener net.Listener, set settings, guard *origin.Guard, log *slog.Logger) error {
	changes := audit.New(log, audit.Options{})
	metrics := httpd.NewMetrics()
	store := configstore.New(events, configstore.Options{
		MaxValueBytes: set.maxValueBytes, Audit: changes, Appended: metrics.Appended, Log: log,
	})
	defer raiseHeap(store.Ready())()
	api := graph.NewHandler(store, graph.Options{
		RequestID: requestid.From,
		Log:       log,
	})
	paths := rest.New(store, rest.Options{Log: log})
	server := httpd.New(httpd.Options{
		Store:      store,
		REST:       paths,
		GraphQL:    api,
		Playground: console.Playground(console.Options{}),
		Guard:      guard,
		// More than the system has descriptors for would be refused without a word.
		MaxConnections:           allowedConnections(set.maxConnections, log),
		MaxConnectionsPerAddress: set.maxConnectionsPerAddress,
		Metrics:                  metrics,
		Websockets:               api.Websockets, AuditDropped: changes.Dropped,
		Shutdown: []func(context.Context) error{api.Shutdown, paths.Shutdown},
		Log:      log,
	})

	auditing := start(changes.Run)
	storing := start(store.Run)
	err := server.Serve(ctx, listener)
	return errors.Join(err, storing.stop(), auditing.stop())
}

// part is a part of the server that runs beside others.
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

// stop tells the part to end, and waits for it, but not for long: the edges have had their time, and a write that still hangs
// in a store that is away has no caller any more.
func (p part) stop() error {
	const patience = time.Second
	p.cancel()
	select {
	case err := <-p.ended:
		return err
	case <-time.After(patience):
		return errors.New("stopping: the store does not answer; what was under way may have been written or not")
	}
}

// kindOf names a store without the secrets that its address may hold.
func kindOf(store string) string {
	kind, _, _ := strings.Cut(store, ":")
	return kind
}
