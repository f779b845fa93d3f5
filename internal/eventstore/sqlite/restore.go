package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"

	"configapi/internal/eventstore"
)

// The statements about a restore of a backup.
const (
	selectRestore = `SELECT position, hash FROM restore_in_progress`
	beginRestore  = `INSERT OR REPLACE INTO restore_in_progress (singleton, position, hash) VALUES (1, ?, ?)`
	endRestore    = `DELETE FROM restore_in_progress`

	// The index that serves look-ups of a config, and lets each version of it exist only once.
	dropVersions  = `DROP INDEX IF EXISTS events_config_name_version`
	indexVersions = `CREATE UNIQUE INDEX IF NOT EXISTS events_config_name_version ON events (config_name, version)`
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
//
// Until [Store.EndRestore] the store does not refuse a second event of one version of a config.
func (s *Store) BeginRestore(ctx context.Context, target eventstore.Head) error {
	return s.noteRestore(ctx, func(conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, beginRestore, int64(target.Seq), target.Hash[:]); err != nil {
			return err
		}
		_, err := conn.ExecContext(ctx, dropVersions)
		return err
	})
}

// EndRestore removes what BeginRestore has noted. The error wraps [eventstore.ErrVersionTwice] if
// two events are the same version of a config; the note then stays.
//
// It indexes the versions of all events at once, sorted. An append with that index changes a page
// at a random place for each event, which would be most of the time of a restore. Sorting takes
// files beside the database; what is written to the log is as large as the index.
func (s *Store) EndRestore(ctx context.Context) error {
	if err := s.writer.sortInFiles(ctx); err != nil {
		return fmt.Errorf("preparing to end a restore: %w", err)
	}
	return s.noteRestore(ctx, func(conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, indexVersions)
		if hasExtendedCode(err, sqlite3.SQLITE_CONSTRAINT_UNIQUE) {
			return eventstore.ErrVersionTwice
		}
		if err != nil {
			return err
		}
		_, err = conn.ExecContext(ctx, endRestore)
		return err
	})
}

func (s *Store) noteRestore(ctx context.Context, do func(*sql.Conn) error) error {
	return s.append(ctx, func(t *transaction) error {
		if err := do(t.conn); err != nil {
			return notWritten(fmt.Errorf("noting a restore: %w", err))
		}
		return t.end()
	})
}

// sortInFiles lets the connection sort in temporary files, whatever the number of rows; until then
// it would sort in memory. SQLite does not change that within a transaction.
func (w *writer) sortInFiles(ctx context.Context) error {
	if w == nil {
		return notWritten(errReadOnly)
	}
	select {
	case <-w.turn:
		defer func() { w.turn <- struct{}{} }()
	case <-ctx.Done():
		return notWritten(ctx.Err())
	}
	if w.tx == nil {
		if err := w.connect(ctx); err != nil {
			return notWritten(err)
		}
	}
	_, err := w.tx.conn.ExecContext(ctx, "PRAGMA temp_store = FILE")
	return err
}
