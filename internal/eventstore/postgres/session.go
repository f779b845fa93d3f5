package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// encoding is the one that all text has between this program and the server. The server converts
// text from and to what a session calls its encoding, so with another one it would store other
// characters than those that it was given.
const encoding = "UTF8"

// pinned gives a session settings of its own where those of a role, a database, a URL or a server
// could change what statements mean, end them, or end the session. Purposes add theirs later. The
// order counts: the functions of the later statements are found by way of the first.
//
//   - search_path: functions and operators of other schemas would take the place of PostgreSQL's.
//   - client_min_messages: a commit that did not wait for its standby says so in a warning, and nowhere else.
//   - the time-outs: the store's own are what bounds a statement, and a connection may be idle.
//   - row_security: off, a policy makes reads fail instead of hiding rows.
//   - enable_…: all reads are by index, whatever the statistics say of a table that has just grown.
//
// A setting that the server is too old to have is left out.
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

// guardSessions has every connection that is made with the configuration, whatever it is for,
// checked and set up before it is used: it speaks UTF-8, it is one to the newest primary, and it
// has the settings that are pinned.
func setUpSessions(config *pgxpool.Config, fence *fence) {
	config.PrepareConn = fence.keepCurrent
	c := config.ConnConfig
	c.RuntimeParams["client_encoding"] = encoding // a start-up parameter that poolers know; it wins over "options"
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

// checkEncoding looks at what the server, or a pooler, has said of the session so far, and sends
// nothing.
func checkEncoding(conn *pgconn.PgConn) error {
	if got := conn.ParameterStatus("client_encoding"); got != encoding {
		return fmt.Errorf("the session has client_encoding = %q: text would be stored changed; let the server or the pooler take %s as the client asks", got, encoding)
	}
	return nil
}

// checkPooledSession refuses what cannot be pinned behind a pooler in transaction mode, where the
// next statement may run in another session.
func checkPooledSession(ctx context.Context, conn *pgconn.PgConn) error {
	const first = `select (select s from pg_catalog.unnest(pg_catalog.current_schemas(true)) s
		where not pg_catalog.starts_with(s::pg_catalog.text, 'pg_temp_') limit 1)`
	result := conn.ExecParams(ctx, first, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return fmt.Errorf("reading the search_path: %w", result.Err)
	}
	if len(result.Rows) != 1 || string(result.Rows[0][0]) != "pg_catalog" {
		return fmt.Errorf("the role or the database has a search_path that names %q before pg_catalog: leave pg_catalog out of it, or put it first", result.Rows[0][0])
	}
	return nil
}
