package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

// Each statement of an append writes all of it, or nothing when the head is not the expected one.
// It locks the head row first and evaluates further columns with it: see durableSettings.

// appendSQL appends records. One array of composites costs the server half as much as an array for
// each column when there are few records: see BenchmarkStore.
func appendSQL(further string) string { return `with ` + moveHead(further) + insertEvents }

// appendKeyedSQL appends records and receipts.
func appendKeyedSQL(further string) string {
	return `with ` + moveHead(further) + `, receipts as (` + insertReceipts + `unnest($7::public.idempotency_input[]) r)` + insertEvents
}

// appendReceiptsSQL writes receipts without records: the outcome of requests that had nothing to
// do, which is true at this head only.
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
			data, actor, reason, recorded_at, append_id, change_set, reverts, salt_who, salt_what, what)
		select $1 + r.number, r.hash, r.config_name, r.version, r.type, r.schema_version,
			r.data, r.actor, r.reason, r.recorded_at, r.append_id, r.change_set, r.reverts, r.salt_who, r.salt_what, r.what
		from head, unnest($6::public.event_input[]) with ordinality
			as r(hash, config_name, version, type, schema_version, data, actor, reason, recorded_at, append_id, change_set,
				reverts, salt_who, salt_what, what, number)`
	insertReceipts = `
		insert into public.idempotency (actor, key, request_hash, first_position, event_count, created_at, unchanged)
		select r.actor, r.key, r.request_hash, r.first_position, r.event_count, r.created_at, r.unchanged from head, `
)

// Append writes records and receipts in one statement.
func (s *Store) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.appendTimeout)
	defer cancel()
	err := s.writer.use(ctx, func() error { return s.writer.append(ctx, expected, records, receipts) })
	if err != nil {
		return fmt.Errorf("appending after seq %d: %w", expected.Seq, err)
	}
	s.appends.raise(expected.Seq + eventstore.Seq(len(records)))
	return nil
}

// writer is the connection that appends. It does one append at a time. While it has nothing to do,
// it may listen: see [writer.listen].
type writer struct {
	config  *pgx.ConnConfig
	opts    Options
	appends *appendSignal // gets the notifications; shared with the store

	users     atomic.Int32                       // operations that use or await the connection
	interrupt atomic.Pointer[context.CancelFunc] // ends the wait for notifications; nil: none
	idle      *time.Timer                        // fires when the connection was idle for a while

	turn    chan struct{} // holds an element while the fields below are in use
	closed  bool
	listens bool // connections listen

	warning    *pgconn.Notice // the newest warning of the current operation, or nil
	conn       *pgx.Conn      // nil: none yet, or the last one broke
	used       time.Time      // when the server last answered on it
	statements statements
	encoder    encoder
	largePages *largePages // shared with the store
	fence      *fence      // shared with the store
}

var errReadOnly = errors.New("the store is open for reading only")

// openWriter connects and migrates, so that [Open] returns an error if that is not possible.
func openWriter(ctx context.Context, base *pgx.ConnConfig, opts Options, appends *appendSignal, large *largePages, fence *fence) (*writer, error) {
	w := &writer{
		config: base.Copy(), opts: opts, appends: appends, largePages: large, fence: fence,
		turn: make(chan struct{}, 1), idle: time.NewTimer(0),
	}
	neverCancel(&w.config.Config)
	if opts.applicationName() == serverName {
		w.config.RuntimeParams["application_name"] = writerName
	}
	w.config.OnNotice = w.notice
	w.config.OnNotification = appends.received
	conn, err := w.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := prepareSchema(ctx, conn, opts); err != nil {
		abandon(conn.PgConn())
		return nil, err
	}
	return w, w.take(ctx, conn)
}

// use calls do with a connection that works. After an error from before that call, nothing was
// sent.
func (w *writer) use(ctx context.Context, do func() error) error {
	if w.opts.ReadOnly {
		return notWritten(errReadOnly)
	}
	w.enter()
	defer w.leave()
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
		err = fmt.Errorf("the outcome is unknown: the server committed with a warning: %s (SQLSTATE %s)", w.warning.Message, w.warning.Code)
	}
	if w.conn.IsClosed() || isReadOnly(err) {
		w.drop()
	}
	return err
}

// notice records warnings of the server. A commit that did not wait for its standby says so in a
// warning only, so every statement on this connection must run without one.
func (w *writer) notice(_ *pgconn.PgConn, n *pgconn.Notice) {
	switch n.SeverityUnlocalized {
	case "DEBUG", "LOG", "INFO", "NOTICE":
	default:
		w.warning = n
	}
}

func (w *writer) append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts []eventstore.Receipt) error {
	parameters := w.encoder.append(expected, records, receipts)
	return appendResult(w.statements.forAppend(records, receipts).exec(ctx, w.conn.PgConn(), parameters))
}

// appendResult turns the result of an append statement into the error of the append.
func appendResult(tag pgconn.CommandTag, err error) error {
	switch {
	case err != nil:
		return appendError(err)
	case tag.RowsAffected() == 0:
		return eventstore.ErrHeadMoved
	}
	return nil
}

// prepare makes sure that there is a connection that works. It sends nothing of an append.
func (w *writer) prepare(ctx context.Context) error {
	if w.closed {
		return errClosed
	}
	if w.conn != nil && time.Since(w.used) > w.opts.pingAfter {
		w.ping(ctx)
	}
	if w.conn != nil && !w.usable() {
		w.drop()
	}
	if w.conn != nil {
		return nil
	}
	return w.connect(ctx)
}

// usable reports whether the connection leads to the newest primary and has the right encoding.
func (w *writer) usable() bool {
	return w.fence.allows(w.conn.PgConn()) && checkEncoding(w.conn.PgConn()) == nil
}

// ping drops a connection that does not answer. It leaves time to make another one.
func (w *writer) ping(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, w.opts.connectTimeout)
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

// dial connects and checks the server, which may be another one than before.
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

// take prepares a new connection and makes it the one that appends. It sets synchronous_commit to
// its present value, so that later changes of the configuration do not apply. tcp_user_timeout is
// for a store that freezes while it holds the lock and receives missed records: the server then
// waits for the network inside a statement, where no other time-out applies.
func (w *writer) take(ctx context.Context, conn *pgx.Conn) error {
	const oids = `select 'public.event_input'::regtype::oid, 'public.idempotency_input'::regtype::oid`
	err := conn.QueryRow(ctx, oids).Scan(&w.encoder.eventOID, &w.encoder.receiptOID)
	if err == nil && !pooled(w.config) {
		_, err = conn.Exec(ctx, fmt.Sprintf(`select set_config('synchronous_commit', current_setting('synchronous_commit'), false);
			set statement_timeout = %d; set plan_cache_mode = force_generic_plan; set %s; set tcp_user_timeout = %d`,
			w.opts.appendTimeout.Milliseconds()/2, w.lockTimeout(), 2*w.opts.lockTimeout.Milliseconds()))
	}
	if err == nil {
		w.statements, err = prepareAll(ctx, conn)
	}
	if err == nil && w.listens {
		err = w.askToListen(ctx, conn)
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
	ctx, cancel := context.WithTimeout(context.Background(), w.opts.queryTimeout)
	defer cancel()
	w.conn.Close(ctx)
	w.conn = nil
}
