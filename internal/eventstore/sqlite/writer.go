package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"configapi/internal/eventstore"
)

// Append writes records as one. While another store writes to the file it waits for the busy timeout at most, or for the
// end of ctx; from then on it runs to its end, so ctx never leaves the outcome unknown.
func (s *Store) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
	if s.writer == nil {
		return fmt.Errorf("appending: %w: the store is open for reading only", eventstore.ErrNotWritten)
	}
	if err := s.writer.append(ctx, expected, records); err != nil {
		if err == eventstore.ErrHeadMoved {
			return err
		}
		return fmt.Errorf("appending: %w", err)
	}
	s.signal.fire(records[len(records)-1].Position)
	return nil
}

// writer is the one connection of a store that writes.
type writer struct {
	db   *sql.DB
	busy time.Duration // the busy timeout
	turn chan struct{} // holds one token, which whoever writes takes out
	tx   *transaction  // only for whoever has the token; nil after an error, until the next append
}

func openWriter(ctx context.Context, file string, opts Options) (*writer, error) {
	db, err := sql.Open("sqlite", dsn(file, opts, writerSettings))
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, busy: opts.BusyTimeout, turn: make(chan struct{}, 1)}
	w.turn <- struct{}{}
	if err := w.connect(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// close closes the connection after whoever writes has written. An append after that finds the database closed.
func (w *writer) close() error {
	<-w.turn
	defer func() { w.turn <- struct{}{} }()
	if w.tx != nil {
		w.tx.close()
		w.tx = nil
	}
	return w.db.Close()
}

// connect opens the connection, proves that it keeps what it is told, and prepares its statements.
func (w *writer) connect(ctx context.Context) error {
	conn, err := w.dial(ctx)
	if err != nil {
		return err
	}
	err = checkSettings(ctx, conn)
	if err == nil {
		err = migrate(ctx, conn)
	}
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	w.tx, err = prepareTransaction(ctx, conn)
	return err
}

// dial opens a connection. Of several stores that put a new file into WAL mode at once, all but one are told that it is
// busy without SQLite waiting at all, so it is this that waits.
func (w *writer) dial(ctx context.Context) (*sql.Conn, error) {
	for deadline := time.Now().Add(w.busy); ; {
		conn, err := w.db.Conn(ctx)
		if !hasCode(err, sqlite3.SQLITE_BUSY) || time.Now().After(deadline) {
			return conn, err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (w *writer) append(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
	select {
	case <-w.turn:
		defer func() { w.turn <- struct{}{} }()
	case <-ctx.Done():
		return notWritten(ctx.Err())
	}
	if ctx.Err() != nil {
		return notWritten(ctx.Err())
	}
	if w.tx == nil {
		if err := w.connect(ctx); err != nil {
			return notWritten(err)
		}
	}
	err := w.tx.run(ctx, expected, records)
	if err != nil && err != eventstore.ErrHeadMoved {
		w.tx.close()
		w.tx = nil
	}
	return err
}

func notWritten(err error) error { return fmt.Errorf("%w: %w", eventstore.ErrNotWritten, err) }

// writerSettings are those of the connection that writes. On macOS, fsync alone does not reach the disk. A write-ahead log
// that grew under a long read is cut again to the given size. A file that is gone is not made anew: it was not empty.
const writerSettings = "mode=rw&_journal_mode=WAL&_synchronous=FULL&_pragma=fullfsync(1)&_pragma=checkpoint_fullfsync(1)" +
	"&_pragma=journal_size_limit(67108864)"

// checkSettings refuses a connection that would lose acknowledged appends.
func checkSettings(ctx context.Context, conn *sql.Conn) error {
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2"} {
		var got string
		if err := conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil {
			return fmt.Errorf("reading back %s: %w", pragma, err)
		}
		if got != want {
			return fmt.Errorf("%s was set to %s, but is %s: acknowledged writes could be lost", pragma, want, got)
		}
	}
	return nil
}
