package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// encoding is the encoding of all text between this program and the server. The server converts
// text from and to the encoding of a session, so with another encoding it would store other
// characters.
const encoding = "UTF8"

// sessionSettings sets what a role, a database, a URL or a server could otherwise set so that
// statements mean something else or are ended, or the session is. Other settings are made later, by
// purpose. The order matters: search_path decides which functions the later statements call.
//
//   - search_path: functions and operators of other schemas would replace those of PostgreSQL.
//   - client_min_messages: a commit that did not wait for its standby says so only in a warning.
//   - the time-outs: the store has time-outs of its own, and a connection may be idle.
//   - row_security: with off, a policy makes reads fail instead of hiding rows.
//   - enable_…: all reads use an index, whatever the statistics say about a table that has just
//     grown.
//
// Settings that an old server does not have are left out.
const sessionSettings = `set search_path = pg_catalog, pg_temp;
	select set_config(name, value, false) from (values
		('client_min_messages', 'warning'),
		('statement_timeout', '0'), ('lock_timeout', '0'), ('transaction_timeout', '0'),
		('idle_session_timeout', '0'), ('idle_in_transaction_session_timeout', '0'),
		('default_transaction_isolation', 'read committed'), ('default_transaction_deferrable', 'off'),
		('standard_conforming_strings', 'on'), ('row_security', 'on'),
		('enable_indexscan', 'on'), ('enable_indexonlyscan', 'on'), ('enable_nestloop', 'on'),
		('enable_seqscan', 'off'), ('enable_bitmapscan', 'off'), ('jit', 'off'),
		('max_parallel_workers_per_gather', '0')
	) as settings(name, value) where current_setting(name, true) is not null`

// setUpSessions makes every connection of a configuration checked and set up before it is used: it
// must use UTF-8, it must lead to the newest primary, and it gets sessionSettings.
func setUpSessions(config *pgxpool.Config, fence *fence) {
	config.PrepareConn = fence.keepCurrent
	c := config.ConnConfig
	// Poolers know this start-up parameter; it overrides "options".
	c.RuntimeParams["client_encoding"] = encoding
	usable := c.ValidateConnect
	c.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if err := checkEncoding(conn); err != nil {
			return err
		}
		if err := usable(ctx, conn); err != nil {
			return err
		}
		return fence.checkNew(ctx, conn)
	}
	if pooled(c) {
		c.AfterConnect = checkPooledSession
		return
	}
	c.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if err := conn.Exec(ctx, sessionSettings).Close(); err != nil {
			return fmt.Errorf("setting up a session: %w", err)
		}
		return nil
	}
}

// checkEncoding checks the encoding that the server or a pooler has reported for the session. It
// sends nothing.
func checkEncoding(conn *pgconn.PgConn) error {
	if got := conn.ParameterStatus("client_encoding"); got != encoding {
		return fmt.Errorf("the session has client_encoding = %q, which would change text that is stored; make the server or the pooler accept %s from its clients", got, encoding)
	}
	return nil
}

// checkPooledSession refuses a search_path that cannot be set behind a pooler in transaction mode,
// where the next statement may run in another session.
func checkPooledSession(ctx context.Context, conn *pgconn.PgConn) error {
	const first = `select (select s from pg_catalog.unnest(pg_catalog.current_schemas(true)) s
		where not pg_catalog.starts_with(s::pg_catalog.text, 'pg_temp_') limit 1)`
	result := conn.ExecParams(ctx, first, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return fmt.Errorf("reading the search_path: %w", result.Err)
	}
	if len(result.Rows) != 1 || string(result.Rows[0][0]) != "pg_catalog" {
		return fmt.Errorf("the search_path of the role or the database names %q before pg_catalog; leave pg_catalog out of it or put it first", result.Rows[0][0])
	}
	return nil
}
