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

// postgresVariable names a PostgreSQL to use instead of a temporary one.
const postgresVariable = "BENCH_DATABASE_URL"

// postgresServer is a PostgreSQL that databases can be created in.
type postgresServer struct {
	admin   string                // URL of an existing database
	cluster *postgrestest.Cluster // the temporary cluster, or nil
}

// startPostgres uses the PostgreSQL of BENCH_DATABASE_URL, or creates a temporary cluster below dir
// with initdb's default settings (fsync and synchronous_commit on).
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

// stop stops a temporary PostgreSQL at once, since its data are discarded.
func (pg *postgresServer) stop() {
	if pg.cluster == nil {
		return
	}
	if err := pg.cluster.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping PostgreSQL:", err)
	}
}

// cpu returns the CPU time of all processes of a temporary PostgreSQL, 0 for any other.
func (pg *postgresServer) cpu() time.Duration {
	if pg.cluster == nil {
		return 0
	}
	return pg.cluster.CPU()
}

// version returns the version of the server.
func (pg *postgresServer) version(ctx context.Context) (version string, err error) {
	err = pg.query(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SHOW server_version").Scan(&version)
	})
	return version, err
}

// createDatabase creates an empty database and returns its URL.
func (pg *postgresServer) createDatabase(ctx context.Context, name string) (string, error) {
	u, err := url.Parse(pg.admin)
	if err != nil || u.Host == "" {
		// the parser's error may show a password
		return "", fmt.Errorf("%s is no URL such as postgres://user@host/database", postgresVariable)
	}
	u.Path = "/" + name
	return u.String(), pg.query(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
		return err
	})
}

// dropDatabase removes a database, even if it is in use.
func (pg *postgresServer) dropDatabase(ctx context.Context, name string) error {
	return pg.query(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
		return err
	})
}

// query runs f on a new connection to the existing database.
func (pg *postgresServer) query(ctx context.Context, f func(*pgx.Conn) error) error {
	return queryPostgres(ctx, pg.admin, f)
}

// queryPostgres runs f on a new connection to the database at a URL.
func queryPostgres(ctx context.Context, url string, f func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	return errors.Join(f(conn), conn.Close(context.WithoutCancel(ctx)))
}
