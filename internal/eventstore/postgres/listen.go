package postgres

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

// channel is the notification channel. The payload is the new seq after an append, and greeting
// when a store begins to listen.
const channel = "configapi"

const greeting = "listening"

const (
	// beginListening commits without waiting for the disk or a standby: nothing is written.
	beginListening = `set synchronous_commit = off; listen ` + channel + `; notify ` + channel + `, '` + greeting + `'`

	// askListener proves that a connection works, keeps it listening, and counts the other sessions
	// that listen.
	askListener = `listen ` + channel + `; select count(*) from pg_catalog.pg_stat_activity
		where datname = pg_catalog.current_database() and pid <> pg_catalog.pg_backend_pid()
			and pg_catalog.starts_with(application_name, '` + listenerName + `')`
)

// others says whether stores other than this one may listen. When none does, an append need not
// notify, which for one record saves a fifth of all CPU: the server would wake up the listener of
// this store, which knows of the append already.
//
// Every listener greets the others once it listens, and from then on they notify. A new store
// depends on its own [Options.PollInterval] only until they have heard the greeting, which takes
// twice [Options.listenPing] at most when a connection is broken.
type others struct {
	none    atomic.Bool // no other store listens
	greeted bool        // since the last count; for the listener alone
}

func (o *others) mayListen() bool { return !o.none.Load() }

// greet records that a store, perhaps this one, has begun to listen.
func (o *others) greet() {
	o.greeted = true
	o.none.Store(false)
}

// counted records how many others listen, unless one has begun to during the count.
func (o *others) counted(n string) { o.none.Store(n == "0" && !o.greeted) }

// listener keeps one connection on which the server notifies of appends. Only how soon Wait returns
// depends on it.
type listener struct {
	config  *pgconn.Config
	opts    Options
	appends *appendSignal
	others  *others
	observe func(context.Context) error // reads the head, on another connection
	fence   *fence
}

// run listens until ctx ends, and reconnects after errors.
func (l *listener) run(ctx context.Context) {
	for backoff := l.opts.listenRetryMin; ctx.Err() == nil; backoff = min(2*backoff, l.opts.listenRetryMax) {
		if l.listen(ctx) {
			backoff = l.opts.listenRetryMin
		}
		// Jitter: not all nodes reconnect at once.
		pause := time.NewTimer(backoff/2 + rand.N(backoff/2+1))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// listen listens on one connection until that fails. It reports whether it has listened at all.
func (l *listener) listen(ctx context.Context) (listened bool) {
	l.config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { l.notified(n.Payload) }
	conn, err := pgconn.ConnectConfig(toConnect(ctx), l.config)
	if err != nil {
		return false
	}
	defer abandon(conn)
	defer l.others.greet() // from now on nobody counts
	if _, err := l.query(ctx, conn, beginListening); err != nil {
		return false
	}
	// The server does not notify of commits from before it listens for this connection, so read the
	// head.
	if err := l.observe(ctx); err != nil {
		return false
	}
	for l.ask(ctx, conn) == nil && l.fence.allows(conn) {
		l.receive(ctx, conn)
	}
	return true
}

// receive waits for notifications until it is time for a ping or the connection breaks. The
// connection hands them to the listener itself.
func (l *listener) receive(ctx context.Context, conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.listenPing)
	defer cancel()
	for conn.WaitForNotification(ctx) == nil {
	}
}

// ask proves that the connection works: an unreachable server is only silent.
func (l *listener) ask(ctx context.Context, conn *pgconn.PgConn) error {
	l.others.greeted = false
	results, err := l.query(ctx, conn, askListener)
	if err == nil {
		l.others.counted(string(results[len(results)-1].Rows[0][0]))
	}
	return err
}

func (l *listener) query(ctx context.Context, conn *pgconn.PgConn, sql string) ([]*pgconn.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.listenPing)
	defer cancel()
	return conn.Exec(ctx, sql).ReadAll()
}

// notified takes the payload of a notification. Any client can send one, so the text may be
// anything.
func (l *listener) notified(payload string) {
	if payload == greeting {
		l.others.greet()
	}
	if seq, err := strconv.ParseInt(payload, 10, 64); err == nil {
		l.appends.raise(eventstore.Seq(seq))
	}
}
