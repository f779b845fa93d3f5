package sqlite

import (
	"context"
	"fmt"

	"configapi/internal/eventstore"
)

// The statements about a restore of a backup.
const (
	selectRestore = `SELECT position, hash FROM restore_in_progress`
	beginRestore  = `INSERT OR REPLACE INTO restore_in_progress (singleton, position, hash) VALUES (1, ?, ?)`
	endRestore    = `DELETE FROM restore_in_progress`
)

// RestoreTarget returns the head to which a restore of a backup leads that has begun and not ended,
// without its time. It returns the zero Head if there is none. A server must not use a store with
// one: it holds a part of a history.
func (s *Store) RestoreTarget(ctx context.Context) (target eventstore.Head, err error) {
	err = s.nodeReaders.use(ctx, func(r *reader) (err error) {
		target, err = r.readRestore()
		return err
	})
	if err != nil {
		return eventstore.Head{}, fmt.Errorf("looking for an unfinished restore: %w", err)
	}
	return target, nil
}

func (r *reader) readRestore() (target eventstore.Head, err error) {
	s, err := r.prepare(selectRestore)
	if err != nil {
		return target, err
	}
	defer r.finalize(s)
	found, err := r.step(s)
	if err != nil || !found {
		return target, err
	}
	target.Seq = eventstore.Seq(r.integer(s, 0))
	return target, fill(target.Hash[:], r.bytes(s, 1))
}

// BeginRestore notes on the disk that a restore to a head begins, in place of what was noted
// before. The lock of the file keeps servers out meanwhile: see [Options.Lock].
func (s *Store) BeginRestore(ctx context.Context, target eventstore.Head) error {
	return s.noteRestore(ctx, func(conn *connection) error {
		return conn.runOnce(beginRestore, func(a *arguments) {
			a.integer(int64(target.Seq))
			a.blob(target.Hash[:])
		})
	})
}

// EndRestore removes what BeginRestore has noted.
func (s *Store) EndRestore(ctx context.Context) error {
	return s.noteRestore(ctx, func(conn *connection) error {
		return conn.execute(endRestore)
	})
}

func (s *Store) noteRestore(ctx context.Context, do func(*connection) error) error {
	return s.append(ctx, func(t *transaction) error {
		if err := do(t.conn); err != nil {
			return notWritten(fmt.Errorf("noting a restore: %w", err))
		}
		return t.end()
	})
}
