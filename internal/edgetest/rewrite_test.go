package edgetest_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/eventstore/sqlite"
	"configapi/internal/postgrestest"
)

// database is a store whose tables the test can change.
type database struct {
	eventstore.Store
	sql     *sql.DB
	instant func(time.Time) any // converts to the type of the tables
	column  string              // one of the table of events, with a comma, that only this database has
	value   string              // of that column, with a comma
	derive  []string            // statements that derive the rest from the events
}

// pollInterval is how soon a node sees changes of its tables without a notification.
const pollInterval = 10 * time.Millisecond

// databases are the stores that have tables.
var databases = map[string]func(t *testing.T) database{
	"sqlite": func(t *testing.T) database {
		path := filepath.Join(t.TempDir(), "configapi.db")
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{Lock: true, PollInterval: pollInterval})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, s.Close)
		micros := func(at time.Time) any { return at.UnixMicro() }
		return database{s, mustOpenSQL(t, "sqlite", path), micros, "previous, ", "0, ", []string{
			`update events set previous = coalesce((select max(position) from events e
				where e.config_name = events.config_name and e.position < events.position), 0)`,
			`delete from newest`,
			`insert into newest select config_name, max(version), max(position), min(position) from events group by config_name`,
		}}
	},
	"postgres": func(t *testing.T) database {
		dsn := postgrestest.NewDatabase(t)
		s, err := postgres.Open(t.Context(), dsn, postgres.Options{PollInterval: pollInterval})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, s.Close)
		same := func(at time.Time) any { return at }
		return database{Store: s, sql: mustOpenSQL(t, "pgx", dsn), instant: same}
	},
}

func mustOpenSQL(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, db.Close)
	return db
}

// rewrite replaces all records after a seq, as a failover or a restored backup does.
func (d database) rewrite(t *testing.T, after eventstore.Seq, records []eventstore.Record, head eventstore.Head) {
	t.Helper()
	tx, err := d.sql.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := tx.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec(`delete from events where position > $1`, int64(after))
	for _, r := range records {
		exec(`insert into events (`+d.column+`position, hash, config_name, version, type, schema_version, data, actor, reason, recorded_at, append_id, change_set, salt_who, salt_what, what)
			values (`+d.value+`$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
			int64(r.Seq), r.Hash[:], r.Name, r.Version, r.Type, r.SchemaVersion,
			r.Data, r.Actor, r.Reason, d.instant(r.RecordedAt), r.AppendID[:], int64(r.ChangeSet), r.SaltWho[:], r.SaltWhat[:], r.What[:])
	}
	for _, statement := range d.derive {
		exec(statement)
	}
	exec(`update history_head set position = $1, hash = $2, recorded_at = $3`, int64(head.Seq), head.Hash[:], d.instant(head.RecordedAt))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// fork returns a different tail after the first records of a history: a change of each name.
func fork(t *testing.T, events eventstore.Store, first eventstore.Seq, names ...string) (records []eventstore.Record, head eventstore.Head) {
	t.Helper()
	other := memory.New()
	if kept := mustRead(t, events, 0)[:first]; len(kept) > 0 {
		if err := other.Append(t.Context(), eventstore.Head{}, kept); err != nil {
			t.Fatal(err)
		}
	}
	node := configstoretest.On(t, other, configstore.Options{})
	for _, name := range names {
		node.MustSet(t, name, "of the other history")
	}
	return mustRead(t, other, first), node.Reader(auth.Anonymous).Head()
}

func mustRead(t testing.TB, events eventstore.Store, after eventstore.Seq) []eventstore.Record {
	t.Helper()
	records, err := events.Read(t.Context(), after, eventstore.Limit{Records: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// wantReplay fails the test unless the store's state is that of its history.
func wantReplay(t *testing.T, store *configstoretest.Store) {
	t.Helper()
	want := make(map[string]string)
	for _, r := range mustRead(t, store.Events, 0) {
		want[r.Name] = eventstore.HeadOf(&r).Position().String()
	}
	page, err := store.Reader(auth.Anonymous).Now().Configs(t.Context(), config.Filter{}, "", configstore.MaxPageSize)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, state := range page.Configs {
		name := state.Name.String()
		if at := state.Position().String(); at != want[name] {
			t.Errorf("%s is of %s, want %s", name, at, want[name])
		}
		got = append(got, name)
	}
	if len(page.Configs) != len(want) {
		t.Errorf("got %s, want %d configs", strings.Join(got, " "), len(want))
	}
}
