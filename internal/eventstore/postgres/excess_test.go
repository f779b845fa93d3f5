package postgres

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
)

// warningAtStart opens a store for a server and returns what it warns of: what the role has too
// much, or "".
func warningAtStart(t *testing.T, url string) string {
	t.Helper()
	var lines bytes.Buffer
	s, err := Open(t.Context(), url, Options{Log: slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if lines.Len() == 0 {
		return ""
	}
	var line struct {
		TooMuch string `json:"too_much"`
	}
	if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.TooMuch == "" {
		t.Fatalf("got the lines %q (%v), want one of what is too much", lines.String(), err)
	}
	return line.TooMuch
}

func TestWhatARoleHasBesidesIsNamed(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	url := asServer(t, dsn)
	admin := connect(t, dsn)
	role := connect(t, url).text(`select current_user::text`)
	database, group := admin.text(`select current_database()::text`), role+"_group"
	execAll(t, dsn, `create role `+group)
	t.Cleanup(func() { execAll(t, dsn, `drop owned by `+group, `drop role `+group) })
	for _, test := range []struct{ give, take, want string }{
		{`alter role $ROLE superuser`, `alter role $ROLE nosuperuser`, `SUPERUSER`},
		{`alter role $ROLE createdb`, `alter role $ROLE nocreatedb`, `CREATEDB`},
		{`alter role $ROLE createrole`, `alter role $ROLE nocreaterole`, `CREATEROLE`},
		{`alter role $ROLE replication`, `alter role $ROLE noreplication`, `REPLICATION`},
		{`alter role $ROLE bypassrls`, `alter role $ROLE nobypassrls`, `BYPASSRLS`},
		{`grant delete, truncate on events to $ROLE`, `revoke delete, truncate on events from $ROLE`, `DELETE, TRUNCATE on events`},
		{`grant update (data) on events to $ROLE`, `revoke update (data) on events from $ROLE`, `UPDATE on events`},
		{`grant trigger on history_head to public`, `revoke trigger on history_head from public`, `TRIGGER on history_head`},
		{`grant select on store_key to $ROLE with grant option`, `revoke grant option for select on store_key from $ROLE`, `the grant option of SELECT on store_key`},
		{`grant create on schema public to $ROLE`, `revoke create on schema public from $ROLE`, `CREATE on the schema public`},
		{`grant create on database $DATABASE to $ROLE`, `revoke create on database $DATABASE from $ROLE`, `CREATE on the database`},
		{`grant pg_write_all_data to $ROLE`, `revoke pg_write_all_data from $ROLE`, `membership in pg_write_all_data`},
		{`alter table events owner to $ROLE`, `alter table events owner to $OWNER`, `ownership of events`},
		{`grant $OWNER to $ROLE`, `revoke $OWNER from $ROLE`, `SUPERUSER as a member of $OWNER`},
		{`grant $GROUP to $ROLE; alter role $GROUP createdb`, `revoke $GROUP from $ROLE; alter role $GROUP nocreatedb`, `CREATEDB as a member of $GROUP`},
		{`grant $GROUP to $ROLE; alter role $ROLE noinherit; grant delete on events to $GROUP`, `revoke $GROUP from $ROLE; alter role $ROLE inherit; revoke delete on events from $GROUP`,
			`DELETE on events as a member of $GROUP`},
	} {
		replace := strings.NewReplacer("$ROLE", role, "$DATABASE", database, "$GROUP", group, "$OWNER", admin.text(`select current_user::text`)).Replace
		admin.exec(replace(test.give))
		want := replace(test.want)
		if got := warningAtStart(t, url); !slices.Contains(strings.Split(got, "; "), want) {
			t.Errorf("%s: got the warning %q, want %q", test.give, got, want)
		}
		if err := reopen(t.Context(), nil, url); err == nil || !strings.Contains(err.Error(), "--require-least-privilege refuses: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want that %q is refused", test.give, err, want)
		}
		admin.exec(replace(test.take))
		if test.want == `ownership of events` {
			admin.exec(`grant select, insert on events to ` + role)
		}
		if err := reopen(t.Context(), nil, url); err != nil {
			t.Errorf("after %s: %v", test.take, err)
		}
	}
}

// TestOwnersAndSuperusersHaveTooMuch: strictly, neither of them makes the schema either.
func TestOwnersAndSuperusersHaveTooMuch(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	if err := reopen(t.Context(), nil, dsn); err == nil || !strings.Contains(err.Error(), "configapi migrate") {
		t.Errorf("a superuser before there is a schema: got %v, want that it must be migrated", err)
	}
	if got := connect(t, dsn).text(`select count(*)::text from pg_tables where schemaname = 'public'`); got != "0" {
		t.Errorf("%s tables were made", got)
	}
	owner := asOwner(t, dsn)
	if got, want := warningAtStart(t, dsn), "SUPERUSER"; got != want {
		t.Errorf("a superuser: got %q, want %q", got, want)
	}
	const owns = "ownership of event_input, events, history_head, idempotency, idempotency_input, restore_in_progress, schema_migrations, store_key, token_uses, verification"
	if got := warningAtStart(t, owner); !slices.Contains(strings.Split(got, "; "), owns) {
		t.Errorf("an owner: got %q, want %q", got, owns)
	}
}

// asOwner makes a role that may make tables in a database without any, lets it migrate, and returns
// its URL.
func asOwner(t testing.TB, dsn string) (url string) {
	t.Helper()
	admin := connect(t.(*testing.T), dsn)
	role := admin.text(`select current_database() || '_owner'`)
	execAll(t, dsn, `create role `+role+` login password 'p'`, `grant create on schema public to `+role)
	t.Cleanup(func() { execAll(t, dsn, `drop owned by `+role, `drop role `+role) })
	url = with(t, dsn, "user", role, "password", "p")
	m, err := Migrate(t.Context(), url, "")
	if want := (Migration{Before: 0, After: 6}); err != nil || m.Before != want.Before || m.After != want.After {
		t.Fatalf("migrating: got %+v, %v, want %+v", m, err, want)
	}
	return url
}

// TestOldSchemaAndARoleThatMayNotChangeIt: the server says what to run. A schema that is the
// present one is left as it is.
func TestOldSchemaAndARoleThatMayNotChangeIt(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	url := asServer(t, dsn)
	role := connect(t, url).text(`select current_user::text`)
	execAll(t, dsn, `drop table token_uses`, `delete from schema_migrations where version = 6`)
	_, err := Open(t.Context(), url, Options{})
	want := "run `configapi migrate --store postgres://OWNER@… --grant-to " + role + "` as the owner"
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "version 6") {
		t.Fatalf("got %v, want %q", err, want)
	}
	m, err := Migrate(t.Context(), dsn, role)
	granted := []string{"SELECT, INSERT, UPDATE, DELETE on token_uses"}
	if err != nil || m.Before != 5 || m.After != 6 || !slices.Equal(m.Granted, granted) {
		t.Errorf("migrating: got %+v, %v, want version 6 after 5, and %v", m, err, granted)
	}
	if err := reopen(t.Context(), nil, url); err != nil {
		t.Error(err)
	}
	if m, err = Migrate(t.Context(), dsn, role); err != nil || m.Before != 6 || m.Granted != nil {
		t.Errorf("migrating again: got %+v, %v, want that nothing is done", m, err)
	}
	if _, err = Migrate(t.Context(), dsn, "no-such-role"); err == nil || !strings.Contains(err.Error(), `there is no role "no-such-role"`) {
		t.Errorf("granting to nobody: got %v, want that there is no such role", err)
	}
}

