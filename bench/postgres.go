package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresVariable names a PostgreSQL to use instead of a throw-away one.
const postgresVariable = "BENCH_DATABASE_URL"

// postgresServer is a PostgreSQL where databases can be created.
type postgresServer struct {
	admin   string   // URL of a database that exists
	process *process // nil when it was there before
}

// startPostgres uses the PostgreSQL that BENCH_DATABASE_URL names, or else makes a cluster in dir with the settings
// that initdb gives (fsync and synchronous_commit on) and starts it on a free local port.
func startPostgres(ctx context.Context, dir, logPath string) (*postgresServer, error) {
	if given := os.Getenv(postgresVariable); given != "" {
		pg := &postgresServer{admin: given}
		_, err := pg.version(ctx)
		return pg, err
	}
	password := rand.Text()
	bin, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	attributes, err := ownerOf(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := initCluster(ctx, filepath.Join(bin, "initdb"), data, password, attributes()); err != nil {
		return nil, err
	}
	command := exec.Command(filepath.Join(bin, "postgres"), "-D", data)
	command.Dir, command.SysProcAttr = dir, attributes()
	return runPostgres(ctx, command, password, logPath)
}

// runPostgres starts the server of a cluster on a free local port, without a socket, whose path could be too long.
func runPostgres(ctx context.Context, command *exec.Cmd, password, logPath string) (*postgresServer, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	command.Args = append(command.Args, "-c", "listen_addresses="+host, "-c", "port="+port, "-c", "unix_socket_directories=")
	p, err := startProcess("PostgreSQL", command, logPath)
	if err != nil {
		return nil, err
	}
	admin := url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", password), Host: address, Path: "/postgres",
		RawQuery: "sslmode=disable",
	}
	pg := &postgresServer{admin: admin.String(), process: p}
	err = p.awaitReady(ctx, 20*time.Millisecond, func(ctx context.Context) bool {
		_, err := pg.version(ctx)
		return err == nil
	})
	if err != nil {
		pg.stop()
		return nil, err
	}
	return pg, nil
}

// stop ends a throw-away PostgreSQL at once: its data are not needed again.
func (pg *postgresServer) stop() {
	if pg.process != nil {
		pg.process.stop(syscall.SIGQUIT)
	}
}

// cpu is the CPU time of all processes of a throw-away PostgreSQL, 0 of another.
func (pg *postgresServer) cpu() time.Duration {
	if pg.process == nil {
		return 0
	}
	return cpuOf(pg.process.pid())
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
