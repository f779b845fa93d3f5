package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

// statement is SQL that the writer runs again and again.
type statement struct {
	sql      string
	prepared *pgconn.StatementDescription // nil behind a pooler: there it is sent each time
	results  []int16                      // the formats of the columns that it returns
}

// exec runs the statement. All parameters are in the binary format.
func (s *statement) exec(ctx context.Context, conn *pgconn.PgConn, parameters [][]byte) (pgconn.CommandTag, error) {
	if s.prepared != nil {
		return conn.ExecStatement(ctx, s.prepared, parameters, binaryFormat, nil).Close()
	}
	return conn.ExecParams(ctx, s.sql, parameters, nil, binaryFormat, nil).Close()
}

// queue makes the statement one of a batch.
func (s *statement) queue(batch *pgconn.Batch, parameters [][]byte) {
	if s.prepared != nil {
		batch.ExecStatement(s.prepared, parameters, binaryFormat, s.results)
		return
	}
	batch.ExecParams(s.sql, parameters, nil, binaryFormat, s.results)
}

// statements are those of one connection.
type statements struct {
	append, appendKeyed, appendReceipts statement
	begin, commit                       statement // of lock.go, as the rest
	lock, missed, missedGuarded         statement
}

// prepareAll prepares them, unless the connection is one to a pooler.
func prepareAll(ctx context.Context, conn *pgx.Conn) (s statements, err error) {
	for _, row := range []struct {
		into      *statement
		name, sql string
	}{
		{&s.append, "append", appendSQL},
		{&s.appendKeyed, "append_keyed", appendKeyedSQL},
		{&s.appendReceipts, "append_receipts", appendReceiptsSQL},
		{&s.begin, "begin", `begin`},
		{&s.lock, "lock", lockSQL},
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

// resultFormats are those that are read with the least work: see formats.
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
