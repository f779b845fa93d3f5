package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"configapi/internal/postgrestest"
)

// postgresVariable names a PostgreSQL to use instead of a throw-away one.
const postgresVariable = "BENCH_DATABASE_URL"

// postgresServer is a PostgreSQL where databases can be created.
type postgresServer struct {
	admin   string                // URL of a database that exists
	cluster *postgrestest.Cluster // nil when it was there before
}

// startPostgres uses the PostgreSQL that BENCH_DATABASE_URL names, or else makes a cluster below dir
// with the settings that initdb gives (fsync and synchronous_commit on).
func startPostgres(ctx context.Context, dir string) (*postgresServer, error) {
	if given := os.Getenv(postgresVariable); given != "" {
		pg := &postgresServer{admin: given}
		_, err := pg.version(ctx)
		return pg, err
	}
	cluster, err := postgrestest.NewStock(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("%w; with %s another one is used, and -stores sqlite does without", err, postgresVariable)
	}
	return &postgresServer{admin: cluster.TCPDSN("postgres"), cluster: cluster}, nil
}

// stop ends a throw-away PostgreSQL at once: its data are not needed again.
func (pg *postgresServer) stop() {
	if pg.cluster == nil {
		return
	}
	if err := pg.cluster.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping PostgreSQL:", err)
	}
}

// cpu is the CPU time of all processes of a throw-away PostgreSQL, 0 of another.
func (pg *postgresServer) cpu() time.Duration {
	if pg.cluster == nil {
		return 0
	}
	return pg.cluster.CPU()
}

// version asks the server for it.
func (pg *postgresServer) version(ctx context.Context) (version string, err error) {
	err = pg.query(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SHOW server_version").Scan(&version)
	})
	return version, err
}

// createDatabase makes an empty database and returns its URL.
func (pg *postgresServer) createDatabase(ctx context.Context, name string) (string, error) {
	u, err := url.Parse(pg.admin)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("%s is no URL such as postgres://user@host/database", postgresVariable) // its text may hold a password
	}
	u.Path = "/" + name
	return u.String(), pg.query(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
		return err
	})
}

// dropDatabase removes a database, whoever still uses it.
func (pg *postgresServer) dropDatabase(ctx context.Context, name string) error {
	return pg.query(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
		return err
	})
}

// query runs f on a connection of its own.
func (pg *postgresServer) query(ctx context.Context, f func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, pg.admin)
	if err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	return errors.Join(f(conn), conn.Close(context.WithoutCancel(ctx)))
}
