package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"configapi/internal/eventstore"
)

// writer is the one connection of a store that writes.
type writer struct {
	file    string
	opts    Options
	barrier *readBarrier  // holds reads back during a checkpoint
	turn    chan struct{} // holds one token, which a goroutine takes out while it writes

	// Guarded by the token:
	closed          bool
	tx              *transaction // nil after an error, until the next append
	files           *openFiles   // the files of the first connection; nil before
	log             logFile      // the write-ahead log as a plain file; nil without tx
	markedSalt      salt         // the log's salt when its marker was written
	mayRestart      bool         // the next append may start the log over
	filesChecked    time.Time    // when the files were last found in place; zero after an error
	checkpointed    int64        // bytes that tx had written at the last checkpoint
	checkpointAfter int64        // bytes that tx writes before the next checkpoint
}

func openWriter(ctx context.Context, file string, opts Options, barrier *readBarrier) (*writer, error) {
	w := &writer{file: file, opts: opts, barrier: barrier, turn: make(chan struct{}, 1), checkpointAfter: opts.checkpointBytes}
	w.turn <- struct{}{}
	if err := w.connect(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// close closes the connection after a running append. Later appends return errClosed.
func (w *writer) close() error {
	<-w.turn
	defer func() { w.turn <- struct{}{} }()
	w.closed = true
	return w.disconnect()
}

// checkpointNow makes a checkpoint after a running append. It reports whether the log is empty
// then.
func (w *writer) checkpointNow(ctx context.Context) bool {
	<-w.turn
	defer func() { w.turn <- struct{}{} }()
	if w.tx == nil || !w.files.mayCheckpoint() {
		return false
	}
	empty, err := w.checkpoint(w.tx.conn, truncate)
	if err != nil {
		w.disconnect()
	}
	return empty && err == nil
}

// connect opens the connection, checks its settings and prepares its statements.
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
		if w.tx == nil {
			err = errors.Join(err, conn.close())
		}
		return errors.Join(err, w.disconnect())
	}
	return nil
}

func (w *writer) prepare(ctx context.Context, conn *connection) error {
	if err := w.recoverLog(ctx, conn); err != nil {
		return err
	}
	if err := migrate(conn); err != nil {
		return err
	}
	// The migration has written to the log.
	if _, err := w.checkpoint(conn, truncate); err != nil {
		return err
	}
	// SQLite syncs the directory for the log, too, but ignores errors.
	if err := syncDir(filepath.Dir(w.file)); err != nil {
		return err
	}
	opened, err := findOpenFiles(w.file)
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
	w.tx, err = prepareTransaction(conn, w.files, w.opts.busyTimeout)
	w.checkpointed, w.checkpointAfter = 0, w.opts.checkpointBytes
	return err
}

// disconnect closes the connection. The next append opens another one.
func (w *writer) disconnect() (err error) {
	if w.tx != nil {
		err = w.tx.close()
		w.tx = nil
	}
	if w.log != nil {
		w.log.Close()
		w.log = nil
	}
	return err
}

