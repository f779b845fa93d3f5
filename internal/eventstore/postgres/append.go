package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

// appendSQL writes records after a head, or nothing when the head is another one by then.
//
// One array of composites costs the server half of what an array for each column does when there are few records.
const appendSQL = `
	with head as (
		update public.history_head set position = $3, hash = $4, recorded_at = $5
		where position = $1 and hash = $2
		returning pg_notify('` + channel + `', position::text)
	)
	insert into public.events (position, hash, config_name, version, type, schema_version,
		data, actor, reason, recorded_at, append_id, change_set)
	select $1 + r.number, r.hash, r.config_name, r.version, r.type, r.schema_version,
		r.data, r.actor, r.reason, r.recorded_at, r.append_id, r.change_set
	from head, unnest($6::public.event_input[]) with ordinality
		as r(hash, config_name, version, type, schema_version, data, actor, reason, recorded_at, append_id, change_set, number)`

// pingAfter is how long the connection may be unused before it is tried out: what is sent on a dead one has an unknown
// outcome, and after a pause that is easily avoided.
const pingAfter = time.Second

// Append writes records as one.
func (s *Store) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.AppendTimeout)
	defer cancel()
	if err := s.writer.append(ctx, expected, records); err != nil {
		return fmt.Errorf("appending after position %d: %w", expected.Position, err)
	}
	s.hint.raise(expected.Position + eventstore.Position(len(records)))
	return nil
}

// writer is the connection that appends. It does one append at a time.
type writer struct {
	config *pgx.ConnConfig
	opts   Options
	turn   chan struct{} // holds an element while the fields below are in use
	closed bool

	conn      *pgx.Conn // nil: none yet, or the last one broke
	used      time.Time // when the connection was last seen to live
	statement *pgconn.StatementDescription
	encoder   encoder
}

var errReadOnly = errors.New("the store is open for reading only")

// openWriter connects, so that what is wrong is found when the store is opened, and migrates.
func openWriter(ctx context.Context, base *pgx.ConnConfig, opts Options) (*writer, error) {
	w := &writer{config: base.Copy(), opts: opts, turn: make(chan struct{}, 1)}
	neverCancel(&w.config.Config)
	conn, err := w.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, conn, opts.ReadOnly); err != nil {
		abandon(conn.PgConn())
		return nil, err
	}
	return w, w.use(ctx, conn)
}

func (w *writer) append(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
	if w.opts.ReadOnly {
		return notWritten(errReadOnly)
	}
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return notWritten(ctx.Err())
	}
	if err := w.prepare(ctx); err != nil {
		return notWritten(err)
	}
	parameters := w.encoder.append(expected, records)
	tag, err := w.execAppend(ctx, parameters)
	w.used = time.Now()
	if w.conn.IsClosed() {
		w.drop()
	}
	switch {
	case err != nil:
		return outcome(err)
	case tag.RowsAffected() == 0:
		return eventstore.ErrHeadMoved
	}
	return nil
}

// prepare sees to it that there is a connection that lives. Until it has returned nothing of an append was sent.
func (w *writer) prepare(ctx context.Context) error {
	if w.closed {
		return errClosed
	}
	if w.conn != nil && time.Since(w.used) > pingAfter {
		w.ping(ctx)
	}
	if w.conn != nil {
		return nil
	}
	return w.connect(ctx)
}

// ping drops a connection that does not answer, and leaves time to make another.
func (w *writer) ping(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, w.opts.ConnectTimeout)
	defer cancel()
	if err := w.conn.Ping(ctx); err != nil {
		w.drop()
	}
}

func (w *writer) connect(ctx context.Context) error {
	conn, err := w.dial(ctx)
	if err != nil {
		return err
	}
	return w.use(ctx, conn)
}

// dial connects, and checks the server, which may be another one than before.
func (w *writer) dial(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(toConnect(ctx), w.config)
	if err != nil {
		return nil, connectError(err)
	}
	if err := checkServer(ctx, conn); err != nil {
		abandon(conn.PgConn())
		return nil, err
	}
	return conn, nil
}

// use makes a connection the one that appends.
func (w *writer) use(ctx context.Context, conn *pgx.Conn) error {
	settings := fmt.Sprintf(`select set_config('synchronous_commit', current_setting('synchronous_commit'), false);
		set statement_timeout = %d; set default_transaction_isolation = 'read committed';
		set plan_cache_mode = force_generic_plan; set jit = off`, w.opts.AppendTimeout.Milliseconds()/2)
	err := conn.QueryRow(ctx, `select 'public.event_input'::regtype::oid`).Scan(&w.encoder.inputOID)
	if err == nil {
		err = w.prepareAppend(ctx, conn, settings)
	}
	if err != nil {
		abandon(conn.PgConn())
		return fmt.Errorf("preparing to append: %w", err)
	}
	w.conn, w.used = conn, time.Now()
	return nil
}

func (w *writer) drop() {
	abandon(w.conn.PgConn())
	w.conn = nil
}

func (w *writer) close() {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	w.closed = true
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), w.opts.QueryTimeout)
	defer cancel()
	w.conn.Close(ctx)
	w.conn = nil
}
