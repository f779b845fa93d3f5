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
	errOlderSchema = errors.New("run `configapi migrate` as the owner of the tables to bring it to the present schema")
	errFormatOne   = errors.New("its history has format 1, which this program cannot read; start with a new database")
)

// prepareSchema brings the tables to the present schema, unless the options forbid it, and checks
// the role of a server. A role with the rights of a server alone cannot migrate, so with
// Options.RequireLeastPrivilege an older schema is an error.
func prepareSchema(ctx context.Context, conn *pgx.Conn, opts Options) error {
	use := schemaUse(!opts.ReadOnly && !opts.RequireLeastPrivilege)
	if _, _, err := migrate(ctx, conn, use); err != nil || opts.ReadOnly || opts.Restoring {
		return err
	}
	return checkRights(ctx, conn, opts)
}

// schemaUse says whether a schema that is not the present one is changed, or is an error.
type schemaUse bool

const (
	mayChange schemaUse = true
	asItIs    schemaUse = false
)

// migrate brings the tables to the present schema in one transaction, and returns the version of
// before and that of now. A role that may not create tables can open a database with the present
// schema: then nothing is changed.
func migrate(ctx context.Context, conn *pgx.Conn, use schemaUse) (before, after int, err error) {
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, 0, err
	}
	newest := formatOne + len(steps)
	// The first statement waits for other stores that migrate, and the later ones must see their
	// commits.
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	err = pgx.BeginTxFunc(ctx, conn, options, func(tx pgx.Tx) (err error) {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return fmt.Errorf("waiting to migrate: %w", err)
		}
		if before, err = schemaVersion(ctx, tx); err != nil {
			return fmt.Errorf("reading the schema version: %w", err)
		}
		switch {
		case before > newest:
			return fmt.Errorf("the schema has version %d, the newest known is %d: %w", before, newest, errNewerSchema)
		case before > 0 && before <= formatOne:
			return errFormatOne
		case before == newest:
			return nil
		case use == asItIs:
			return fmt.Errorf("the schema has version %d, the newest known is %d: %w", before, newest, errOlderSchema)
		}
		return change(ctx, tx, before, steps)
	})
	if isDenied(err) {
		role := conn.Config().User
		err = fmt.Errorf("the role %q may not use the schema, or not bring it to version %d; %s: %w", role, newest, howToGrant(role), err)
	}
	return before, newest, err
}

// change brings the tables from a version of the schema to the present one.
func change(ctx context.Context, tx pgx.Tx, version int, steps []string) error {
	// A migration may take longer than the role's statement_timeout.
	if _, err := tx.Exec(ctx, `set local statement_timeout = 0`); err != nil {
		return err
	}
	if version == 0 {
		if _, err := tx.Exec(ctx, `create table if not exists public.schema_migrations (version integer primary key)`); err != nil {
			return err
		}
	}
	for n := max(version, formatOne) + 1; n <= formatOne+len(steps); n++ {
		if err := step(ctx, tx, n, steps[n-formatOne-1]); err != nil {
			return fmt.Errorf("migrating to schema version %d: %w", n, err)
		}
	}
	return nil
}

// schemaVersion returns the version of the schema, 0 if there is none.
func schemaVersion(ctx context.Context, tx pgx.Tx) (version int, err error) {
	var exists bool
	if err := tx.QueryRow(ctx, `select to_regclass('public.schema_migrations') is not null`).Scan(&exists); err != nil || !exists {
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
