package postgres

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/queryqueue"
)

var _ eventstore.Store = (*Store)(nil)

// Options are the settings of a [Store]. The zero Options are those of a server. Negative times are
// refused.
type Options struct {
	// ReadOnly opens a database that has the tables already, and changes nothing in it. Append
	// returns an error.
	ReadOnly bool
	// Restoring opens the database to restore a backup into it: its sessions are not taken for
	// those of a server.
	Restoring bool
	// RequireLeastPrivilege refuses a role with more rights than a server needs, and never changes
	// the schema. Without it such a role is logged as a warning. Both are only for stores that are
	// open for a server.
	RequireLeastPrivilege bool
	// PollInterval is how often Wait returns without a notification. 0 means 500 ms.
	PollInterval time.Duration
	// ListenURL is the URL for a connection that only listens, when the store's own URL is that of
	// a pooler. "" means that the connection that appends listens, too, unless its URL is that of a
	// pooler in transaction mode: then the store does not listen.
	ListenURL string
	// CloseTimeout is how long Close waits for running operations. 0 means 500 ms.
	CloseTimeout time.Duration
	// Log gets what operators must know about the servers. nil means that nothing is logged.
	Log *slog.Logger

	// Only tests set the following. 0 means the default.

	// connectTimeout bounds each attempt to connect, unless the URL has a connect_timeout: 5 s.
	connectTimeout time.Duration
	// queryTimeout bounds each read, besides its context: 5 s.
	queryTimeout time.Duration
	// appendTimeout bounds each append, besides its context; after it the outcome is unknown. The
	// server gives up after half of it, which is a definite answer: 8 s.
	appendTimeout time.Duration
	// pingAfter is how long the appending connection may be idle before it is tested. An append on
	// a dead connection has an unknown outcome, which the test avoids: 1 s.
	pingAfter time.Duration
	// lockTimeout is how long a store with the lock on the head may keep the server, and so all
	// other writers, waiting: 2 s.
	lockTimeout time.Duration
	// listenPing is how often the listener tests its connection, and how long the answer may take.
	// A dead connection is noticed within twice this time: 2 s.
	listenPing time.Duration
	// listenRetryMin and listenRetryMax bound the pause before the listener connects again; it
	// doubles from one to the other, with jitter: 50 ms and 500 ms.
	listenRetryMin, listenRetryMax time.Duration
}

func (o Options) check() error {
	if o.PollInterval < 0 || o.CloseTimeout < 0 {
		return fmt.Errorf("the poll interval is %v and the close time-out %v; neither may be negative", o.PollInterval, o.CloseTimeout)
	}
	return nil
}

func (o Options) withDefaults() Options {
	o.connectTimeout = cmp.Or(o.connectTimeout, 5*time.Second)
	o.queryTimeout = cmp.Or(o.queryTimeout, 5*time.Second)
	o.appendTimeout = cmp.Or(o.appendTimeout, 8*time.Second)
	o.pingAfter = cmp.Or(o.pingAfter, time.Second)
	o.lockTimeout = cmp.Or(o.lockTimeout, 2*time.Second)
	o.PollInterval = cmp.Or(o.PollInterval, 500*time.Millisecond)
	o.listenPing = cmp.Or(o.listenPing, 2*time.Second)
	o.listenRetryMin = cmp.Or(o.listenRetryMin, 50*time.Millisecond)
	o.listenRetryMax = cmp.Or(o.listenRetryMax, 500*time.Millisecond)
	o.CloseTimeout = cmp.Or(o.CloseTimeout, 500*time.Millisecond)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Store is a handle on the history in one database. Close it to free its connections.
type Store struct {
	opts Options
	pools
	// queries bounds the reads of users: as many run at once as queryPool has connections.
	queries    *queryqueue.Queue
	writer     *writer
	appends    *appendSignal
	largePages *largePages
	conns      *netConns

	closeOnce sync.Once
	closeErr  error
	closed    chan struct{}
	listen    func()             // starts the listener, once
	stop      context.CancelFunc // ends the listener
	listening sync.WaitGroup
}

// Open connects to the database at a URL, such as
// postgres://user:password@localhost:5432/configapi, and brings its tables to the present schema
// if the role may do that. A role with the rights of a server alone must find the present schema:
// see [Migrate]. Any number of stores may open the same database at once. No error contains the
// password. The caller must call [Store.Close].
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	s, err := open(ctx, url, opts)
	if err != nil {
		return nil, fmt.Errorf("opening postgres store: %w", err)
	}
	return s, nil
}

func open(ctx context.Context, url string, opts Options) (*Store, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	conns, fence := newNetConns(), newFence(opts.Log)
	config, err := parseURL(url, opts, conns, fence)
	if err != nil {
		return nil, err
	}
	listen := config
	if opts.ListenURL != "" {
		if listen, err = parseURL(opts.ListenURL, opts, conns, fence); err != nil {
			return nil, fmt.Errorf("parsing the URL for listening: %w", err)
		}
		warnIfUnverified(listen.ConnConfig, opts.Log)
	}
	warnIfUnverified(config.ConnConfig, opts.Log)
	appends, large := newAppendSignal(), new(largePages)
	writer, err := openWriter(ctx, config.ConnConfig, opts, appends, large, fence)
	if err != nil {
		return nil, err
	}
	pools, err := openPools(context.WithoutCancel(ctx), config, opts)
	if err != nil {
		writer.close()
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Store{
		opts: opts, pools: pools, queries: queryqueue.New(int(pools.queryPool.Config().MaxConns)),
		writer: writer, appends: appends, largePages: large, conns: conns,
		closed: make(chan struct{}), stop: stop,
	}
	s.listen = sync.OnceFunc(func() {
		switch {
		case pooled(listen.ConnConfig):
		case opts.ListenURL == "":
			s.listening.Go(func() { writer.listen(running) })
		default:
			l := &listener{config: listenConfig(listen, appends), opts: opts, appends: appends, fence: fence}
			s.listening.Go(func() { l.run(running) })
		}
	})
	return s, nil
}
