package postgres

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

// channel is where appends are notified of; the payload is the new position.
const channel = "configapi"

// listener keeps one connection on which the server says that the history has grown. Nothing depends on it but how soon
// Wait returns.
type listener struct {
	config *pgconn.Config
	opts   Options
	look   func(context.Context) error // at how far the history has come, on another connection
	fence  *fence
}

// run listens until the context ends, whatever happens to its connections.
func (l *listener) run(ctx context.Context) {
	for backoff := l.opts.ListenRetryMin; ctx.Err() == nil; backoff = min(2*backoff, l.opts.ListenRetryMax) {
		if l.listen(ctx) {
			backoff = l.opts.ListenRetryMin
		}
		pause := time.NewTimer(backoff/2 + rand.N(backoff/2+1)) // so that nodes do not all come back at once
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// listen listens on one connection until that fails. It tells whether it ever could.
func (l *listener) listen(ctx context.Context) (listened bool) {
	conn, err := pgconn.ConnectConfig(toConnect(ctx), l.config)
	if err != nil {
		return false
	}
	defer abandon(conn)
	if err := l.ask(ctx, conn); err != nil {
		return false
	}
	// What was committed before the server listens for this connection is not notified of, so look after that.
	if err := l.look(ctx); err != nil {
		return false
	}
	for {
		l.receive(ctx, conn)
		// Silence is all that would be heard of a server that is gone, so it has to answer now and then.
		if err := l.ask(ctx, conn); err != nil || !l.fence.holds(conn) {
			return true
		}
	}
}

// receive takes notifications until it is time for a ping, or the connection breaks. What they say goes to the hint on its
// own.
func (l *listener) receive(ctx context.Context, conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.ListenPing)
	defer cancel()
	for conn.WaitForNotification(ctx) == nil {
	}
}

// ask asks the server to notify this connection. To ask again changes nothing, and shows that the connection lives.
func (l *listener) ask(ctx context.Context, conn *pgconn.PgConn) error {
	ctx, cancel := context.WithTimeout(ctx, l.opts.ListenPing)
	defer cancel()
	return conn.Exec(ctx, `listen `+channel).Close()
}

// hear takes the text of a position, of which a notification's may be anybody's.
func (h *hint) hear(position string) {
	if p, err := strconv.ParseInt(position, 10, 64); err == nil {
		h.raise(eventstore.Seq(p))
	}
}
