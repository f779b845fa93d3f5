package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

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
	s.signal.fire()
	return nil
}

// writer is the one connection of a store that writes.
type writer struct {
	db   *sql.DB
	turn chan struct{} // holds one token, which whoever writes takes out
	tx   *transaction  // only for whoever has the token; nil after an error, until the next append
}

func openWriter(ctx context.Context, file string, opts Options) (*writer, error) {
	db, err := sql.Open("sqlite", dsn(file, opts, writerSettings))
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, turn: make(chan struct{}, 1)}
	w.turn <- struct{}{}
	if err := w.connect(ctx, migrate); err != nil {
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

// connect opens the connection and prepares its statements, after it was proved to keep what it is told.
func (w *writer) connect(ctx context.Context, prepare func(context.Context, *sql.Conn) error) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	err = checkSettings(ctx, conn)
	if err == nil {
		err = prepare(ctx, conn)
	}
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	w.tx, err = prepareTransaction(ctx, conn)
	return err
}

func (w *writer) append(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
	select {
	case <-w.turn:
		defer func() { w.turn <- struct{}{} }()
	case <-ctx.Done():
		return notWritten(ctx.Err())
	}
	if w.tx == nil {
		if err := w.connect(ctx, func(context.Context, *sql.Conn) error { return nil }); err != nil {
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
// that grew under a long read is cut again to the given size.
const writerSettings = "_journal_mode=WAL&_synchronous=FULL&_pragma=fullfsync(1)&_pragma=checkpoint_fullfsync(1)" +
	"&_pragma=journal_size_limit(67108864)&_pragma=cache_size(-32768)"

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
