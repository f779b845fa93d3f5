package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

// statement is SQL that the writer runs repeatedly.
type statement struct {
	sql      string
	prepared *pgconn.StatementDescription // nil behind a pooler: the SQL is sent each time
	results  []int16                      // the formats of the result columns
}

// exec runs the statement. All parameters are in the binary format.
func (s *statement) exec(ctx context.Context, conn *pgconn.PgConn, parameters [][]byte) (pgconn.CommandTag, error) {
	if s.prepared != nil {
		return conn.ExecStatement(ctx, s.prepared, parameters, binaryFormat, nil).Close()
	}
	return conn.ExecParams(ctx, s.sql, parameters, nil, binaryFormat, nil).Close()
}

// queue adds the statement to a batch.
func (s *statement) queue(batch *pgconn.Batch, parameters [][]byte) {
	if s.prepared != nil {
		batch.ExecStatement(s.prepared, parameters, binaryFormat, s.results)
		return
	}
	batch.ExecParams(s.sql, parameters, nil, binaryFormat, s.results)
}

// statements are the statements of one connection.
type statements struct {
	append, appendKeyed, appendReceipts statement
	begin, commit                       statement // for AppendLocked, like those below
	lock, missed, missedGuarded         statement
}

// durableSettings are columns that make the transaction's commit wait for the disk and the
// standbys, and warn when it did not, whatever the session's settings are. Behind a pooler in
// transaction mode those are not the store's own.
const durableSettings = `, pg_catalog.set_config('client_min_messages', 'warning', true), pg_catalog.set_config('synchronous_commit',
	case when pg_catalog.current_setting('synchronous_commit') operator(pg_catalog.=) 'remote_apply' then 'remote_apply' else 'on' end, true)`

// prepareAll prepares the statements, unless the connection is to a pooler.
func prepareAll(ctx context.Context, conn *pgx.Conn) (s statements, err error) {
	further := ""
	if pooled(conn.Config()) {
		further = durableSettings
	}
	for _, row := range []struct {
		into      *statement
		name, sql string
	}{
		{&s.append, "append", appendSQL(further)},
		{&s.appendKeyed, "append_keyed", appendKeyedSQL(further)},
		{&s.appendReceipts, "append_receipts", appendReceiptsSQL(further)},
		{&s.begin, "begin", `begin isolation level read committed`},
		{&s.lock, "lock", lockSQL(further)},
		{&s.missed, "missed", selectAfter},
		{&s.missedGuarded, "missed_guarded", selectAfterGuarded},
		{&s.commit, "commit", `commit`},
	} {
		row.into.sql, row.into.results = row.sql, binaryFormat
		if pooled(conn.Config()) {
			continue
		}
		if row.into.prepared, err = conn.Prepare(ctx, row.name, row.sql); err != nil {
			return statements{}, err
		}
		row.into.results = resultFormats(row.into.prepared.Fields)
	}
	return s, nil
}

// resultFormats returns the formats of columns that cost the least: see formats.
func resultFormats(columns []pgconn.FieldDescription) (of []int16) {
	for _, column := range columns {
		of = append(of, formats[column.DataTypeOID])
	}
	return of
}

func (s *statements) forAppend(records []eventstore.Record, receipts []eventstore.Receipt) *statement {
	switch {
	case len(receipts) == 0:
		return &s.append
	case len(records) == 0:
		return &s.appendReceipts
	default:
		return &s.appendKeyed
	}
}
