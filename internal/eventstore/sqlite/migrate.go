package sqlite

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// migrations holds the steps from an empty file to the present schema: the n-th file, by name,
// leads to version unreleased+n, the first one from nothing. A released file is never changed.
//
//go:embed migrations/*.sql
var migrations embed.FS

// formatOne is the newest schema version of histories of format 1, which had other hashes and kept
// old values with the new ones.
const formatOne = 4

// unreleased is the newest schema version that no release has written: its tables had an index over
// the versions of all events.
const unreleased = 5

var (
	errNewerSchema = errors.New("a newer version of this program has written it; run that version")
	errFormatOne   = errors.New("its history has format 1, which this program cannot read; start with a new file")
	errUnreleased  = errors.New("its tables are those of a version that was not released; make a backup with that version and restore it into a new file")
)

// migrate brings the tables to the present schema in one transaction.
func migrate(conn *connection) error {
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	if err := conn.execute("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("starting to migrate: %w", err)
	}
	if err := migrateIn(conn, steps); err != nil {
		return errors.Join(err, conn.execute("ROLLBACK"))
	}
	if err := conn.execute("COMMIT"); err != nil {
		return fmt.Errorf("committing migrations: %w", err)
	}
	return nil
}

func migrateIn(conn *connection, steps []string) error {
	version, err := schemaVersion(conn)
	if err != nil {
		return err
	}
	if err := checkKnown(version, steps); err != nil {
		return err
	}
	for version = max(version, unreleased); version < unreleased+len(steps); {
		step := steps[version-unreleased]
		version++
		statements, err := migrations.ReadFile(step)
		if err != nil {
			return err
		}
		if err := conn.execute(string(statements)); err != nil {
			return fmt.Errorf("migrating to schema version %d: %w", version, err)
		}
		err = conn.runOnce("INSERT INTO schema_migrations (version) VALUES (?)", func(a *arguments) { a.integer(int64(version)) })
		if err != nil {
			return fmt.Errorf("recording schema version %d: %w", version, err)
		}
	}
	return nil
}

// schemaVersion returns the schema version of a file. In an empty file it makes the table that
// keeps it.
func schemaVersion(conn *connection) (version int, err error) {
	var tables, own int64
	const count = "SELECT count(*), count(*) FILTER (WHERE name = 'schema_migrations') FROM sqlite_schema WHERE type = 'table'"
	err = conn.first(count, func(s statement) { tables, own = conn.integer(s, 0), conn.integer(s, 1) })
	if err != nil {
		return 0, fmt.Errorf("reading its tables: %w", err)
	}
	switch {
	case tables == 0:
		return 0, conn.execute("CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY) STRICT")
	case own == 0:
		return 0, errForeign
	}
	newest, err := conn.number(newestMigration)
	return int(newest), err
}

const newestMigration = "SELECT coalesce(max(version), 0) FROM schema_migrations"

var errForeign = errors.New("the file is an SQLite database of another program")

// checkVersion refuses any schema version but the present one.
func checkVersion(version int) error {
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err == nil {
		err = checkKnown(version, steps)
	}
	if newest := unreleased + len(steps); err == nil && version < newest {
		err = fmt.Errorf("its schema has version %d, this program needs %d; run the server on it once", version, newest)
	}
	return err
}

// checkKnown refuses a schema version that is newer than the present one, or that is of another
// format of history. 0 is that of an empty file.
func checkKnown(version int, steps []string) error {
	newest := unreleased + len(steps)
	switch {
	case version > newest:
		return fmt.Errorf("its schema has version %d, the newest known is %d: %w", version, newest, errNewerSchema)
	case version > 0 && version <= formatOne:
		return errFormatOne
	case version == unreleased:
		return errUnreleased
	}
	return nil
}
