package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"configapi/graph"
	"configapi/graph/transport/bounds"
	"configapi/internal/audit"
	"configapi/internal/budget"
	"configapi/internal/configstore"
	"configapi/internal/console"
	"configapi/internal/eventstream"
	"configapi/internal/httpd"
	"configapi/internal/origin"
	"configapi/internal/requestid"
	"configapi/internal/rest"
	"configapi/internal/writer"
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
		MaxValueBytes: set.maxValueBytes, Log: log, Writer: writer.Options{Audit: changes, Appended: metrics.Appended},
	})
	room := newRoom(set)
	defer raiseHeap(store.Ready())()
	api := graph.NewHandler(store, graph.Options{
		Budgets: bounds.Options{
			Answers: room.answers, Streams: room.streams, Bodies: room.bodies, Subscriptions: room.subscriptions,
			Limit: room.limit, MaxAnswer: int64(set.maxAnswerBytes),
		},
		RequestID: requestid.From,
		Log:       log,
	})
	paths := rest.New(store, rest.Options{Answers: room.answers, Streams: room.streams, Limit: room.limit, Log: log})
	server := httpd.New(httpd.Options{
		Store:      store,
		REST:       paths,
		GraphQL:    api,
		Playground: console.Playground(console.Options{}),
		Guard:      guard,
		// More than the system has descriptors for would be refused without an answer.
		MaxConnections:           allowedConnections(set.maxConnections, log),
		MaxConnectionsPerAddress: set.maxConnectionsPerAddress,
		Bodies:                   room.bodies, Headers: room.headers,
		Metrics:    metrics,
		Websockets: api.Websockets, AuditDropped: changes.Dropped,
		Shutdown: []func(context.Context) error{api.Shutdown, paths.Shutdown},
		Log:      log,
	})

	auditing := start(changes.Run)
	storing := start(store.Run)
	limiting := start(func(ctx context.Context) error { return limitMemory(ctx, room.reserved) })
	err := server.Serve(ctx, listener)
	return errors.Join(err, limiting.stop(), storing.stop(), auditing.stop())
}

// room is the memory and the streams that all edges share.
type room struct {
	answers, bodies, headers, streams, subscriptions *budget.Budget

	limit *eventstream.Limit
}

func newRoom(set settings) room {
	return room{
		answers: budget.ForAnswers(), bodies: budget.ForBodies(), headers: budget.ForHeaders(), streams: budget.ForStreams(),
		subscriptions: budget.ForSubscriptions(),
		limit:         eventstream.NewLimit(set.maxStreams, set.maxStreamsPerAddress),
	}
}

// reserved returns the bytes that requests hold.
func (r room) reserved() int64 {
	return r.answers.Held() + r.bodies.Held() + r.headers.Held() + r.streams.Held() + r.subscriptions.Held()
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
