package postgres

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

// channel is the notification channel of appends; the payload is the new seq.
const channel = "configapi"

// listener keeps one connection on which the server notifies of appends. Only how soon Wait returns
// depends on it.
type listener struct {
	config  *pgconn.Config
	opts    Options
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
	conn, err := pgconn.ConnectConfig(toConnect(ctx), l.config)
	if err != nil {
		return false
	}
	defer abandon(conn)
	if err := l.ask(ctx, conn); err != nil {
		return false
	}
	// The server does not notify of commits from before it listens for this connection, so read the
	// head.
	if err := l.observe(ctx); err != nil {
		return false
	}
	for {
		l.receive(ctx, conn)
		// An unreachable server is only silent, so it has to answer from time to time.
		if err := l.ask(ctx, conn); err != nil || !l.fence.allows(conn) {
			return true
		}
	}
}

// receive waits for notifications until it is time for a ping or the connection breaks. The
// connection hands them to the append signal itself.
func (l *listener) receive(ctx context.Context, conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.listenPing)
	defer cancel()
	for conn.WaitForNotification(ctx) == nil {
	}
}

// ask sends LISTEN. Sending it again changes nothing and proves that the connection works.
func (l *listener) ask(ctx context.Context, conn *pgconn.PgConn) error {
	ctx, cancel := context.WithTimeout(ctx, l.opts.listenPing)
	defer cancel()
	return conn.Exec(ctx, `listen `+channel).Close()
}

// notified takes the payload of a notification. Any client can send one, so the text may be
// anything.
func (s *appendSignal) notified(payload string) {
	if seq, err := strconv.ParseInt(payload, 10, 64); err == nil {
		s.raise(eventstore.Seq(seq))
	}
}
