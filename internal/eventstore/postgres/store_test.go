package postgres

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
	"configapi/internal/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

func TestStoreKeepsTheLaws(t *testing.T) {
	t.Parallel()
	h := newHistories(t, nil, Options{})
	eventstoretest.Run(t, h.next, h.rewrite)
}

func TestVerifiedHead(t *testing.T) {
	t.Parallel()
	eventstoretest.RunKeeper(t, newHistory)
}

func TestNegativeTimesAreRefused(t *testing.T) {
	for _, opts := range []Options{{PollInterval: -1}, {CloseTimeout: -1}} {
		_, err := Open(t.Context(), "postgres://localhost", opts)
		if err == nil || !strings.Contains(err.Error(), "may be negative") {
			t.Errorf("%+v: got error %v, want that a negative time is refused", opts, err)
		}
	}
}

func BenchmarkStore(b *testing.B) {
	eventstoretest.Bench(b, newHistory)
}

func newHistory(t testing.TB) (open func() eventstore.Store) {
	dsn := postgrestest.NewDatabase(t)
	return func() eventstore.Store { return mustOpen(t, dsn, Options{}) }
}

func mustOpen(t testing.TB, dsn string, opts Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// rewriteAll replaces the records and the head, and runs further statements.
func rewriteAll(ctx context.Context, owner string, head eventstore.Head, records []eventstore.Record, further ...string) error {
	conn, err := pgx.Connect(ctx, owner)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var b pgx.Batch
	for _, sql := range further {
		b.Queue(sql)
	}
	b.Queue(`delete from public.events`)
	for _, r := range records {
		data, saltWhat, reverts := &r.Data, r.SaltWhat[:], (*string)(nil)
		if r.Erased {
			data, saltWhat = nil, nil
		}
		if r.Reverts != nil {
			reverts = new(r.Reverts.String())
		}
		b.Queue(`insert into public.events (position, hash, config_name, version, type, schema_version,
			data, actor, reason, recorded_at, append_id, change_set, reverts, salt_who, salt_what, what)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
			int64(r.Seq), r.Hash[:], r.Name, r.Version, r.Type, r.SchemaVersion,
			data, r.Actor, r.Reason, r.RecordedAt, r.AppendID[:], int64(r.ChangeSet), reverts, r.SaltWho[:], saltWhat, r.What[:])
	}
	b.Queue(`update public.history_head set position = $1, hash = $2, recorded_at = $3`, int64(head.Seq), head.Hash[:], head.RecordedAt)
	return conn.SendBatch(ctx, &b).Close()
}
