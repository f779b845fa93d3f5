package postgres

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/lane"
)

var _ eventstore.Store = (*Store)(nil)

// Options are the settings of a [Store]. The zero Options are those of a server.
type Options struct {
	// ReadOnly opens a database that has the tables already, and changes nothing in it. Append refuses.
	ReadOnly bool
	// ConnectTimeout bounds each attempt to connect, unless the URL has a connect_timeout. 0 means 5 s.
	ConnectTimeout time.Duration
	// QueryTimeout bounds each read, besides its context. 0 means 5 s.
	QueryTimeout time.Duration
	// AppendTimeout bounds each append, besides its context; when it has passed the outcome is unknown. The server gives
	// up at half of it, which is a definite answer. 0 means 8 s.
	AppendTimeout time.Duration
	// PingAfter is how long the connection that appends may be unused before it is tried out: what is sent on a dead one has
	// an unknown outcome, and after a pause that is easily avoided. 0 means 1 s.
	PingAfter time.Duration
	// LockTimeout is how long a store that has locked the head may keep the server waiting, and so all other writers. 0
	// means 2 s.
	LockTimeout time.Duration
	// PollInterval is how often Wait looks for records that no notification told of. 0 means 500 ms.
	PollInterval time.Duration
	// ListenPing is how often the listener proves that its connection lives, and how long the answer may take: a dead one
	// is noticed within twice this time. 0 means 2 s.
	ListenPing time.Duration
	// ListenRetryMin and ListenRetryMax bound the pause before the listener connects again; it doubles from one to the other,
	// with jitter. 0 means 50 ms and 500 ms.
	ListenRetryMin, ListenRetryMax time.Duration
	// ListenURL is where the listener connects to, for when the store's own URL is that of a pooler. "" means the store's,
	// unless that is of a pooler in transaction mode: then nobody listens.
	ListenURL string
	// CloseTimeout is how long Close waits for what is under way. 0 means 500 ms.
	CloseTimeout time.Duration
	// Log gets what operators must know of the servers that the store meets. nil: nothing is
	// logged.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, 5*time.Second)
	o.QueryTimeout = cmp.Or(o.QueryTimeout, 5*time.Second)
	o.AppendTimeout = cmp.Or(o.AppendTimeout, 8*time.Second)
	o.PingAfter = cmp.Or(o.PingAfter, time.Second)
	o.LockTimeout = cmp.Or(o.LockTimeout, 2*time.Second)
	o.PollInterval = cmp.Or(o.PollInterval, 500*time.Millisecond)
	o.ListenPing = cmp.Or(o.ListenPing, 2*time.Second)
	o.ListenRetryMin = cmp.Or(o.ListenRetryMin, 50*time.Millisecond)
	o.ListenRetryMax = cmp.Or(o.ListenRetryMax, 500*time.Millisecond)
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
	lane   *lane.Lane // of reads for users: as many run at once as there are connections for them
	writer *writer
	hint   *hint
	large  *pageGuard
	lines  *lines

	closeOnce sync.Once
	closeErr  error
	closed    chan struct{}
	listen    func()             // begins to listen, once
	stop      context.CancelFunc // ends the listener
	listening sync.WaitGroup
}

// Open connects to the database at a URL, such as postgres://user:password@localhost:5432/configapi, and brings its tables
// to the present schema. Any number of stores may do so at the same time. No error contains the password.
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	s, err := open(ctx, url, opts.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("opening postgres store: %w", err)
	}
	return s, nil
}

func open(ctx context.Context, url string, opts Options) (*Store, error) {
	lines, fence := newLines(), newFence(opts.Log)
	config, err := parseURL(url, opts, lines, fence)
	if err != nil {
		return nil, err
	}
	listen := config
	if opts.ListenURL != "" {
		if listen, err = parseURL(opts.ListenURL, opts, lines, fence); err != nil {
			return nil, fmt.Errorf("parsing the URL for listening: %w", err)
		}
	}
	hint, large := newHint(), new(pageGuard)
	writer, err := openWriter(ctx, config.ConnConfig, opts, large, fence)
	if err != nil {
		return nil, err
	}
	pools, err := openPools(context.WithoutCancel(ctx), config, opts)
	if err != nil {
		writer.close()
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Store{opts: opts, pools: pools, writer: writer, hint: hint, large: large, lines: lines, closed: make(chan struct{}), stop: stop}
	s.lane = lane.New(lane.Options{Running: int(pools.users.Config().MaxConns)})
	s.listen = sync.OnceFunc(func() {
		if !pooled(listen.ConnConfig) {
			l := &listener{config: listenConfig(listen, hint), opts: opts, look: s.look, fence: fence}
			s.listening.Go(func() { l.run(running) })
		}
	})
	return s, nil
}
