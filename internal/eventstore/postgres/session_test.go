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

// meanings are settings of a role or a database that change what texts mean on their way to the
// server or back. They must have no effect, not even behind a pooler.
var meanings = [][2]string{
	{"client_encoding", "LATIN1"},
	{"client_min_messages", "error"},
	{"standard_conforming_strings", "off"},
	{"backslash_quote", "on"},
	{"DateStyle", "German, DMY"},
	{"TimeZone", "Pacific/Chatham"},
	{"IntervalStyle", "sql_standard"},
	{"bytea_output", "escape"},
	{"extra_float_digits", "-15"},
	{"array_nulls", "off"},
	{"transform_null_equals", "on"},
	{"quote_all_identifiers", "on"},
	{"row_security", "off"},
	{"session_replication_role", "replica"},
	{"default_transaction_deferrable", "on"},
	{"default_toast_compression", "pglz"},
	{"log_statement", "all"},
}

// bounds are settings that change which functions are called, when statements and sessions end, and
// how statements are planned. Behind a pooler they are what the role has.
var bounds = [][2]string{
	{"search_path", "public, pg_catalog"},
	{"statement_timeout", "3s"},
	{"lock_timeout", "100ms"},
	{"idle_in_transaction_session_timeout", "3s"},
	{"idle_session_timeout", "3s"},
	{"default_transaction_isolation", "serializable"},
	{"plan_cache_mode", "force_custom_plan"},
	{"force_parallel_mode", "on"},
	{"debug_parallel_query", "on"},
	{"parallel_setup_cost", "0"},
	{"enable_indexscan", "off"},
	{"enable_indexonlyscan", "off"},
	{"enable_nestloop", "off"},
	{"enable_hashjoin", "off"},
	{"enable_sort", "off"},
	{"jit", "on"},
	{"jit_above_cost", "0"},
	{"work_mem", "64kB"},
	{"cursor_tuple_fraction", "0"},
	{"commit_delay", "1000"},
}

// spoil gives a database all of the settings, or one of them.
func spoil(admin *session, settings ...[2]string) {
	admin.t.Helper()
	database := admin.text(`select current_database()`)
	admin.t.Cleanup(func() { admin.resetSettings(database) })
	for _, setting := range settings {
		// A server that is too old or too new does not have the setting.
		if admin.text(`select name from pg_settings where lower(name) = lower($1)`, setting[0]) != "" {
			admin.exec(`alter database ` + database + ` set ` + setting[0] + ` = ` + quoted(setting[1]))
		}
	}
}

// resetSettings works also when the session has ended.
func (s *session) resetSettings(database string) {
	conn, err := pgx.Connect(context.Background(), s.conn.Config().ConnString())
	if err != nil {
		s.t.Error(err)
		return
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), `alter database `+database+` reset all`); err != nil {
		s.t.Error(err)
	}
}

// quoted returns the value of a setting as SQL; a list of names must not become one name.
func quoted(value string) string {
	if strings.Contains(value, ",") {
		return value
	}
	return `'` + value + `'`
}

// shadowing makes functions and operators that replace those of PostgreSQL for roles with public
// before pg_catalog in their search_path.
const shadowing = `
	create function public.pg_notify(text, text) returns void language plpgsql as $$ begin raise 'shadowed'; end $$;
	create function public.octet_length(text) returns integer language plpgsql as $$ begin raise 'shadowed'; end $$;
	create function public.bigints_equal(bigint, bigint) returns boolean language plpgsql as $$ begin raise 'shadowed'; end $$;
	create operator public.= (leftarg = bigint, rightarg = bigint, function = public.bigints_equal);
	create function public.bigints_greater(bigint, bigint) returns boolean language plpgsql as $$ begin raise 'shadowed'; end $$;
	create operator public.> (leftarg = bigint, rightarg = bigint, function = public.bigints_greater);
	create function public.bytes_equal(bytea, bytea) returns boolean language plpgsql as $$ begin raise 'shadowed'; end $$;
	create operator public.= (leftarg = bytea, rightarg = bytea, function = public.bytes_equal)`

func TestSettingsOfOthersAreNotNoticed(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	url := func(t testing.TB, dsn string) string {
		admin := connect(t.(*testing.T), dsn)
		spoil(admin, slices.Concat(meanings, bounds)...)
		admin.exec(shadowing)
		return dsn
	}
	eventstoretest.RunWrites(t, newHistories(t, url, Options{PollInterval: 10 * time.Millisecond}).next)
}

func TestSettingsOfOthersBehindAPooler(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	url := func(t testing.TB, dsn string) string {
		spoil(connect(t.(*testing.T), dsn), meanings...)
		return throughPooler(t, dsn)
	}
	eventstoretest.RunWrites(t, newHistories(t, url, Options{PollInterval: 10 * time.Millisecond}).next)
}

// umlauts returns a record with text beyond ASCII.
func umlauts(after eventstore.Head) []eventstore.Record {
	written := records(after, 1)
	written[0].Data, written[0].Hash = `{"value":"München 🦊"}`, eventstore.Hash{}
	var chain eventstore.Chain
	chain.Seal(after, eventstore.AppendID{2}, written)
	return written
}