// dial opens a connection. When several stores put a new file into WAL mode at once, SQLite reports
// the file as busy to all but one without waiting, so dial waits.
func (w *writer) dial(ctx context.Context) (*connection, error) {
	for deadline := time.Now().Add(w.opts.busyTimeout); ; {
		conn, err := w.dialOnce()
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

func (w *writer) dialOnce() (*connection, error) {
	conn, err := openConnection(w.file, w.opts, sqlite3.SQLITE_OPEN_READWRITE)
	if err == nil {
		err = conn.execute(writerSettings)
	}
	if err == nil && w.opts.Restoring {
		err = conn.execute(restoreSettings)
	}
	if err == nil {
		err = checkSettings(conn)
	}
	if err != nil {
		return nil, errors.Join(err, conn.close())
	}
	return conn, nil
}

// run begins a transaction and calls do with it. It discards the connection unless the transaction
// ends cleanly.
func (w *writer) run(ctx context.Context, do func(*transaction) error) error {
	select {
	case <-w.turn:
	case <-ctx.Done():
		return notWritten(ctx.Err())
	}
	err := w.runInTurn(ctx, do)
	if w.tx != nil && w.needsCheckpoint() {
		go w.checkpointInTurn() // the append does not wait for it
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
	if time.Since(w.filesChecked) > fileCheckInterval {
		if err := w.files.check(); err != nil {
			return notWritten(err)
		}
	}
	w.filesChecked = time.Time{}
	err := w.tx.start(ctx)
	marks := false
	if err == nil {
		if marks, err = w.markLog(w.tx.conn); err != nil {
			err = notWritten(fmt.Errorf("writing the marker of the write-ahead log: %w", err))
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
		err = errors.Join(err, w.rememberMarked())
	}
	if w.tx.committed && err == nil {
		w.filesChecked = time.Now()
	}
	return err
}

// fileCheckInterval is how old the last check of the files may be when an append begins. Each
// append also checks them after its commit.
const fileCheckInterval = time.Millisecond

// needsCheckpoint reports whether a checkpoint is due. It counts written bytes: the log starts over
// in the same file, which is faster than growing the file, so the file's length says little. The
// length counts when another process has made the log long.
func (w *writer) needsCheckpoint() bool {
	if !w.tx.committed {
		return false
	}
	w.tx.committed = false
	return w.tx.bytesWritten()-w.checkpointed >= w.checkpointAfter || w.tx.logBytes >= 2*w.opts.checkpointBytes && w.checkpointAfter == w.opts.checkpointBytes
}

// checkpointInTurn makes a checkpoint, then gives the turn back. If reads keep the log from
// starting over, the next attempt comes after fewer bytes.
func (w *writer) checkpointInTurn() {
	defer func() { w.turn <- struct{}{} }()
	mode := restart
	if w.tx.logBytes > w.opts.checkpointBytes*3/2 {
		mode = truncate
	}
	whole, err := w.checkpoint(w.tx.conn, mode)
	w.checkpointed, w.checkpointAfter = w.tx.bytesWritten(), w.opts.checkpointBytes
	if !whole {
		w.checkpointAfter = min(checkpointRetryBytes, w.opts.checkpointBytes)
	}
	if err != nil {
		w.opts.Log.Warn("a checkpoint of the write-ahead log has failed; it is tried again", "file", w.file, "error", err)
		w.disconnect()
	}
}

func notWritten(err error) error { return fmt.Errorf("%w: %w", eventstore.ErrNotWritten, err) }

// writerSettings are the settings of the connection that writes. On macOS plain fsync does not
// reach the disk. Automatic checkpoints are off because the writer makes them itself: see
// checkpoint. A statement that inserts many rows keeps a journal of its own, which would cost half
// of a large append in a temporary file: see BenchmarkRestore.
const writerSettings = `
	PRAGMA journal_mode = WAL;
	PRAGMA synchronous = FULL;
	PRAGMA fullfsync = 1;
	PRAGMA checkpoint_fullfsync = 1;
	PRAGMA wal_autocheckpoint = 0;
	PRAGMA temp_store = MEMORY`

// restoreSettings are further settings while a backup is restored. A cache of 64 MiB holds the
// pages that one large append changes.
const restoreSettings = `PRAGMA cache_size = -65536`

// checkSettings refuses a connection whose settings could lose acknowledged appends.
func checkSettings(conn *connection) error {
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2"} {
		var got string
		if err := conn.first("PRAGMA "+pragma, func(s statement) { got = string(conn.bytes(s, 0)) }); err != nil {
			return fmt.Errorf("reading back %s: %w", pragma, err)
		}
		if got != want {
			return fmt.Errorf("%s was set to %s but is %s, with which acknowledged writes could be lost; use a local file system", pragma, want, got)
		}
	}
	return nil
}
