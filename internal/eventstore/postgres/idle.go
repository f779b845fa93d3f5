package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// listenAfter is how long the connection that appends must be idle until the store waits on it for
// notifications. Before that they come with the answers to appends, and an append need not end the
// wait first.
const listenAfter = time.Millisecond

// listen has the connection listen, until ctx ends. The server sends the notifications of the
// store's own appends with their answers: a connection of its own would have the server wake up
// another process for each of them, and that process this program. While the connection has nothing
// else to do, listen waits for the notifications of others, and connects again after errors.
func (w *writer) listen(ctx context.Context) {
	retries := retries{w.opts, w.opts.listenRetryMin}
	for {
		select {
		case <-w.idle.C:
		case <-ctx.Done():
			return
		}
		switch interrupted, err := w.listenWhileIdle(ctx); {
		case interrupted: // when the operation ends, it sets the timer
		case err != nil:
			w.idle.Reset(retries.next())
		default:
			retries.reset()
			w.idle.Reset(0)
		}
	}
}

// listenWhileIdle listens until it is time to ask the server again, until an operation needs the
// connection, or until the connection breaks, which is an error: a server that ends each session at
// once must not be asked for the next one without a pause.
func (w *writer) listenWhileIdle(ctx context.Context) (interrupted bool, err error) {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	idle, cancel := context.WithCancel(ctx)
	defer cancel()
	w.interrupt.Store(&cancel)
	defer w.interrupt.Store(nil)
	if w.users.Load() > 0 { // an operation that comes after this also ends the wait
		return true, nil
	}
	if err := w.prepareToListen(ctx, idle); err != nil {
		return w.users.Load() > 0, err
	}
	receive(idle, w.conn.PgConn(), w.opts)
	if w.conn.IsClosed() {
		w.drop()
		err = errConnectionLost
	}
	return w.users.Load() > 0, err
}

var errConnectionLost = errors.New("the connection broke while it was idle")

// prepareToListen makes sure that there is a connection that listens and works. Connecting may take
// long, so it ends with idle, when an operation needs the connection.
func (w *writer) prepareToListen(ctx, idle context.Context) error {
	if w.closed {
		return errClosed
	}
	if w.conn != nil && !w.usable() {
		w.drop()
	}
	listens := w.listens
	w.listens = true
	switch {
	case w.conn == nil:
		return w.connect(idle)
	case listens && time.Since(w.used) < w.opts.listenPing: // an operation proves that it works
		return nil
	}
	if err := w.askToListen(ctx, w.conn); err != nil {
		w.drop()
		return err
	}
	w.used = time.Now()
	return nil
}

func (w *writer) askToListen(ctx context.Context, conn *pgx.Conn) error {
	return askToListen(ctx, conn.PgConn(), w.opts, w.appends)
}

// enter announces an operation: it ends the waiting for notifications.
func (w *writer) enter() {
	w.users.Add(1)
	if cancel := w.interrupt.Load(); cancel != nil {
		(*cancel)()
	}
}

// leave must be called after the connection is given back.
func (w *writer) leave() {
	w.users.Add(-1)
	w.idle.Reset(listenAfter)
}
