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

// listenSQL listens, and then reads the head: the server does not notify of commits from before it
// listens for this connection. Sending it again proves that the connection works.
const listenSQL = `begin; listen ` + channel + `; commit; select position from public.history_head`

// askToListen sends listenSQL. A connection that does not answer in time is closed.
func askToListen(ctx context.Context, conn *pgconn.PgConn, opts Options, appends *appendSignal) error {
	ctx, cancel := context.WithTimeout(ctx, opts.listenPing)
	defer cancel()
	results, err := conn.Exec(ctx, listenSQL).ReadAll()
	if err != nil {
		return err
	}
	appends.notified(string(results[len(results)-1].Rows[0][0]))
	return nil
}

// receive waits for notifications until ctx ends, it is time to ask the server again, or the
// connection breaks. The connection hands them to the append signal itself.
func receive(ctx context.Context, conn *pgconn.PgConn, opts Options) {
	ctx, cancel := context.WithTimeout(ctx, opts.listenPing)
	defer cancel()
	for conn.WaitForNotification(ctx) == nil {
	}
}

// retries are the pauses after errors of a connection that listens.
type retries struct {
	opts  Options
	pause time.Duration // the next one, without jitter
}

func (r *retries) reset() { r.pause = r.opts.listenRetryMin }

// next returns how long to wait. With jitter not all nodes reconnect at once.
func (r *retries) next() time.Duration {
	pause := r.pause
	r.pause = min(2*pause, r.opts.listenRetryMax)
	return pause/2 + rand.N(pause/2+1)
}

// listener keeps a connection that does nothing but listen. Only how soon Wait returns depends on
// it.
type listener struct {
	config  *pgconn.Config
	opts    Options
	appends *appendSignal
	fence   *fence
}

// run listens until ctx ends, and reconnects after errors.
func (l *listener) run(ctx context.Context) {
	retries := retries{l.opts, l.opts.listenRetryMin}
	for ctx.Err() == nil {
		if l.listen(ctx) {
			retries.reset()
		}
		pause := time.NewTimer(retries.next())
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
	// An unreachable server is only silent, so it has to answer from time to time.
	for askToListen(ctx, conn, l.opts, l.appends) == nil && l.fence.allows(conn) {
		listened = true
		receive(ctx, conn, l.opts)
	}
	return listened
}

// received takes a notification.
func (s *appendSignal) received(_ *pgconn.PgConn, n *pgconn.Notification) { s.notified(n.Payload) }

// notified takes the payload of a notification. Any client can send one, so the text may be
// anything.
func (s *appendSignal) notified(payload string) {
	if seq, err := strconv.ParseInt(payload, 10, 64); err == nil {
		s.raise(eventstore.Seq(seq))
	}
}
