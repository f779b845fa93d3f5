package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"configapi/internal/eventstore"
)

// The statements about a restore of a backup.
const (
	selectRestore = `select position, hash from public.restore_in_progress`
	beginRestore  = `insert into public.restore_in_progress (position, hash) values ($1, $2)
		on conflict (singleton) do update set position = excluded.position, hash = excluded.hash`
	endRestore = `delete from public.restore_in_progress`

	// The constraint that lets each version of a config exist only once. Its index serves look-ups
	// of a config.
	dropVersions  = `alter table public.events drop constraint if exists events_config_name_version_key`
	indexVersions = `do $$
		begin
			if not exists (select from pg_catalog.pg_constraint
				where conrelid = 'public.events'::pg_catalog.regclass and conname = 'events_config_name_version_key')
			then
				alter table public.events add constraint events_config_name_version_key unique (config_name, version) include (position);
			end if;
		end
		$$`

	// countServers counts the sessions of servers on the database. Every server has some.
	countServers = `select count(*) from pg_catalog.pg_stat_activity
		where datname = pg_catalog.current_database() and application_name in ('` + serverName + `', '` + writerName + `', '` + listenerName + `')`
)

// errServerRuns says that a restore and a server would write to one history.
var errServerRuns = errors.New("a server is running on this database; stop it, or restore into another database")

// RestoreTarget returns the head to which a restore of a backup leads that has begun and not ended,
// without its time. It returns the zero Head if there is none. A server must not use a store with
// one: it holds a part of a history.
func (s *Store) RestoreTarget(ctx context.Context) (target eventstore.Head, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.queryTimeout)
	defer cancel()
	var hash []byte
	err = s.nodePool.QueryRow(ctx, selectRestore).Scan(&target.Seq, &hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return eventstore.Head{}, nil
	}
	if err == nil {
		err = fill(target.Hash[:], hash)
	}
	if err != nil {
		return eventstore.Head{}, fmt.Errorf("looking for an unfinished restore: %w", connectError(err))
	}
	return target, nil
}

// BeginRestore notes on the disk that a restore to a head begins, in place of what was noted
// before. The error says so if a server is running on the database; then nothing is noted. The
// store must be open with [Options.Restoring].
//
// A server that starts later sees the note. One that has started before has sessions, which are
// looked for after the note is written, so no server is missed.
//
// Until [Store.EndRestore] the store does not refuse a second event of one version of a config.
func (s *Store) BeginRestore(ctx context.Context, target eventstore.Head) error {
	before, err := s.RestoreTarget(ctx)
	if err != nil {
		return err
	}
	if err := s.noteRestore(ctx, statementOf{beginRestore, []any{int64(target.Seq), target.Hash[:]}}); err != nil {
		return err
	}
	servers, err := s.serversLeft(ctx)
	switch {
	case err != nil:
		return err
	case !servers:
		return s.noteRestore(ctx, statementOf{sql: dropVersions})
	case before.Seq == 0:
		return errors.Join(errServerRuns, s.EndRestore(ctx))
	default:
		return errServerRuns
	}
}

// Sessions of a server that has just ended stay for a moment: PostgreSQL ends them one by one. They
// are looked for every lookInterval until they are gone, for serverGrace at most.
const serverGrace, lookInterval = 2 * time.Second, 50 * time.Millisecond

// serversLeft reports whether servers have sessions on the database, and still have them after
// serverGrace.
func (s *Store) serversLeft(ctx context.Context) (bool, error) {
	for end := time.Now().Add(serverGrace); ; {
		servers := 0
		if err := s.nodePool.QueryRow(ctx, countServers).Scan(&servers); err != nil {
			return false, fmt.Errorf("looking for servers: %w", connectError(err))
		}
		if servers == 0 || time.Now().After(end) {
			return servers > 0, nil
		}
		select {
		case <-time.After(lookInterval):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// EndRestore removes what BeginRestore has noted. The error wraps [eventstore.ErrNotNextVersion] if
// two events are the same version of a config; the note then stays.
//
// It indexes the versions of all events at once, sorted. An append with that index changes a page
// at a random place for each event, which would be most of the time of a large restore.
func (s *Store) EndRestore(ctx context.Context) error {
	err := s.noteRestore(ctx, statementOf{sql: indexVersions}, statementOf{sql: endRestore})
	const uniqueViolation = "23505"
	if hasState(err, uniqueViolation) {
		return notWritten(eventstore.ErrNotNextVersion)
	}
	return err
}

// statementOf is a statement with its arguments.
type statementOf struct {
	sql  string
	args []any
}

// noteRestore runs statements in one transaction. An index over a large history takes its time, so
// only ctx ends them.
func (s *Store) noteRestore(ctx context.Context, statements ...statementOf) error {
	err := s.writer.use(ctx, func() error {
		return pgx.BeginTxFunc(ctx, s.writer.conn, pgx.TxOptions{}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `set local statement_timeout = 0`); err != nil {
				return err
			}
			for _, each := range statements {
				if _, err := tx.Exec(ctx, each.sql, each.args...); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if isDenied(err) {
		return fmt.Errorf("noting a restore: only the owner of the tables can restore a backup: %w", err)
	}
	if err != nil {
		return fmt.Errorf("noting a restore: %w", err)
	}
	return nil
}
