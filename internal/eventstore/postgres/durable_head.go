package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

// DurableHead returns the head after a commit that follows everything readable has reached the disk
// and the synchronous standbys. It locks the head row in a transaction of its own: the lock is
// written to the log, so the commit waits as that of an append does. The row stays locked
// meanwhile, so that no second call and no append queues up behind it on the server.
func (s *Store) DurableHead(ctx context.Context) (eventstore.Head, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.appendTimeout)
	defer cancel()
	var row headRow
	err := s.writer.use(ctx, func() error { return s.writer.commitLock(ctx, &row) })
	head, missing := row.get()
	if err == nil {
		err = missing
	}
	if err != nil {
		return eventstore.Head{}, fmt.Errorf("making the head durable: %w", err)
	}
	return head, nil
}

func (w *writer) commitLock(ctx context.Context, row *headRow) error {
	var batch pgconn.Batch
	w.statements.lock.queue(&batch, nil)
	if err := readResults(w.conn.PgConn().ExecBatch(ctx, &batch), row.take); err != nil {
		return sentError(err)
	}
	return nil
}
