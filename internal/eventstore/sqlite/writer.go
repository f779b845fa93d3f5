package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"configapi/internal/eventstore"
)

var errClosed = errors.New("the store is closed")

var errReadOnly = errors.New("the store is open for reading only")

// Append writes records and receipts as one. While another store writes to the file it waits for the busy timeout at most, or
// for the end of ctx; from then on it runs to its end, so ctx never leaves the outcome unknown.
func (s *Store) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	return s.append(ctx, func(t *transaction) error { return s.finish(t, expected, records, receipts) })
}

// AppendLocked appends what the caller decides on while nobody else can write to the file. What was missed comes by way of
// the readers: they see what was there when the transaction began.
func (s *Store) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
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

// DurableHead returns the head once a commit that follows it is on disk.
func (s *Store) DurableHead(ctx context.Context) (head eventstore.Head, err error) {
	err = s.append(ctx, func(t *transaction) error {
		if head, err = s.Head(ctx); err != nil {
			return t.abort(err)
		}
		if _, err := t.touch.ExecContext(ctx); err != nil {
			return notWritten(fmt.Errorf("touching the head: %w", err))
		}
		return t.end()
	})
	return head, err
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
		s.signal.fire(records[len(records)-1].Seq)
	}
	return nil
}

// missed returns the head and the records that lead from a position to it.
func (s *Store) missed(ctx context.Context, after eventstore.Seq) (eventstore.Head, []eventstore.Record, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return eventstore.Head{}, nil, err
	}
	records, err := s.Read(ctx, after, eventstore.Limit{Records: eventstore.MaxMissed})
	if err != nil {
		return eventstore.Head{}, nil, err
	}
	if after+eventstore.Seq(len(records)) != head.Seq {
		return eventstore.Head{}, nil, eventstore.ErrHeadMoved
	}
	return head, records, nil
}

// writer is the one connection of a store that writes.
type writer struct {
	db   *sql.DB
	file string
	opts Options
	gate *gate         // of the readers
	turn chan struct{} // holds one token, which a goroutine takes out while it writes

	// Guarded by the token:
	closed    bool
	tx        *transaction // nil after an error, until the next append
	files     *files       // that the first connection had open; nil before
	log       logFile      // the write-ahead log as a plain file; nil without tx
	marked    salt         // that the log had when it was marked
	restarts  bool         // the next append may begin the log anew
	checked   time.Time    // when the files were last found in their place; zero after an error
	folded    int64        // what tx had written when the log was last folded, in bytes
	foldAfter int64        // how much it may write until it is folded again
}

