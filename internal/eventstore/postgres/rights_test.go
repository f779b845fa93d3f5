package postgres

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

// newRole makes a role without any right, not even one that everybody has by default on the
// database and on what the schema public has.
func newRole(t testing.TB, dsn string) (role string) {
	t.Helper()
	if _, err := Migrate(t.Context(), dsn, ""); err != nil {
		t.Fatal(err)
	}
	var database string
	onDatabase(t, dsn, func(conn *pgx.Conn) error {
		return conn.QueryRow(context.Background(), `select current_database()::text`).Scan(&database)
	})
	role = database + "_role"
	execAll(t, dsn, `create role `+role+` login password 'p'`,
		`revoke all on database `+database+` from public`,
		`revoke all on schema public from public`,
		`revoke all on type public.event_input, public.idempotency_input from public`)
	t.Cleanup(func() {
		execAll(t, dsn, `grant connect, temporary on database `+database+` to public`, `drop owned by `+role, `drop role `+role)
	})
	return role
}

// asServer returns the URL of a database for a new role that has the rights of a server.
func asServer(t testing.TB, dsn string) string {
	t.Helper()
	role := newRole(t, dsn)
	if _, err := Migrate(t.Context(), dsn, role); err != nil {
		t.Fatal(err)
	}
	return with(t, dsn, "user", role, "password", "p")
}

func onDatabase(t testing.TB, dsn string, do func(*pgx.Conn) error) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn) // the test's context ends before its cleanup
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := do(conn); err != nil {
		t.Fatal(err)
	}
}

func execAll(t testing.TB, dsn string, statements ...string) {
	t.Helper()
	onDatabase(t, dsn, func(conn *pgx.Conn) error {
		_, err := conn.Exec(context.Background(), strings.Join(statements, "; "))
		return err
	})
}

func TestTheRoleOfAServerKeepsTheLaws(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	h := newHistories(t, asServer, Options{RequireLeastPrivilege: true})
	eventstoretest.Run(t, h.next, h.rewrite)
}

func TestTheRoleOfAServerKeepsTheVerifiedHead(t *testing.T) {
	t.Parallel()
	eventstoretest.RunKeeper(t, newHistories(t, asServer, Options{RequireLeastPrivilege: true}).next)
}

// needs has what fails without a right.
var needs = map[right]func(ctx context.Context, s *Store, url string) error{
	{"CONNECT", ""}:                   reopen,
	{"USAGE", "public"}:               reopen,
	{"SELECT", "schema_migrations"}:   reopen,
	{"SELECT", "events"}:              readFirst,
	{"INSERT", "events"}:              appendNext,
	{"SELECT", "history_head"}:        func(ctx context.Context, s *Store, _ string) error { _, err := s.Head(ctx); return err },
	{"UPDATE", "history_head"}:        func(ctx context.Context, s *Store, _ string) error { _, err := s.DurableHead(ctx); return err },
	{"SELECT", "idempotency"}:         readReceipt,
	{"INSERT", "idempotency"}:         appendReceipt,
	{"DELETE", "idempotency"}:         pruneOne,
	{"SELECT", "token_uses"}:          func(ctx context.Context, s *Store, _ string) error { _, err := s.ReadUses(ctx, ""); return err },
	{"INSERT", "token_uses"}:          keepUse,
	{"UPDATE", "token_uses"}:          keepUse,
	{"DELETE", "token_uses"}:          func(ctx context.Context, s *Store, _ string) error { return s.DropUses(ctx, []string{"a"}) },
	{"SELECT", "verification"}:        func(ctx context.Context, s *Store, _ string) error { _, err := s.ReadVerified(ctx); return err },
	{"INSERT", "verification"}:        keepVerified,
	{"UPDATE", "verification"}:        keepVerified,
	{"SELECT", "store_key"}:           func(ctx context.Context, s *Store, _ string) error { _, err := s.Key(ctx); return err },
	{"SELECT", "restore_in_progress"}: func(ctx context.Context, s *Store, _ string) error { _, err := s.RestoreTarget(ctx); return err },
}

func reopen(ctx context.Context, _ *Store, url string) error {
	s, err := Open(ctx, url, Options{RequireLeastPrivilege: true})
	if err == nil {
		err = s.Close()
	}
	return err
}

func readFirst(ctx context.Context, s *Store, _ string) error {
	_, err := s.Read(ctx, 0, eventstore.Limit{Records: 1})
	return err
}

func appendNext(ctx context.Context, s *Store, _ string) error {
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	return s.Append(ctx, head, records(head, 1))
}

func appendReceipt(ctx context.Context, s *Store, _ string) error {
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	key := eventstore.Key{Actor: "a", Text: time.Now().String()}
	return s.Append(ctx, head, nil, eventstore.Receipt{Key: key, CreatedAt: time.Unix(0, 0)})
}

func readReceipt(ctx context.Context, s *Store, _ string) error {
	_, err := s.ReadReceipts(ctx, []eventstore.Key{{Actor: "a", Text: "k"}})
	return err
}

func pruneOne(ctx context.Context, s *Store, _ string) error {
	_, err := s.PruneReceipts(ctx, time.Unix(1, 0), 1)
	return err
}

func keepUse(ctx context.Context, s *Store, _ string) error {
	return s.KeepUses(ctx, []eventstore.Use{{Secret: "a", At: time.Now()}})
}

func keepVerified(ctx context.Context, s *Store, _ string) error {
	return s.KeepVerified(ctx, eventstore.Head{Seq: 1})
}

// TestEachRightOfAServerIsNeeded revokes each right and grants it again. A server that runs then
// has an error that names what it may not use, and one that starts has one that says how to grant
// the right.
func TestEachRightOfAServerIsNeeded(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	url := asServer(t, dsn)
	role, admin := connect(t, url).text(`select current_user::text`), connect(t, dsn)
	s := mustOpen(t, url, Options{RequireLeastPrivilege: true})
	if len(needs) != len(neededRights()) {
		t.Errorf("%d rights have an operation that needs them, want %d", len(needs), len(neededRights()))
	}
	for _, r := range neededRights() {
		on, denied := "table public."+r.object, "permission denied for table "+r.object
		howTo := "configapi migrate --store postgres://OWNER@… --grant-to " + role
		switch r.object {
		case "":
			on, denied, howTo = "database "+admin.text(`select current_database()::text`), "permission denied for database", ""
		case "public":
			on, denied = "schema public", "permission denied for schema public"
		}
		if err := needs[r](t.Context(), s, url); err != nil {
			t.Errorf("with %s: %v", r, err)
		}
		admin.exec(`revoke ` + r.privilege + ` on ` + on + ` from ` + role)
		if err := needs[r](t.Context(), s, url); err == nil || !strings.Contains(err.Error(), denied) {
			t.Errorf("without %s: got %v, want %q", r, err, denied)
		}
		if err := reopen(t.Context(), s, url); err == nil || !strings.Contains(err.Error(), howTo) ||
			!strings.Contains(err.Error(), denied) && !strings.Contains(err.Error(), "lacks "+r.String()) {
			t.Errorf("a start without %s: got %v, want what is missing and how to grant it", r, err)
		}
		m, err := Migrate(t.Context(), dsn, role)
		if err != nil || !slices.Equal(m.Granted, []string{r.String()}) || len(m.Excess) > 0 {
			t.Errorf("granting: got %+v, %v, want %s alone", m, err, r)
		}
	}
}
