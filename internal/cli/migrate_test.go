package cli_test

import (
	"context"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"configapi/internal/postgrestest"
)

// mustExec runs statements on a database as its superuser, also after the test's context has ended.
// $ROLE in them is a role that only this database's test uses, whose name is returned.
func mustExec(t *testing.T, dsn, sql string) (role string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	role = conn.Config().Database + "_app"
	if _, err := conn.Exec(context.Background(), strings.ReplaceAll(sql, "$ROLE", role)); err != nil {
		t.Fatal(err)
	}
	return role
}

// TestAServerWithLeastPrivilege makes the schema and the role of a server as the manual says, and
// serves with it.
func TestAServerWithLeastPrivilege(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	role := mustExec(t, dsn, `create role $ROLE login password 'p'; revoke create on schema public from public`)
	t.Cleanup(func() { mustExec(t, dsn, `drop owned by $ROLE; drop role $ROLE`) })
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("user", role)
	query.Set("password", "p")
	u.RawQuery = query.Encode()
	strictly := map[string]string{"CONFIGAPI_REQUIRE_LEAST_PRIVILEGE": "true"}

	for _, env := range []map[string]string{nil, strictly} {
		early := runBriefly(t, env, "serve", "--listen", "127.0.0.1:0", "--store", u.String())
		if early.code != 2 || !strings.Contains(early.stderr, "run `configapi migrate") {
			t.Errorf("before there is a schema: got %+v, want what to run", early)
		}
	}
	mustPrint(t, 0, "schema: version 6, made\n", "migrate", "--store", dsn)
	lacks := runBriefly(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", u.String())
	if lacks.code != 2 || !strings.Contains(lacks.stderr, "--grant-to "+role) {
		t.Errorf("before rights are granted: got %+v, want what to run", lacks)
	}
	mustPrint(t, 0, "schema: version 6, as it was\ngranted to "+role+": SELECT on schema_migrations; SELECT, INSERT on events; "+
		"SELECT, UPDATE on history_head; SELECT, INSERT, DELETE on idempotency; SELECT, INSERT, UPDATE, DELETE on token_uses; "+
		"SELECT, INSERT, UPDATE on verification; SELECT on store_key; SELECT on restore_in_progress\n",
		"migrate", "--store", dsn, "--grant-to", role)
	mustPrint(t, 0, "schema: version 6, as it was\ngranted to "+role+": nothing, it has what a server needs\n", "migrate", "--store", dsn, "--grant-to", role)

	server := MustServe(t, u.String(), "CONFIGAPI_REQUIRE_LEAST_PRIVILEGE=true")
	server.MustPut(t, "a", "1")
	if got := server.MustGet(t, "/config/a"); got != "1" {
		t.Errorf("got %q, want 1", got)
	}
	server.Kill()
	if log := server.Log(); strings.Contains(log, "too_much") || strings.Contains(log, "SQLSTATE") || strings.Contains(log, "level=ERROR") {
		t.Errorf("got the log %s, want nothing about rights", log)
	}
	refused := runBriefly(t, strictly, "serve", "--listen", "127.0.0.1:0", "--store", dsn)
	if refused.code != 2 || !strings.Contains(refused.stderr, "SUPERUSER") || strings.Count(refused.stderr, "\n") != 1 {
		t.Errorf("as a superuser: got %+v, want one line that refuses it", refused)
	}
	if log := MustServe(t, dsn).Log(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "too_much=SUPERUSER") {
		t.Errorf("as a superuser: got the log %s, want a warning", log)
	}
}

// TestTheRolesOfTheManual runs the SQL and the commands of the manual, with other names.
func TestTheRolesOfTheManual(t *testing.T) {
	t.Parallel()
	manual := string(mustReadFile(t, "../../docs/operations.md"))
	dsn := postgrestest.NewDatabase(t)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/") + "_manual"
	as := func(role, password string) string {
		at, query := *u, u.Query()
		query.Set("user", role)
		query.Set("password", password)
		at.Path, at.RawQuery = "/"+name, query.Encode()
		return at.String()
	}
	_, sql, found := strings.Cut(manual, "```sql\n")
	sql, _, _ = strings.Cut(sql, "```")
	before, after, connects := strings.Cut(regexp.MustCompile(`\bconfigapi(_owner|_app)?\b`).ReplaceAllString(sql, name+"$1"), `\connect `+name+"\n")
	if !found || !connects {
		t.Fatalf("the manual has no SQL that connects to the database: %q", sql)
	}
	t.Cleanup(func() {
		for _, drop := range []string{"database if exists " + name + " with (force)", "role if exists " + name + "_owner", "role if exists " + name + "_app"} {
			mustExec(t, dsn, "drop "+drop)
		}
	})
	for statement := range strings.Lines(before) {
		mustExec(t, dsn, statement)
	}
	made := *u
	made.Path = "/" + name
	mustExec(t, made.String(), after)
	owner, app := as(name+"_owner", "one"), as(name+"_app", "another")
	for _, command := range regexp.MustCompile(`(?m)^    configapi migrate (.*)$`).FindAllStringSubmatch(manual, -1) {
		args := strings.NewReplacer("postgres://configapi_owner@host:5432/configapi", owner, "configapi_app", name+"_app").Replace(command[1])
		if got := run(t, nil, append([]string{"migrate"}, strings.Fields(args)...)...); got.code != 0 || !strings.Contains(got.stdout, "SELECT, INSERT on events;") || strings.Contains(got.stdout, "more than") {
			t.Errorf("migrate %s: got %+v", args, got)
		}
	}
	MustServe(t, app, "CONFIGAPI_REQUIRE_LEAST_PRIVILEGE=true").MustPut(t, "a", "1")
}

func TestOtherStoresNeedNoMigration(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	mustPrint(t, 0, "nothing to do: a store sqlite is brought to the present schema when it is opened\n", "migrate", "--store", "sqlite:"+path)
	mustPrint(t, 0, "nothing to do: a store memory is brought to the present schema when it is opened", "migrate", "--store", "memory")
	if found, err := filepath.Glob(path + "*"); err != nil || len(found) > 0 {
		t.Errorf("got the files %v, %v, want none", found, err)
	}
}
