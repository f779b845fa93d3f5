package postgres

import (
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

// throughPooler returns the URL of a database behind a pooler in transaction mode.
func throughPooler(t testing.TB, dsn string) string {
	t.Helper()
	return with(t, postgrestest.NewPooler(t, dsn), "default_query_exec_mode", "cache_describe")
}

func TestStoreBehindAPoolerKeepsTheLaws(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	eventstoretest.RunWrites(t, newHistories(t, throughPooler, Options{PollInterval: 10 * time.Millisecond}).next)
}

func TestBehindAPoolerTheTickAloneDoesIt(t *testing.T) {
	t.Parallel()
	direct := postgrestest.NewDatabase(t)
	dsn := throughPooler(t, direct)
	s, other := mustOpen(t, dsn, Options{PollInterval: time.Millisecond}), mustOpen(t, dsn, Options{})
	head := mustAppend(t, other, eventstore.Head{}, 1)
	mustHear(t, s, 0)
	mustAppend(t, other, head, 3)
	mustHear(t, s, head.Seq)
	const listens = `select count(*)::text from pg_stat_activity where datname = current_database() and query like 'listen%'`
	if got := connect(t, direct).text(listens); got != "0" {
		t.Errorf("%s connections listen behind a pooler, which cannot forward notifications", got)
	}
}

func TestListenerGoesRoundThePooler(t *testing.T) {
	t.Parallel()
	direct := postgrestest.NewDatabase(t)
	s := mustOpen(t, throughPooler(t, direct), Options{PollInterval: never, ListenURL: direct})
	other := mustOpen(t, direct, Options{})
	var head eventstore.Head
	for range 5 {
		before := head.Seq
		head = mustAppend(t, other, head, 1)
		mustHear(t, s, before)
	}
}

// TestNothingIsLeftOnConnectionsOfAPooler checks the session that another client of the pooler
// gets.
func TestNothingIsLeftOnConnectionsOfAPooler(t *testing.T) {
	t.Parallel()
	pooled := throughPooler(t, postgrestest.NewDatabase(t))
	s := mustOpen(t, pooled, Options{})
	head := mustAppend(t, s, eventstore.Head{}, 1)
	mustHaveHead(t, s, head)
	other := connect(t, pooled)
	if got := other.text(`select string_agg(name, ' ') from pg_settings where source = 'session' and name <> 'application_name'`); got != "" {
		t.Errorf("settings of the session: %s", got)
	}
	if got := other.text(`select string_agg(statement, ' ') from pg_prepared_statements`); got != "" {
		t.Errorf("prepared statements: %s", got)
	}
}

func TestOtherModesOfQueriesAreRefused(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	for _, mode := range []string{"exec", "simple_protocol", "describe_exec"} {
		mustNotOpen(t, with(t, dsn, "default_query_exec_mode", mode), "", "cache_describe")
	}
}