// TestTextIsStoredAsItIs asks for another encoding in a database and in all ways in a URL, before
// and after a store is opened.
func TestTextIsStoredAsItIs(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	direct := postgrestest.NewDatabase(t)
	admin := connect(t, direct)
	var head eventstore.Head
	for what, dsn := range map[string]string{
		"client_encoding in the URL": with(t, direct, "client_encoding", "LATIN1"),
		"options in the URL":         with(t, direct, "options", "-cclient_encoding=LATIN1"),
		"a pooler":                   throughPooler(t, direct),
	} {
		s := mustOpen(t, dsn, Options{})
		for range 2 {
			written := umlauts(head)
			if err := s.Append(t.Context(), head, written); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			head = headOf(written)
			for _, from := range []*Store{s, mustOpen(t, direct, Options{})} {
				read, err := from.Read(t.Context(), head.Seq-1, eventstore.Limit{Records: 1})
				if err != nil || len(read) != 1 || read[0].Data != written[0].Data {
					t.Fatalf("%s: read %v, %v, want %v", what, read, err, written)
				}
			}
			spoil(admin, [2]string{"client_encoding", "LATIN1"}) // for new sessions
			endSessions(admin, "configapi%")
			mustHaveHeadSoon(t, s, head)
			mustBeDurable(t, s, head)
		}
	}
}

// endSessions ends the sessions of the database with an application name, and returns when they
// have ended.
func endSessions(admin *session, name string) {
	admin.t.Helper()
	pids := admin.text(`select coalesce(array_agg(pid), '{}')::text from pg_stat_activity
		where datname = current_database() and application_name like $1 and pid <> pg_backend_pid()`, name)
	admin.exec(`select pg_terminate_backend(pid) from unnest($1::text::int[]) as ended(pid)`, pids)
	admin.until("0", `select count(*)::text from pg_stat_activity where pid = any ($1::text::int[])`, pids)
}

// TestSettingsThatCannotBeSetAreRefused is about poolers in transaction mode, where no setting
// of a session lasts.
func TestSettingsThatCannotBeSetAreRefused(t *testing.T) {
	t.Parallel()
	direct := postgrestest.NewDatabase(t)
	spoil(connect(t, direct), [2]string{"search_path", "public, pg_catalog"})
	mustNotOpen(t, throughPooler(t, direct), "", `names "public" before pg_catalog`)
	mustOpen(t, direct, Options{})
}

// TestCommitsBehindAPoolerWait weakens the role's synchronous_commit while a store is open: later
// sessions of the pooler have it, but appends must not.
func TestCommitsBehindAPoolerWait(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	c := postgrestest.NewCluster(t)
	direct := c.DSN("postgres")
	admin := connect(t, direct)
	pooled := throughPooler(t, direct)
	first, second, third := mustOpen(t, pooled, Options{}), mustOpen(t, pooled, Options{}), mustOpen(t, pooled, Options{})
	head := mustAppend(t, first, eventstore.Head{}, 1)
	spoil(admin, [2]string{"synchronous_commit", "off"})
	endSessions(admin, "configapi%")
	admin.exec(`alter system set synchronous_standby_names = 'nobody'`)
	admin.exec(`select pg_reload_conf()`)
	admin.untilCommitsWait(with(t, direct, "synchronous_commit", "on"))
	for what, write := range map[string]func() error{
		"Append":       func() error { return first.Append(t.Context(), head, records(head, 1)) },
		"AppendLocked": func() error { return second.AppendLocked(t.Context(), head.Seq, appendOne) },
		"DurableHead":  func() error { _, err := third.DurableHead(t.Context()); return err },
	} {
		written := make(chan error, 1)
		go func() { written <- write() }()
		admin.exec(`select pg_terminate_backend($1)`, admin.untilCommitWaits())
		if err := <-written; err == nil {
			t.Errorf("%s: got no error, although it did not wait for the standby", what)
		}
		var err error
		if head, err = mustOpen(t, with(t, direct, "synchronous_commit", "on"), Options{ReadOnly: true}).Head(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	mustNotOpen(t, pooled, "", "synchronous_commit = off")
}

// appendOne is an [eventstore.Decide].
func appendOne(head eventstore.Head, _ []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
	return records(head, 1), nil, nil
}

// TestRoleWithTightTimeouts uses a role whose time-outs are shorter than an append may have to
// wait.
func TestRoleWithTightTimeouts(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	admin, watcher := connect(t, dsn), connect(t, dsn)
	role := admin.plainRole()
	admin.exec(`alter role ` + role + ` connection limit 7`)
	for _, setting := range []string{"statement_timeout = '1s'", "lock_timeout = '100ms'", "idle_session_timeout = '1s'"} {
		admin.exec(`alter role ` + role + ` set ` + setting)
	}
	s := mustOpen(t, with(t, dsn, "user", role), Options{})
	head := mustAppend(t, s, eventstore.Head{}, 1)
	for what, write := range map[string]func() error{
		"Append": func() error {
			return s.Append(t.Context(), head, nil, eventstore.Receipt{Key: eventstore.Key{Text: "k"}})
		},
		"AppendLocked": func() error { return s.AppendLocked(t.Context(), head.Seq, appendOne) },
	} {
		release := admin.lockHead()
		written := make(chan error, 1)
		go func() { written <- write() }()
		watcher.until("true", `select exists (select from pg_stat_activity where usename = $1
			and wait_event_type = 'Lock' and clock_timestamp() - query_start > '1200 ms')::text`, role)
		release()
		if err := <-written; err != nil {
			t.Errorf("%s: %v", what, err)
		}
		var err error
		if head, err = s.Head(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// Connections that were idle for longer than the role allows are still open.
	mustBeDurable(t, s, head)
}
