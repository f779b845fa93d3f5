package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"configapi/internal/eventstore"
)

// transaction holds the prepared statements of an append, on the connection that writes.
type transaction struct {
	conn                                   *connection
	begin, move, compare, commit, rollback statement
	addReceipt, touch, pruneReceipts       statement
	events, newest                         inserts     // into the tables of these names
	all                                    []statement // all statements, to close them
	open                                   bool        // from begin to a clean end
	committed                              bool        // the last one ended with COMMIT
	files                                  *openFiles  // the files that conn has open
	busyTimeout                            time.Duration
	logBytes                               int64 // length of the log after the last commit
}

// bytesWritten returns how many bytes the connection has written to the log.
func (t *transaction) bytesWritten() int64 {
	const page = 4096 + frameHeaderBytes
	return t.conn.pagesWritten() * page
}

const (
	updateHead = `
		UPDATE history_head SET position = ?, hash = ?, recorded_at = ?
		WHERE singleton = 1 AND position = ? AND hash = ?`

	// It changes nothing, but is written to the log and synced like any other change.
	touchHead = `UPDATE history_head SET position = position WHERE singleton = 1`

	compareHead = `SELECT hash FROM history_head WHERE singleton = 1 AND position = ?`

	insertReceipt = `
		INSERT OR FAIL INTO idempotency (actor, key, request_hash, first_position, event_count, created_at, unchanged)
		VALUES (?, ?, ?, ?, ?, ?, ?)`
)

func prepareTransaction(conn *connection, files *openFiles, busyTimeout time.Duration) (*transaction, error) {
	t := &transaction{conn: conn, files: files, busyTimeout: busyTimeout}
	var err error
	prepare := func(text string) (s statement) {
		if err == nil {
			s, err = conn.prepare(text)
			t.all = append(t.all, s)
		}
		return s
	}
	t.begin = prepare("BEGIN IMMEDIATE")
	t.move = prepare(updateHead)
	t.compare = prepare(compareHead)
	t.addReceipt = prepare(insertReceipt)
	t.pruneReceipts = prepare(pruneReceipts)
	t.touch = prepare(touchHead)
	t.commit = prepare("COMMIT")
	t.rollback = prepare("ROLLBACK")
	t.events = prepareInserts(prepare, insertEvents, eventRow, "")
	t.newest = prepareInserts(prepare, insertNewest, newestRow, updateNewest)
	if err != nil {
		t.finalize()
		return nil, fmt.Errorf("preparing the statements of an append: %w", err)
	}
	return t, nil
}

// start begins the transaction. It is the only step that waits for other stores and that ends with
// ctx.
func (t *transaction) start(ctx context.Context) error {
	t.open, t.committed = true, false
	if err := t.conn.beginWrite(ctx, t.begin, t.busyTimeout); err != nil {
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
	if err := t.conn.run(t.commit, nil); err != nil {
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
	if err := t.conn.run(t.rollback, nil); err != nil {
		return notWritten(fmt.Errorf("rolling back: %w", err))
	}
	t.open = false
	if reason == nil || reason == eventstore.ErrHeadMoved || reason == eventstore.ErrKeyTaken {
		return reason
	}
	return notWritten(reason)
}

// close closes the connection, which rolls back what was not committed.
func (t *transaction) close() error {
	t.finalize()
	return t.conn.close()
}

func (t *transaction) finalize() {
	for _, s := range t.all {
		t.conn.finalize(s)
	}
}

// moveHead sets the head to the last of records if it is the expected one, and reports whether it
// is. Without records it only compares.
func (t *transaction) moveHead(expected eventstore.Head, records []eventstore.Record) (there bool, err error) {
	if len(records) == 0 {
		return t.hasHead(expected)
	}
	last := &records[len(records)-1]
	err = t.conn.run(t.move, func(a *arguments) {
		a.integer(int64(last.Seq))
		a.blob(last.Hash[:])
		a.integer(last.RecordedAt.UnixMicro())
		a.integer(int64(expected.Seq))
		a.blob(expected.Hash[:])
	})
	return t.conn.changes() == 1, err
}

// hasHead reports whether the head is the expected one.
func (t *transaction) hasHead(expected eventstore.Head) (there bool, err error) {
	defer t.conn.reset(t.compare)
	if err := t.conn.bindSeq(t.compare, expected.Seq); err != nil {
		return false, err
	}
	found, err := t.conn.step(t.compare)
	return found && bytes.Equal(t.conn.bytes(t.compare, 0), expected.Hash[:]), err
}

func (t *transaction) insertReceipts(receipts []eventstore.Receipt) error {
	for i := range receipts {
		r := &receipts[i]
		err := t.conn.run(t.addReceipt, func(a *arguments) {
			a.text(r.Actor)
			a.text(r.Text)
			a.blob(r.RequestHash[:])
			a.integer(int64(r.First))
			a.integer(int64(r.EventCount))
			a.integer(r.CreatedAt.UnixMicro())
			a.text(eventstore.JoinNames(r.Unchanged))
		})
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
