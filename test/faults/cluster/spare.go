package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"configapi/internal/postgrestest"
	"configapi/test/faults/history"
)

// Spare is a server beside the primary.
type Spare struct {
	database *Database
	server   *postgrestest.Cluster
}

const (
	// spareTimeout bounds each operation of a spare.
	spareTimeout = 20 * time.Second
	sparePause   = 10 * time.Millisecond
	// promoteTimeout bounds a promotion. pg_promote itself waits for up to a minute.
	promoteTimeout = 70 * time.Second
)

// Standby makes a standby that follows the primary by streaming. With sync, the primary
// acknowledges a commit only when the standby has it.
func (d *Database) Standby(ctx context.Context, sync bool) (*Spare, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	server, err := postgrestest.Follow(ctx, d.server())
	if err != nil {
		return nil, err
	}
	d.spares = append(d.spares, server)
	s := &Spare{d, server}
	state := "async"
	if sync {
		state = "sync"
		if err := d.set(ctx, "synchronous_standby_names", "*"); err != nil {
			return nil, err
		}
	}
	err = s.until(ctx, "to follow", func() (bool, error) {
		found, err := query[string](ctx, d, `select sync_state from pg_stat_replication where state = 'streaming'`)
		return len(found) == 1 && found[0] == state, err
	})
	return s, err
}

// Backup copies the current data of the primary, which stops meanwhile. The copy is a server with
// the identity and the timeline of the primary. It gets no writes.
func (d *Database) Backup(ctx context.Context) (*Spare, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.server().Stop(postgrestest.Fast); err != nil {
		return nil, err
	}
	copied, err := postgrestest.NewFrom(ctx, d.server().Dir())
	if err == nil {
		d.spares = append(d.spares, copied)
	}
	if err := errors.Join(err, d.start(context.WithoutCancel(ctx))); err != nil {
		return nil, err
	}
	return &Spare{d, copied}, nil
}

// BaseBackup makes a base backup of the running primary.
func (d *Database) BaseBackup(ctx context.Context) (*Spare, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	server, err := postgrestest.Backup(ctx, d.server())
	if err != nil {
		return nil, err
	}
	d.spares = append(d.spares, server)
	return &Spare{d, server}, nil
}

// Now is the current LSN of the primary.
func (d *Database) Now(ctx context.Context) (lsn string, err error) {
	found, err := query[string](ctx, d, `select pg_current_wal_lsn()::text`)
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// Recover brings a base backup to an LSN of the primary, which has ended.
func (s *Spare) Recover(ctx context.Context, lsn string) error {
	return s.server.Recover(ctx, s.database.server(), lsn)
}

// Has waits until the spare has the event with a seq.
func (s *Spare) Has(ctx context.Context, seq int64) error {
	return s.until(ctx, "to have an event", func() (bool, error) {
		head, err := s.Head(ctx)
		return err == nil && head >= seq, err
	})
}

// Cut ends the replication to a standby.
func (s *Spare) Cut(ctx context.Context) error {
	if err := s.exec(ctx, `alter system set primary_conninfo = ''`); err != nil {
		return err
	}
	if err := s.exec(ctx, `select pg_reload_conf()`); err != nil {
		return err
	}
	return s.until(ctx, "to be cut off", func() (bool, error) {
		found, err := queryAt[int64](ctx, s.dsn(), `select count(*) from pg_stat_wal_receiver`)
		return err == nil && found[0] == 0, err
	})
}

// Promote makes a standby the primary of its own timeline.
func (s *Spare) Promote(ctx context.Context) error {
	// A retry may run after the promotion.
	found, err := queryWithin[bool](ctx, promoteTimeout, s.dsn(), `select case when pg_is_in_recovery() then pg_promote() else true end`)
	if err == nil && !found[0] {
		err = errors.New("the standby was not promoted in time")
	}
	return err
}

// Head is the newest seq that the spare has.
func (s *Spare) Head(ctx context.Context) (int64, error) {
	found, err := queryAt[int64](ctx, s.dsn(), `select position from public.history_head`)
	if err == nil && len(found) != 1 {
		err = errors.New("the row of history_head is missing")
	}
	if err != nil {
		return 0, err
	}
	return found[0], nil
}

// Take makes a spare the primary for the suite and for all new sessions of nodes. With shared, the
// new sessions of nodes go to the old primary and to the new one in turn. Take returns the old
// primary, and does not stop it.
func (d *Database) Take(s *Spare, shared bool) (before *Spare) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before = &Spare{d, d.server()}
	d.spares = append(d.spares, before.server)
	for i, spare := range d.spares {
		if spare == s.server {
			d.spares = append(d.spares[:i], d.spares[i+1:]...)
			break
		}
	}
	d.primary.Store(s.server)
	if shared {
		d.routes.Route(hostOf(before.server), hostOf(s.server))
	} else {
		d.routes.Route(hostOf(s.server))
	}
	return before
}

// RouteToPrimary sends all new sessions of nodes to the primary again.
func (d *Database) RouteToPrimary() { d.routes.Route(hostOf(d.server())) }

// Fail stops the primary. It stays down until it is replaced, or started by [Database.Start].
func (d *Database) Fail(how postgrestest.Shutdown) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.server().Stop(how)
}

// Stop stops a spare.
func (s *Spare) Stop(how postgrestest.Shutdown) error { return s.server.Stop(how) }

// EndSessions ends all sessions of nodes on the primary, and returns how many.
func (d *Database) EndSessions(ctx context.Context) (int, error) {
	primary := &Spare{d, d.server()}
	return primary.EndSessions(ctx)
}

// EndSessions ends all sessions of nodes on a spare, and returns how many.
func (s *Spare) EndSessions(ctx context.Context) (int, error) {
	ended, err := queryAt[int32](ctx, s.dsn(), `with chosen as materialized (select pid from pg_stat_activity where usename like 'node%')
		select pid from chosen where pg_terminate_backend(pid)`)
	return len(ended), err
}

// EndWaits ends the sessions on the primary whose commit waits for a standby, and returns how many.
func (d *Database) EndWaits(ctx context.Context) (int, error) {
	ended, err := query[int32](ctx, d, `with chosen as materialized (select pid from pg_stat_activity where wait_event = 'SyncRep')
		select pid from chosen where pg_terminate_backend(pid)`)
	return len(ended), err
}

// Retire starts a stopped server once more, reads its whole history, and removes the server.
func (s *Spare) Retire(ctx context.Context) (*history.History, error) {
	ctx = context.WithoutCancel(ctx)
	if err := s.server.Start(ctx); err != nil {
		return nil, err
	}
	conn, err := connect(ctx, s.dsn())
	if err != nil {
		return nil, err
	}
	h := history.New()
	err = h.Extend(ctx, conn)
	conn.Close(ctx)
	d := s.database
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, spare := range d.spares {
		if spare == s.server {
			d.spares = append(d.spares[:i], d.spares[i+1:]...)
			break
		}
	}
	return h, errors.Join(err, s.server.Close())
}

func (s *Spare) dsn() string { return s.server.DSN(databaseName) }

func (s *Spare) exec(ctx context.Context, statement string) error {
	return execAt(ctx, s.dsn(), statement)
}

// until polls done until it returns true, for at most spareTimeout.
func (s *Spare) until(ctx context.Context, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, spareTimeout)
	defer cancel()
	for {
		ok, err := done()
		if ok {
			return nil
		}
		if !Pause(ctx, sparePause) {
			return fmt.Errorf("waiting for the spare server %s: %w: %w", what, ctx.Err(), err)
		}
	}
}
