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

var errReadOnly = errors.New("the store is open for reading only")

// Append writes records and receipts as one. While another store writes to the file it waits for the busy timeout at most, or
// for the end of ctx; from then on it runs to its end, so ctx never leaves the outcome unknown.
func (s *Store) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	return s.append(ctx, func(t *transaction) error { return s.finish(t, expected, records, receipts) })
}

// AppendLocked appends what the caller decides on while nobody else can write to the file. What was missed comes by way of
// the readers: they see what was there when the transaction began.
func (s *Store) AppendLocked(ctx context.Context, after eventstore.Position, decide eventstore.Decide) error {
	return s.append(ctx, func(t *transaction) error {
		head, missed, err := s.missed(ctx, after)
		if err != nil {
			return t.abort(err)
		}
		records, receipts, err := decide(head, missed)
		if err != nil || len(records)+len(receipts) == 0 {
			return t.abort(err)
		}
		return s.finish(t, head, records, receipts)
	})
}

func (s *Store) append(ctx context.Context, do func(*transaction) error) error {
	if s.writer == nil {
		return fmt.Errorf("appending: %w", notWritten(errReadOnly))
	}
	err := s.writer.run(ctx, do)
	if err == nil || err == eventstore.ErrHeadMoved || err == eventstore.ErrKeyTaken {
		return err
	}
	return fmt.Errorf("appending: %w", err)
}

func (s *Store) finish(t *transaction, expected eventstore.Head, records []eventstore.Record, receipts []eventstore.Receipt) error {
	if err := t.finish(expected, records, receipts); err != nil {
		return err
	}
	if len(records) > 0 {
		s.signal.fire(records[len(records)-1].Position)
	}
	return nil
}

// missed returns the head and the records that lead from a position to it.
func (s *Store) missed(ctx context.Context, after eventstore.Position) (eventstore.Head, []eventstore.Record, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return eventstore.Head{}, nil, err
	}
	records, err := s.Read(ctx, after, eventstore.Limit{Records: eventstore.MaxMissed})
	if err != nil {
		return eventstore.Head{}, nil, err
	}
	if after+eventstore.Position(len(records)) != head.Position {
		return eventstore.Head{}, nil, eventstore.ErrHeadMoved
	}
	return head, records, nil
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

// run has a transaction that has begun do something, and discards its connection unless it came to a clean end.
func (w *writer) run(ctx context.Context, do func(*transaction) error) error {
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
	err := w.tx.start(ctx)
	if err == nil {
		err = do(w.tx)
	}
	if w.tx.open {
		w.tx.close()
		w.tx = nil
	}
	return err
}

func notWritten(err error) error { return fmt.Errorf("%w: %w", eventstore.ErrNotWritten, err) }

// writerSettings are those of the connection that writes. On macOS, fsync alone does not reach the disk. A write-ahead log is
// folded into the file when it has 8,000 pages, 32 MB: the index over names changes in random places, and pages that changed again
// by then are copied once. (With SQLite's own 1,000, large batches cost a fifth more.) One that grew under a long read is cut
// again to the given size. A file that is gone is not made anew: it was not empty.
const writerSettings = "mode=rw&_journal_mode=WAL&_synchronous=FULL&_pragma=fullfsync(1)&_pragma=checkpoint_fullfsync(1)" +
	"&_pragma=wal_autocheckpoint(8000)&_pragma=journal_size_limit(67108864)"

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
