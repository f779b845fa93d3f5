package postgres

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
)

func TestStoresThatOpenAtOnceMigrateOnce(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			s, err := Open(t.Context(), with(t, dsn, "default_transaction_isolation", "serializable"), Options{})
			if err == nil {
				err = s.Close()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := connect(t, dsn).text(`select string_agg(version::text, ' ' order by version) from schema_migrations`); got != "5 6" {
		t.Errorf("versions recorded: got %q, want 5 and 6", got)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	mustOpen(t, dsn, Options{})
	connect(t, dsn).exec(`insert into schema_migrations values (999)`)
	mustNotOpen(t, dsn, "", "the schema has version 999, the newest known is 6")
}

// TestMigrationOutlastsTheBoundOfStatements makes a table that the migration makes, too, in a
// transaction that takes longer than the store's statements may take.
func TestMigrationOutlastsTheBoundOfStatements(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	other := connect(t, dsn)
	other.exec(`begin; create table events ()`)
	opened := make(chan error, 1)
	go func() {
		s, err := Open(t.Context(), with(t, dsn, "statement_timeout", "1000"), Options{})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	const bound = `select (pg_sleep(0.01) is not null and exists (select from pg_locks join pg_stat_activity using (pid) where not granted
		and datname = current_database() and clock_timestamp() - query_start > '1200ms'))::text`
	for watcher := connect(t, dsn); watcher.text(bound) != "true"; {
		select {
		case err := <-opened:
			t.Fatalf("opened while the other transaction was open: %v", err)
		default:
		}
	}
	other.exec(`rollback`)
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	mustHaveHead(t, mustOpen(t, dsn, Options{}), eventstore.Head{})
}

// TestHistoryOfFormatOneIsRefused: nothing in it may be changed either.
func TestHistoryOfFormatOneIsRefused(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	admin := connect(t, dsn)
	admin.exec(`create table schema_migrations (version integer primary key); insert into schema_migrations values (1), (2), (3), (4)`)
	const want = "its history has format 1, which this program cannot read; start with a new database"
	mustNotOpen(t, dsn, "", want)
	if s, err := Open(t.Context(), dsn, Options{ReadOnly: true}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("to read: got %v, %v, want %q", s, err, want)
	}
	if got := admin.text(`select count(*)::text || max(version)::text from pg_tables, schema_migrations where schemaname = 'public'`); got != "44" {
		t.Errorf("tables times migrations, and the newest: got %s, want 44", got)
	}
}

func TestReadOnlyChangesNothing(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	if s, err := Open(t.Context(), dsn, Options{ReadOnly: true}); err == nil {
		s.Close()
		t.Fatal("opened a database without tables")
	}
	admin := connect(t, dsn)
	if got := admin.text(`select count(*)::text from pg_tables where schemaname = 'public'`); got != "0" {
		t.Errorf("tables: got %s, want none", got)
	}
	mustOpen(t, dsn, Options{})
	s := mustOpen(t, dsn, Options{ReadOnly: true})
	if _, err := s.Head(t.Context()); err != nil {
		t.Errorf("reading the head: %v", err)
	}
	if err := s.Append(t.Context(), eventstore.Head{}, make([]eventstore.Record, 1)); !errors.Is(err, eventstore.ErrNotWritten) {
		t.Errorf("appending: got %v, want that nothing was written", err)
	}
}

func TestFailedMigrationLeavesNothing(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	admin := connect(t, dsn)
	admin.exec(`create table events ()`)
	mustNotOpen(t, dsn, "", `migrating to schema version 5: ERROR: relation "events" already exists`)
	if got := admin.text(`select string_agg(tablename, ' ') from pg_tables where schemaname = 'public'`); got != "events" {
		t.Errorf("tables: got %q, want only the one of before", got)
	}
	admin.exec(`drop table events`)
	mustOpen(t, dsn, Options{})
}
