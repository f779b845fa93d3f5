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
	// spareTimeout is how long a spare may take to do what it is told.
	spareTimeout = 20 * time.Second
	sparePause   = 10 * time.Millisecond
	// promoteTimeout is how long a promotion may take. pg_promote itself waits for a minute.
	promoteTimeout = 70 * time.Second
)

// Standby makes a standby of the primary that follows it by streaming. With sync the primary
// acknowledges no commit from now on that the standby does not have.
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

// Backup makes a copy of the primary as it is now, for which the primary stops for a while. The
// copy is a server of its own that has the primary's identity and timeline, and that nobody writes
// to.
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

// BaseBackup makes a base backup of the primary, which goes on.
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

// Now is the place in the primary's log at which it is.
func (d *Database) Now(ctx context.Context) (lsn string, err error) {
	found, err := query[string](ctx, d, `select pg_current_wal_lsn()::text`)
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// Recover brings a base backup to a place in the log of the primary, which has ended.
func (s *Spare) Recover(ctx context.Context, lsn string) error {
	return s.server.Recover(ctx, s.database.server(), lsn)
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

// Promote makes a standby a primary.
func (s *Spare) Promote(ctx context.Context) error {
	// The statement may be tried again after the promotion.
	found, err := queryWithin[bool](ctx, promoteTimeout, s.dsn(), `select case when pg_is_in_recovery() then pg_promote() else true end`)
	if err == nil && !found[0] {
		err = errors.New("the standby was not promoted in time")
	}
	return err
}

// Position is the newest one that the spare has.
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

// Take has a spare be the primary for the suite, and for all new sessions of nodes; with shared the
// new sessions of nodes go to the server before it in turn. It returns that server, which goes on
// if it did.
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

// LeadToPrimary ends what Take has shared.
func (d *Database) RouteToPrimary() { d.routes.Route(hostOf(d.server())) }

// Fail stops the primary, which stays away until it is replaced.
func (d *Database) Fail(how postgrestest.Shutdown) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.server().Stop(how)
}

// Stop stops a spare.
func (s *Spare) Stop(how postgrestest.Shutdown) error { return s.server.Stop(how) }

// EndSessions ends all sessions of nodes on the primary.
func (d *Database) EndSessions(ctx context.Context) (int, error) {
	primary := &Spare{d, d.server()}
	return primary.EndSessions(ctx)
}

// EndSessions ends all sessions of nodes on a spare.
func (s *Spare) EndSessions(ctx context.Context) (int, error) {
	ended, err := queryAt[int32](ctx, s.dsn(), `with chosen as materialized (select pid from pg_stat_activity where usename like 'node%')
		select pid from chosen where pg_terminate_backend(pid)`)
	return len(ended), err
}

// EndWaits ends the sessions on the primary whose commit waits for a standby. It tells how
// many.
func (d *Database) EndWaits(ctx context.Context) (int, error) {
	ended, err := query[int32](ctx, d, `with chosen as materialized (select pid from pg_stat_activity where wait_event = 'SyncRep')
		select pid from chosen where pg_terminate_backend(pid)`)
	return len(ended), err
}

// Retire reads the whole history of a server that was stopped, for which it is started once more,
// and removes it.
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

// until waits until a spare has done something.
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
