package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var errExecMode = errors.New("default_query_exec_mode must be left out, or be cache_describe for a pooler in transaction mode")

// pooled tells whether the URL is that of a pooler in transaction mode. There each transaction may run on another connection of
// the server, so nothing that is made for a session can be used: no prepared statements, no SET, no LISTEN.
func pooled(config *pgx.ConnConfig) bool {
	return config.DefaultQueryExecMode == pgx.QueryExecModeCacheDescribe
}

// execAppend runs appendSQL with its parameters: as the statement that is prepared, or, behind a pooler, as one that is not.
func (w *writer) execAppend(ctx context.Context, parameters [][]byte) (pgconn.CommandTag, error) {
	conn := w.conn.PgConn()
	if w.statement != nil {
		return conn.ExecStatement(ctx, w.statement, parameters, binaryFormat, nil).Close()
	}
	return conn.ExecParams(ctx, appendSQL, parameters, nil, binaryFormat, nil).Close()
}

// prepareAppend prepares appendSQL, and makes the settings that it is to run with. synchronous_commit is set to what it is
// anyway, for it to stay so.
func (w *writer) prepareAppend(ctx context.Context, conn *pgx.Conn, settings string) error {
	if pooled(w.config) {
		return nil
	}
	_, err := conn.Exec(ctx, settings)
	if err == nil {
		w.statement, err = conn.Prepare(ctx, "append", appendSQL)
	}
	return err
}
