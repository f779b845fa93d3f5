package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

// DurableHead returns the head once a commit that follows all that can be read has reached the
// disk, and the synchronous standbys that there are. Its statement is the one that locks the head
// row, in a transaction of its own: the lock is written to the log, so the commit waits as that of
// an append does. While it waits the row stays locked, so that no second one, and no append, piles
// up behind it on the server.
func (s *Store) DurableHead(ctx context.Context) (eventstore.Head, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.AppendTimeout)
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
		return outcomeOfSent(err)
	}
	return nil
}
