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
}

// exec runs the statement. All parameters are in the binary format.
func (s *statement) exec(ctx context.Context, conn *pgconn.PgConn, parameters [][]byte) (pgconn.CommandTag, error) {
	if s.prepared != nil {
		return conn.ExecStatement(ctx, s.prepared, parameters, binaryFormat, nil).Close()
	}
	return conn.ExecParams(ctx, s.sql, parameters, nil, binaryFormat, nil).Close()
}

// queue makes the statement one of a batch. What it returns is in the binary format, too.
func (s *statement) queue(batch *pgconn.Batch, parameters [][]byte) {
	if s.prepared != nil {
		batch.ExecStatement(s.prepared, parameters, binaryFormat, binaryFormat)
		return
	}
	batch.ExecParams(s.sql, parameters, nil, binaryFormat, binaryFormat)
}

// statements are those of one connection.
type statements struct {
	append, appendKeyed, appendReceipts statement
	lock, missed, missedGuarded         statement // of lock.go
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
		{&s.lock, "lock", lockSQL},
		{&s.missed, "missed", selectAfter},
		{&s.missedGuarded, "missed_guarded", selectAfterGuarded},
	} {
		row.into.sql = row.sql
		if pooled(conn.Config()) {
			continue
		}
		if row.into.prepared, err = conn.Prepare(ctx, row.name, row.sql); err != nil {
			return statements{}, err
		}
	}
	return s, nil
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
