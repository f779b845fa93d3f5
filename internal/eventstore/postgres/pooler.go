package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5"
)

var errExecMode = errors.New("default_query_exec_mode must be left out, or be cache_describe for a pooler in transaction mode")

// pooled tells whether the URL is that of a pooler in transaction mode. There each transaction may run on another connection of
// the server, so nothing that is made for a session can be used: no prepared statements, no SET, no LISTEN.
func pooled(config *pgx.ConnConfig) bool {
	return config.DefaultQueryExecMode == pgx.QueryExecModeCacheDescribe
}
