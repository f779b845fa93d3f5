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

// AppendLocked appends what decide returns while it holds the lock on the head row. It takes two
// round trips: one locks the row and reads the missed records, the other appends and commits. A
// client that is silent in between for the lock time-out loses its session, which frees the row.
func (s *Store) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.appendTimeout)
	defer cancel()
	var newest eventstore.Seq
	err := s.writer.use(ctx, func() (err error) {
		newest, err = s.writer.appendLocked(ctx, after, decide)
		return err
	})
	if err != nil {
		return fmt.Errorf("appending with the head locked, after seq %d: %w", after, err)
	}
	s.appends.raise(newest)
	return nil
}

// appendLocked returns the newest seq that it knows of.
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

// lock locks the head row and then reads the records up to it: each statement has a snapshot of its
// own.
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
		binary.BigEndian.AppendUint64(nil, eventstore.MaxMissedBytes),
	}
	if w.largePages.Load() {
		w.statements.missedGuarded.queue(&batch, parameters)
	} else {
		w.statements.missed.queue(&batch, parameters[:2])
	}
	var row headRow
	p := page{limit: eventstore.MissedLimit().WithDefaults()}
	if err := readResults(w.conn.PgConn().ExecBatch(ctx, &batch), row.take, p.take); err != nil {
		return eventstore.Head{}, nil, err
	}
	head, err = row.get()
	return head, p.records, err
}

// lockTimeout returns the setting that ends the session of a client which holds the lock and is
// silent. It is set once for a connection, but in each transaction behind a pooler, which gives the
// session to others.
func (w *writer) lockTimeout() string {
	return fmt.Sprintf(`idle_in_transaction_session_timeout = %d`, w.opts.lockTimeout.Milliseconds())
}

// readResults passes the rows of each result with columns to one function after the other as they
// arrive. Collecting them first takes six times as many allocations: see the locked append of
// BenchmarkStore. A row is valid until the function returns.
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

// appendAndCommit sends both statements at once. When the append fails, the server ignores the
// commit.
//
// If the answer to a batch is cut off, pgx returns "conn closed" and marks it as safe to retry,
// although the batch was sent. So that mark is ignored here.
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
		return sentError(err)
	}
	return appendResult(results[0].CommandTag, nil)
}

// rollback ends the transaction. If that fails it drops the connection, and the server rolls back.
func (w *writer) rollback(ctx context.Context) {
	conn := w.conn.PgConn()
	if !conn.IsClosed() && conn.TxStatus() != 'I' && conn.Exec(ctx, `rollback`).Close() != nil {
		abandon(conn)
	}
}