func openWriter(ctx context.Context, file string, opts Options, gate *gate) (*writer, error) {
	db, err := sql.Open("sqlite", dsn(file, opts, writerSettings))
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, file: file, opts: opts, gate: gate, turn: make(chan struct{}, 1), foldAfter: opts.foldAt}
	w.turn <- struct{}{}
	if err := w.connect(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// close closes the connection after the write that is under way. An append after that finds the
// database closed.
func (w *writer) close() error {
	<-w.turn
	defer func() { w.turn <- struct{}{} }()
	w.disconnect()
	w.closed = true
	return w.db.Close()
}

// foldNow folds the log after the write that is under way. It reports whether the log is empty.
func (w *writer) foldNow(ctx context.Context) bool {
	<-w.turn
	defer func() { w.turn <- struct{}{} }()
	if w.tx == nil || !w.files.mayFold() {
		return false
	}
	empty, err := w.fold(ctx, w.tx.conn, truncate)
	return empty && err == nil
}

// connect opens the connection, proves that it keeps what it is told, and prepares its statements.
func (w *writer) connect(ctx context.Context) error {
	if w.closed {
		return errClosed
	}
	if w.files != nil {
		if err := w.files.check(); err != nil {
			return err
		}
	}
	conn, err := w.dial(ctx)
	if err != nil {
		return err
	}
	if err := w.prepare(ctx, conn); err != nil {
		w.disconnect()
		return errors.Join(err, conn.Close())
	}
	return nil
}

func (w *writer) prepare(ctx context.Context, conn *sql.Conn) error {
	if err := checkSettings(ctx, conn); err != nil {
		return err
	}
	if err := w.settle(ctx, conn); err != nil {
		return err
	}
	if err := migrate(ctx, conn); err != nil {
		return err
	}
	if _, err := w.fold(ctx, conn, truncate); err != nil { // what migrating has written
		return err
	}
	// SQLite does the same for the log, but takes no notice of an error.
	if err := syncDir(filepath.Dir(w.file)); err != nil {
		return err
	}
	opened, err := lookUpFiles(w.file)
	if err != nil {
		return err
	}
	if w.files == nil {
		w.files = opened
	} else if err := w.files.check(); err != nil {
		return err
	}
	if w.log, err = w.opts.openLog(w.file + "-wal"); err != nil {
		return err
	}
	w.tx, err = prepareTransaction(ctx, conn, w.files)
	w.folded, w.foldAfter = 0, w.opts.foldAt
	return err
}

// disconnect closes the connection for good.
func (w *writer) disconnect() {
	if w.tx != nil {
		w.tx.close()
		w.tx = nil
	}
	if w.log != nil {
		w.log.Close()
		w.log = nil
	}
}

// dial opens a connection. Of several stores that put a new file into WAL mode at once, all but one are told that it is
// busy without SQLite waiting at all, so it is this that waits.
func (w *writer) dial(ctx context.Context) (*sql.Conn, error) {
	for deadline := time.Now().Add(w.opts.BusyTimeout); ; {
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
	case <-ctx.Done():
		return notWritten(ctx.Err())
	}
	err := w.runInTurn(ctx, do)
	if w.tx != nil && w.mustFold() {
		go w.foldInTurn() // the append does not wait for it
		return err
	}
	w.turn <- struct{}{}
	return err
}

func (w *writer) runInTurn(ctx context.Context, do func(*transaction) error) error {
	if ctx.Err() != nil {
		return notWritten(ctx.Err())
	}
	if w.tx == nil {
		if err := w.connect(ctx); err != nil {
			return notWritten(err)
		}
	}
	if time.Since(w.checked) > checkedFor {
		if err := w.files.check(); err != nil {
			return notWritten(err)
		}
	}
	w.checked = time.Time{}
	err := w.tx.start(ctx)
	marks := false
	if err == nil {
		if marks, err = w.mark(ctx, w.tx.conn); err != nil {
			err = notWritten(fmt.Errorf("marking the write-ahead log: %w", err))
		}
	}
	if err == nil {
		err = do(w.tx)
	}
	if w.tx.open {
		w.disconnect()
		return err
	}
	if w.tx.committed && marks {
		err = errors.Join(err, w.hasMarked())
	}
	if w.tx.committed && err == nil {
		w.checked = time.Now()
	}
	return err
}

// WriteProblem says why nothing can be written although no append has tried: the file was removed
// or replaced.
func (s *Store) WriteProblem() error {
	if s.writer == nil {
		return errReadOnly
	}
	return s.files.check()
}

// LogBytes is the length of the write-ahead log, in bytes. 0: it is empty, or there is none.
func (s *Store) LogBytes() int64 {
	if s.writer == nil {
		return 0
	}
	return s.writer.logBytes()
}

// checkedFor is how long the files need not be looked at before an append. They are after each,
// anyway.
const checkedFor = time.Millisecond

// logBytes is the length of the log.
func (w *writer) logBytes() int64 {
	log, err := look(w.file + "-wal")
	if err != nil {
		return 0
	}
	return log.bytes
}

// mustFold reports whether the log has grown so long that it is to be folded. The log begins anew
// in the same place, which costs less than to make its file longer again, so its length says
// little. It counts when another process has made the log long.
func (w *writer) mustFold() bool {
	if !w.tx.committed {
		return false
	}
	w.tx.committed = false
	return w.tx.written()-w.folded >= w.foldAfter || w.tx.logBytes >= 2*w.opts.foldAt && w.foldAfter == w.opts.foldAt
}

// foldInTurn folds the log, then gives the turn back. A log that cannot begin anew is tried again
// when it has grown.
func (w *writer) foldInTurn() {
	defer func() { w.turn <- struct{}{} }()
	mode := restart
	if w.tx.logBytes > w.opts.foldAt*3/2 {
		mode = truncate
	}
	whole, err := w.fold(context.Background(), w.tx.conn, mode)
	w.folded, w.foldAfter = w.tx.written(), w.opts.foldAt
	if !whole {
		w.foldAfter = min(foldAgain, w.opts.foldAt)
	}
	if err != nil {
		w.opts.Log.Warn("the write-ahead log cannot be folded into the file; trying again", "file", w.file, "error", err)
		w.disconnect()
	}
}

func notWritten(err error) error { return fmt.Errorf("%w: %w", eventstore.ErrNotWritten, err) }

// writerSettings are those of the connection that writes. On macOS, fsync alone does not reach the
// disk. The writer itself folds the write-ahead log into the file, see fold. A file that is gone is
// not made anew: it was not empty.
const writerSettings = "mode=rw&_journal_mode=WAL&_synchronous=FULL&_pragma=fullfsync(1)&_pragma=checkpoint_fullfsync(1)" +
	"&_pragma=wal_autocheckpoint(0)"

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
