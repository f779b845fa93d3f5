package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
)

// migrations holds the steps from an empty database to the present schema: the n-th file, by name,
// leads to version formatOne+n, the first one from nothing. A released file is never changed.
//
//go:embed migrations/*.sql
var migrations embed.FS

// formatOne is the newest schema version of histories of format 1, which had other hashes and kept
// old values with the new ones.
const formatOne = 4

// migrationLock is the advisory lock that a store holds while it migrates: "configap" in ASCII.
const migrationLock = 0x636f6e6669676170

var (
	errNewerSchema = errors.New("a newer version of this program has migrated it; run that version")
	errOlderSchema = errors.New("run the server on it once to bring it to the present schema")
	errFormatOne   = errors.New("its history has format 1, which this program cannot read; start with a new database")
)

// migrate brings the tables to the present schema in one transaction. A role that may not create
// tables can open a database with the present schema. With readOnly nothing is changed, and an
// older schema is an error.
func migrate(ctx context.Context, conn *pgx.Conn, readOnly bool) error {
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	// The first statement waits for other stores that migrate, and the later ones must see their
	// commits.
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	return pgx.BeginTxFunc(ctx, conn, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return fmt.Errorf("waiting to migrate: %w", err)
		}
		version, err := schemaVersion(ctx, tx, readOnly)
		if err != nil {
			return fmt.Errorf("reading the schema version: %w", err)
		}
		newest := formatOne + len(steps)
		switch {
		case version > newest:
			return fmt.Errorf("the schema has version %d, the newest known is %d: %w", version, newest, errNewerSchema)
		case version > 0 && version <= formatOne:
			return errFormatOne
		case readOnly && version < newest:
			return fmt.Errorf("the schema has version %d, the newest known is %d: %w", version, newest, errOlderSchema)
		}
		if version < newest { // a migration may take longer than the role's statement_timeout
			if _, err := tx.Exec(ctx, `set local statement_timeout = 0`); err != nil {
				return err
			}
		}
		for n := max(version, formatOne) + 1; n <= newest; n++ {
			if err := step(ctx, tx, n, steps[n-formatOne-1]); err != nil {
				return fmt.Errorf("migrating to schema version %d: %w", n, err)
			}
		}
		return nil
	})
}

// schemaVersion returns the version of the schema. It makes the table that keeps it if it is
// missing, unless readOnly.
func schemaVersion(ctx context.Context, tx pgx.Tx, readOnly bool) (version int, err error) {
	var exists bool
	if err := tx.QueryRow(ctx, `select to_regclass('public.schema_migrations') is not null`).Scan(&exists); err != nil {
		return 0, err
	}
	if !exists && readOnly {
		return 0, nil
	}
	if !exists {
		_, err := tx.Exec(ctx, `create table public.schema_migrations (version integer primary key)`)
		return 0, err
	}
	err = tx.QueryRow(ctx, `select coalesce(max(version), 0) from public.schema_migrations`).Scan(&version)
	return version, err
}

func step(ctx context.Context, tx pgx.Tx, version int, file string) error {
	statements, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, string(statements)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into public.schema_migrations (version) values ($1)`, version)
	return err
}
