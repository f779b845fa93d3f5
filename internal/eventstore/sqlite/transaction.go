package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite" // also registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"configapi/internal/eventstore"
)

// transaction holds the prepared statements of an append, on the connection that writes.
type transaction struct {
	conn                                   *sql.Conn
	begin, move, compare, commit, rollback *sql.Stmt
	addReceipt, touch                      *sql.Stmt
	events, newest                         inserts     // into the tables of these names
	all                                    []*sql.Stmt // all statements, to close them
	open                                   bool        // from begin to a clean end
	committed                              bool        // the last one ended with COMMIT
	files                                  *openFiles  // the files that conn has open
	logBytes                               int64       // length of the log after the last commit
	status                                 sqlite.DBStatus
}

// bytesWritten returns how many bytes the connection has written to the log.
func (t *transaction) bytesWritten() int64 {
	const page = 4096 + frameHeaderBytes
	pages, _, err := t.status.Status(sqlite.DBStatusCacheWrite, false)
	if err != nil {
		return t.logBytes
	}
	return int64(pages) * page
}

const (
	updateHead = `
		UPDATE history_head SET position = ?, hash = ?, recorded_at = ?
		WHERE singleton = 1 AND position = ? AND hash = ?`

	// It changes nothing, but is written to the log and synced like any other change.
	touchHead = `UPDATE history_head SET position = position WHERE singleton = 1`

	compareHead = `SELECT count(*) FROM history_head WHERE singleton = 1 AND position = ? AND hash = ?`

	insertReceipt = `
		INSERT OR FAIL INTO idempotency (actor, key, request_hash, first_position, event_count, created_at, unchanged)
		VALUES (?, ?, ?, ?, ?, ?, ?)`
)

func prepareTransaction(ctx context.Context, conn *sql.Conn, files *openFiles) (*transaction, error) {
	t := &transaction{conn: conn, files: files}
	var err error
	prepare := func(statement string) *sql.Stmt {
		if err != nil {
			return nil
		}
		var s *sql.Stmt
		if s, err = conn.PrepareContext(ctx, statement); err == nil {
			t.all = append(t.all, s)
		}
		return s
	}
	t.begin = prepare("BEGIN IMMEDIATE")
	t.move = prepare(updateHead)
	t.compare = prepare(compareHead)
	t.addReceipt = prepare(insertReceipt)
	t.touch = prepare(touchHead)
	t.commit = prepare("COMMIT")
	t.rollback = prepare("ROLLBACK")
	t.events = prepareInserts(prepare, insertEvents, eventRow, "")
	t.newest = prepareInserts(prepare, insertNewest, newestRow, updateNewest)
	if err == nil {
		err = conn.Raw(func(driver any) error {
			t.status = driver.(sqlite.DBStatus)
			return nil
		})
	}
	if err != nil {
		t.close()
		return nil, fmt.Errorf("preparing the statements of an append: %w", err)
	}
	return t, nil
}

// start begins the transaction. It is the only step that waits for other stores and that ends with
// ctx.
func (t *transaction) start(ctx context.Context) error {
	t.open, t.committed = true, false
	if _, err := t.begin.ExecContext(ctx); err != nil {
		return notWritten(fmt.Errorf("waiting for the file: %w", err))
	}
	return nil
}

// finish writes records and receipts after a head, and commits.
func (t *transaction) finish(expected eventstore.Head, records []eventstore.Record, receipts []eventstore.Receipt) error {
	there, err := t.moveHead(expected, records)
	if err != nil {
		return notWritten(fmt.Errorf("moving the head: %w", err))
	}
	if !there {
		return t.abort(eventstore.ErrHeadMoved)
	}
	if err := t.insertRecords(records); err != nil {
		return notWritten(fmt.Errorf("inserting events: %w", err))
	}
	if err := t.insertReceipts(receipts); err != nil {
		if hasExtendedCode(err, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY) {
			return t.abort(eventstore.ErrKeyTaken)
		}
		return notWritten(fmt.Errorf("inserting receipts: %w", err))
	}
	return t.end()
}

// end commits. A commit to a file that was removed or replaced is an error, even if the file may be
// put back.
func (t *transaction) end() error {
	if _, err := t.commit.Exec(); err != nil {
		return commitError(err)
	}
	t.open, t.committed = false, true
	bytes, err := t.files.checkWritten()
	t.logBytes = bytes
	return err
}

// abort rolls back. It returns reason, which may be nil, or wraps it with
// [eventstore.ErrNotWritten].
func (t *transaction) abort(reason error) error {
	if _, err := t.rollback.Exec(); err != nil {
		return notWritten(fmt.Errorf("rolling back: %w", err))
	}
	t.open = false
	if reason == nil || reason == eventstore.ErrHeadMoved || reason == eventstore.ErrKeyTaken {
		return reason
	}
	return notWritten(reason)
}

// close closes the connection, which rolls back what was not committed. SQLite keeps a connection
// and its transaction open until all of its statements are closed.
func (t *transaction) close() {
	for _, s := range t.all {
		s.Close()
	}
	_ = t.conn.Raw(func(any) error { return driver.ErrBadConn })
}

// moveHead sets the head to the last of records if it is the expected one, and reports whether it
// is. Without records it only compares.
func (t *transaction) moveHead(expected eventstore.Head, records []eventstore.Record) (there bool, err error) {
	if len(records) == 0 {
		err = t.compare.QueryRow(int64(expected.Seq), expected.Hash[:]).Scan(&there)
		return there, err
	}
	last := &records[len(records)-1]
	result, err := t.move.Exec(int64(last.Seq), last.Hash[:], last.RecordedAt.UnixMicro(),
		int64(expected.Seq), expected.Hash[:])
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows == 1, err
}

func (t *transaction) insertReceipts(receipts []eventstore.Receipt) error {
	for i := range receipts {
		r := &receipts[i]
		_, err := t.addReceipt.Exec(r.Actor, r.Text, r.RequestHash[:], int64(r.First), int64(r.EventCount), r.CreatedAt.UnixMicro(),
			eventstore.JoinNames(r.Unchanged))
		if err != nil {
			return err
		}
	}
	return nil
}

// commitError returns the error of an append whose COMMIT has failed. The outcome is unknown,
// except on a full disk: SQLite stops at the first frame that it cannot write, and the committing
// frame is the last one.
func commitError(err error) error {
	err = fmt.Errorf("committing: %w", err)
	if hasCode(err, sqlite3.SQLITE_FULL) {
		return notWritten(err)
	}
	return err
}

// hasExtendedCode reports whether err is an error of SQLite with an extended result code.
func hasExtendedCode(err error, code int) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == code
}

// hasCode reports whether err is an error of SQLite with a primary result code.
func hasCode(err error, code int) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xFF == code
}
