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

// The statements of an append write all of it, or nothing when the head is another one by then.
// Each locks the head row first, and evaluates further columns with it: see durably.

// One array of composites costs the server half of what an array for each column does when there
// are few records.
func appendSQL(further string) string { return `with ` + moveHead(further) + insertEvents }

// The same with receipts.
func appendKeyedSQL(further string) string {
	return `with ` + moveHead(further) + `, receipts as (` + insertReceipts + `unnest($7::public.idempotency_input[]) r)` + insertEvents
}

// Receipts alone: they are those of what found nothing to do, which is true at that head and at no
// other.
func appendReceiptsSQL(further string) string {
	return `with head as (select position` + further + ` from public.history_head where position = $1 and hash = $2 for update)` +
		insertReceipts + `unnest($3::public.idempotency_input[]) r`
}

func moveHead(further string) string {
	return `head as (
			update public.history_head set position = $3, hash = $4, recorded_at = $5
			where position = $1 and hash = $2
			returning pg_notify('` + channel + `', position::text)` + further + `
		)`
}

const (
	insertEvents = `
		insert into public.events (position, hash, config_name, version, type, schema_version,
			data, actor, reason, recorded_at, append_id, change_set)
		select $1 + r.number, r.hash, r.config_name, r.version, r.type, r.schema_version,
			r.data, r.actor, r.reason, r.recorded_at, r.append_id, r.change_set
		from head, unnest($6::public.event_input[]) with ordinality
			as r(hash, config_name, version, type, schema_version, data, actor, reason, recorded_at, append_id, change_set, number)`
	insertReceipts = `
		insert into public.idempotency (actor, key, request_hash, first_position, event_count, created_at)
		select r.actor, r.key, r.request_hash, r.first_position, r.event_count, r.created_at from head, `
)

// Append writes records and receipts as one.
func (s *Store) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.AppendTimeout)
	defer cancel()
	err := s.writer.use(ctx, func() error { return s.writer.append(ctx, expected, records, receipts) })
	if err != nil {
		return fmt.Errorf("appending after position %d: %w", expected.Seq, err)
	}
	s.hint.raise(expected.Seq + eventstore.Seq(len(records)))
	return nil
}

// writer is the connection that appends. It does one append at a time.
type writer struct {
	config *pgx.ConnConfig
	opts   Options
	turn   chan struct{} // holds an element while the fields below are in use
	closed bool

	warning    *pgconn.Notice // the newest that came with what is under way; nil: none did
	conn       *pgx.Conn      // nil: none yet, or the last one broke
	used       time.Time      // when the connection was last seen to live
	statements statements
	encoder    encoder
	large      *pageGuard // that of the store
	fence      *fence     // that of the store
}

var errReadOnly = errors.New("the store is open for reading only")

// openWriter connects, so that what is wrong is found when the store is opened, and migrates.
func openWriter(ctx context.Context, base *pgx.ConnConfig, opts Options, large *pageGuard, fence *fence) (*writer, error) {
	w := &writer{config: base.Copy(), opts: opts, turn: make(chan struct{}, 1), large: large, fence: fence}
	neverCancel(&w.config.Config)
	w.config.OnNotice = w.notice
	conn, err := w.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, conn, opts.ReadOnly); err != nil {
		abandon(conn.PgConn())
		return nil, err
	}
	return w, w.take(ctx, conn)
}

// use lets do have the connection, which lives. Errors from before do are definite.
func (w *writer) use(ctx context.Context, do func() error) error {
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
	w.warning = nil
	err := do()
	w.used = time.Now()
	if err == nil && w.warning != nil {
		err = fmt.Errorf("the outcome is unknown: the server did it with a warning: %s (SQLSTATE %s)", w.warning.Message, w.warning.Code)
	}
	if w.conn.IsClosed() || isReadOnly(err) {
		w.drop()
	}
	return err
}

// notice takes what the server says besides. A warning at a commit is how it says that the commit
// did not wait for its standby; all that is done on this connection is to be without any.
func (w *writer) notice(_ *pgconn.PgConn, n *pgconn.Notice) {
	switch n.SeverityUnlocalized {
	case "DEBUG", "LOG", "INFO", "NOTICE":
	default:
		w.warning = n
	}
}

func (w *writer) append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts []eventstore.Receipt) error {
	parameters := w.encoder.append(expected, records, receipts)
	return appended(w.statements.forAppend(records, receipts).exec(ctx, w.conn.PgConn(), parameters))
}

// appended says what the answer to one of the statements means.
func appended(tag pgconn.CommandTag, err error) error {
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
	if w.conn != nil && time.Since(w.used) > w.opts.PingAfter {
		w.ping(ctx)
	}
	if w.conn != nil && (!w.fence.holds(w.conn.PgConn()) || checkEncoding(w.conn.PgConn()) != nil) {
		w.drop()
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
	return w.take(ctx, conn)
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

// take makes a connection the one that appends. synchronous_commit is set to what it is anyway, for
// it to stay so. tcp_user_timeout is for a store that freezes while it is sent what it missed, with
// the head locked: the server then waits for the network inside of a statement, where no other
// time-out counts.
func (w *writer) take(ctx context.Context, conn *pgx.Conn) error {
	const oids = `select 'public.event_input'::regtype::oid, 'public.idempotency_input'::regtype::oid`
	err := conn.QueryRow(ctx, oids).Scan(&w.encoder.eventOID, &w.encoder.receiptOID)
	if err == nil && !pooled(w.config) {
		_, err = conn.Exec(ctx, fmt.Sprintf(`select set_config('synchronous_commit', current_setting('synchronous_commit'), false);
			set statement_timeout = %d; set plan_cache_mode = force_generic_plan; set %s; set tcp_user_timeout = %d`,
			w.opts.AppendTimeout.Milliseconds()/2, w.lockTimeout(), 2*w.opts.LockTimeout.Milliseconds()))
	}
	if err == nil {
		w.statements, err = prepareAll(ctx, conn)
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
