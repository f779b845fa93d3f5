package postgres

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

func lockSQL(further string) string {
	return `select position, hash, recorded_at` + further + ` from public.history_head for update`
}

// AppendLocked appends what the caller decides on while it has the head row locked. That takes two round trips: one that
// locks the row and reads what was missed, one that appends and commits. The server ends the session of whoever leaves it
// without a word in between for [Options.LockTimeout], and so frees the row.
func (s *Store) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.AppendTimeout)
	defer cancel()
	var newest eventstore.Seq
	err := s.writer.use(ctx, func() (err error) {
		newest, err = s.writer.appendLocked(ctx, after, decide)
		return err
	})
	if err != nil {
		return fmt.Errorf("appending with the head locked, after position %d: %w", after, err)
	}
	s.hint.raise(newest)
	return nil
}

// appendLocked returns the newest position that is known then.
func (w *writer) appendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) (eventstore.Seq, error) {
	head, missed, err := w.lock(ctx, after)
	if err != nil {
		w.rollback(ctx)
		return 0, notWritten(fmt.Errorf("locking the head: %w", err))
	}
	if after+eventstore.Seq(len(missed)) != head.Seq {
		w.rollback(ctx)
		return 0, eventstore.ErrHeadMoved
	}
	records, receipts, err := decide(head, missed)
	if err != nil {
		w.rollback(ctx)
		return 0, notWritten(err)
	}
	if len(records)+len(receipts) == 0 {
		w.rollback(ctx)
		return head.Seq, nil
	}
	if err := w.appendAndCommit(ctx, head, records, receipts); err != nil {
		w.rollback(ctx)
		return 0, err
	}
	return head.Seq + eventstore.Seq(len(records)), nil
}

// lock locks the head row, and only then, with the snapshot that each statement takes of its own, reads up to it.
func (w *writer) lock(ctx context.Context, after eventstore.Seq) (head eventstore.Head, missed []eventstore.Record, err error) {
	var batch pgconn.Batch
	w.statements.begin.queue(&batch, nil)
	if pooled(w.config) {
		batch.ExecParams(`set local `+w.lockTimeout(), nil, nil, nil, nil)
	}
	w.statements.lock.queue(&batch, nil)
	parameters := [][]byte{
		binary.BigEndian.AppendUint64(nil, uint64(after)),
		binary.BigEndian.AppendUint64(nil, eventstore.MaxMissed),
		binary.BigEndian.AppendUint64(nil, eventstore.PageBytes),
	}
	if w.large.Load() {
		w.statements.missedGuarded.queue(&batch, parameters)
	} else {
		w.statements.missed.queue(&batch, parameters[:2])
	}
	var row headRow
	p := page{limit: eventstore.Limit{Records: eventstore.MaxMissed}.WithDefaults()}
	if err := readResults(w.conn.PgConn().ExecBatch(ctx, &batch), row.take, p.take); err != nil {
		return eventstore.Head{}, nil, err
	}
	head, err = row.get()
	return head, p.records, err
}

// lockTimeout is what ends the session of one who has the lock and keeps silent. It is set with the connection, but behind a
// pooler, which gives that to others, in each transaction.
func (w *writer) lockTimeout() string {
	return fmt.Sprintf(`idle_in_transaction_session_timeout = %d`, w.opts.LockTimeout.Milliseconds())
}

// readResults hands the rows of each result that has columns to one function after the other, while they come: to keep them
// first cost more than all that is done with them. A row holds until the function returns.
func readResults(results *pgconn.MultiResultReader, take ...func(row [][]byte) (more bool, err error)) (err error) {
	for results.NextResult() {
		rows := results.ResultReader()
		if len(rows.FieldDescriptions()) == 0 {
			continue
		}
		for more := true; rows.NextRow(); {
			if more && err == nil {
				more, err = take[0](rows.Values())
			}
		}
		take = take[1:]
	}
	return cmp.Or(results.Close(), err)
}

// appendAndCommit sends both at once. When the append fails the server does not look at the rest.
//
// What pgx says of a batch whose answer was cut off is "conn closed", with the mark of an error from before anything was sent. So
// that mark counts for nothing here.
func (w *writer) appendAndCommit(ctx context.Context, head eventstore.Head, records []eventstore.Record, receipts []eventstore.Receipt) error {
	conn := w.conn.PgConn()
	if conn.IsClosed() {
		return notWritten(pgconn.ErrConnClosed)
	}
	var batch pgconn.Batch
	w.statements.forAppend(records, receipts).queue(&batch, w.encoder.append(head, records, receipts))
	w.statements.commit.queue(&batch, nil)
	results, err := conn.ExecBatch(ctx, &batch).ReadAll()
	if err != nil {
		return outcomeOfSent(err)
	}
	return appended(results[0].CommandTag, nil)
}

// rollback ends the transaction, or the connection if that is not possible; then the server does it.
func (w *writer) rollback(ctx context.Context) {
	conn := w.conn.PgConn()
	if !conn.IsClosed() && conn.TxStatus() != 'I' && conn.Exec(ctx, `rollback`).Close() != nil {
		abandon(conn)
	}
}