// TestAStartOnThePresentSchemaChangesNothing refuses every statement that defines something, also
// to an owner, for a server and for a migration.
func TestAStartOnThePresentSchemaChangesNothing(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	mustOpen(t, dsn, Options{})
	execAll(t, dsn, `create function public.refuse() returns event_trigger language plpgsql as 'begin raise exception ''no definitions''; end'`,
		`create event trigger refuse on ddl_command_start execute function public.refuse()`)
	t.Cleanup(func() { execAll(t, dsn, `drop event trigger refuse`) })
	s := mustOpen(t, dsn, Options{})
	mustHaveHead(t, s, mustAppend(t, s, eventstore.Head{}, 1))
	if m, err := Migrate(t.Context(), dsn, ""); err != nil || m.Before != m.After {
		t.Errorf("migrating: got %+v, %v, want that nothing is done", m, err)
	}
}

// TestARestoreSeesServersOfOtherRoles: the owner restores, and a server of another role keeps it
// from doing so.
func TestARestoreSeesServersOfOtherRoles(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	owner := asOwner(t, dsn)
	url := asServer(t, dsn)
	server := mustOpen(t, url, Options{RequireLeastPrivilege: true})
	execAll(t, dsn, `grant connect on database `+connect(t, dsn).text(`select current_database()::text`)+` to public`,
		`grant usage on schema public to public`)
	target := eventstore.Head{Seq: 1, Hash: eventstore.Hash{1}}
	restoring := mustOpen(t, owner, Options{Restoring: true})
	if err := restoring.BeginRestore(t.Context(), target); !errors.Is(err, errServerRuns) {
		t.Errorf("with a server: got %v, want %v", err, errServerRuns)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if err := restoring.BeginRestore(t.Context(), target); err != nil {
		t.Errorf("without a server: %v", err)
	}
	if err := mustOpen(t, url, Options{Restoring: true}).BeginRestore(t.Context(), target); err == nil || !strings.Contains(err.Error(), "only the owner") {
		t.Errorf("as the role of a server: got %v, want that only the owner can", err)
	}
}
