package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/postgrestest"
	"configapi/test/faults/proxy"
)

// Database is the PostgreSQL of a cluster. The suite itself talks to it by a socket of its own, past all links.
type Database struct {
	disk *disk // nil: it is on no file system of its own

	routes *proxy.Switch // where nodes believe the primary to be

	mu      sync.Mutex // one of the methods that stop, start or replace the server at a time
	primary atomic.Pointer[postgrestest.Cluster]
	spares  []*postgrestest.Cluster // other servers that are to be closed in the end
}

// server is the one that the suite takes for the primary.
func (d *Database) server() *postgrestest.Cluster { return d.primary.Load() }

const (
	databaseName = "configapi"
	// queryTimeout is how long PostgreSQL may take to answer the suite.
	queryTimeout = 10 * time.Second
)

// openDatabase starts a server. Its data lie on a file system of their own where this process may mount one.
func openDatabase(ctx context.Context, dir string) (*Database, error) {
	disk, err := mount(filepath.Join(dir, "disk"))
	if err != nil {
		return nil, err
	}
	d := &Database{disk: disk}
	if d.routes, err = proxy.OpenSwitch(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	if disk != nil {
		if err := os.Setenv("TMPDIR", disk.dir); err != nil { // where postgrestest puts its data
			return nil, errors.Join(err, d.close())
		}
	}
	server, err := postgrestest.New(ctx)
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	d.primary.Store(server)
	d.routes.Route(hostOf(server))
	err = d.exec(ctx, "postgres", "create database "+databaseName)
	for n := range Nodes {
		if err == nil {
			err = d.exec(ctx, databaseName, fmt.Sprintf("create role %s superuser login password '%s'", role(n), role(n)))
		}
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// role is as whom a node connects: so its connections can be told from other nodes'.
func role(node int) string { return fmt.Sprintf("node%d", node) }

// Connect returns a connection of the suite's own.
func (d *Database) Connect(ctx context.Context) (*pgx.Conn, error) {
	return connect(ctx, d.DSN())
}

// DSN leads to the database past all links.
func (d *Database) DSN() string { return d.server().DSN(databaseName) }

// Crash stops the server and starts it again after a pause. The data stay.
func (d *Database) Crash(ctx context.Context, how postgrestest.Shutdown, away time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.server().Stop(how); err != nil {
		return err
	}
	Pause(ctx, away)
	return d.start(context.WithoutCancel(ctx))
}

// start starts the server. Its port is another one when somebody has taken its own meanwhile.
func (d *Database) start(ctx context.Context) error {
	if err := d.server().Start(ctx); err != nil {
		return err
	}
	d.routes.Route(hostOf(d.server()))
	return nil
}

// hostOf is where a server listens.
func hostOf(server *postgrestest.Cluster) string {
	dsn, err := url.Parse(server.TCPDSN(databaseName))
	if err != nil {
		panic(err) // the suite's own servers have a URL
	}
	return dsn.Host
}

// Fill takes all room on the file system of the data and keeps it taken; free gives it back, and sees to it that the server
// runs: when it cannot write, PostgreSQL ends, and somebody has to start it.
func (d *Database) Fill() (free func(context.Context) error, err error) {
	stop, err := d.disk.fill()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := stop(); err != nil {
			return err
		}
		return d.revive(context.WithoutCancel(ctx))
	}, nil
}

// OutgrowLog has the server begin new files of its log until it ends, as it must when there is no room for one. It returns whether
// that was before ctx ended.
func (d *Database) OutgrowLog(ctx context.Context) (ended bool) {
	const statement = `select concat(pg_logical_emit_message(false, 'faults', 'so that there is something to log'), pg_switch_wal())`
	for ctx.Err() == nil {
		_, err := query[string](ctx, d, statement)
		var answer *pgconn.PgError // with the code of a server that goes, or comes back: it starts itself again
		if err != nil && (!errors.As(err, &answer) || strings.HasPrefix(answer.Code, "57P")) {
			return true
		}
	}
	return false
}

// CanFill says why the disk cannot be filled: "" when it can.
func (d *Database) CanFill() string {
	if d.disk == nil {
		return "it needs root, who may mount a tmpfs"
	}
	return ""
}

// revive waits until the server answers, and starts it anew when it does not.
func (d *Database) revive(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for range 5 {
		if d.exec(ctx, databaseName, "select 1") == nil {
			return nil
		}
		Pause(ctx, 200*time.Millisecond)
	}
	if err := d.server().Stop(postgrestest.Immediate); err != nil {
		return err
	}
	return d.start(ctx)
}

// Backends are the process ids of the server's side of a node's connections.
func (d *Database) Backends(ctx context.Context, node int) ([]int32, error) {
	return query[int32](ctx, d, `select pid from pg_stat_activity where usename = $1`, role(node))
}

// Terminate ends the server's side of connections of a node: those that listen, or those that append. It tells how many.
func (d *Database) Terminate(ctx context.Context, node int, listener bool) (int, error) {
	// Only what is chosen may be ended: without the wall between the two, PostgreSQL ends connections before it chooses.
	const statement = `with chosen as materialized (select pid from pg_stat_activity where usename = $1
		and case when $2 then application_name = 'configapi-listener' else query like '%history_head set position%' end)
		select pid from chosen where pg_terminate_backend(pid)`
	ended, err := query[int32](ctx, d, statement, role(node), listener)
	return len(ended), err
}

// Head is the newest position.
func (d *Database) Head(ctx context.Context) (position int64, err error) {
	found, err := query[int64](ctx, d, `select position from public.history_head`)
	if err == nil && len(found) != 1 {
		err = errors.New("the row of history_head is missing")
	}
	if err != nil {
		return 0, err
	}
	return found[0], nil
}

// Version is PostgreSQL's.
func (d *Database) Version(ctx context.Context) (string, error) {
	found, err := query[string](ctx, d, `select current_setting('server_version')`)
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// ErrAway is that PostgreSQL cannot be asked.
var ErrUnreachable = errors.New("PostgreSQL is away")

func query[T any](ctx context.Context, d *Database, statement string, args ...any) ([]T, error) {
	return queryAt[T](ctx, d.DSN(), statement, args...)
}

func queryAt[T any](ctx context.Context, dsn, statement string, args ...any) ([]T, error) {
	return queryWithin[T](ctx, queryTimeout, dsn, statement, args...)
}

func queryWithin[T any](ctx context.Context, timeout time.Duration, dsn, statement string, args ...any) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		found, err := queryOnce[T](ctx, dsn, statement, args...)
		var answer *pgconn.PgError
		if !errors.As(err, &answer) || answer.Code != conflictWithRecovery || ctx.Err() != nil {
			return found, err
		}
	}
}

// conflictWithRecovery is the code of a statement that a standby cancels because of what it replays.
// It is tried again.
const conflictWithRecovery = "40001"

func queryOnce[T any](ctx context.Context, dsn, statement string, args ...any) ([]T, error) {
	conn, err := connect(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return found, nil
}

func (d *Database) exec(ctx context.Context, database, statement string) error {
	return execAt(ctx, d.server().DSN(database), statement)
}

func execAt(ctx context.Context, dsn, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	conn, err := connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

func connect(ctx context.Context, dsn string) (*pgx.Conn, error) { return pgx.Connect(ctx, dsn) }

func (d *Database) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var err error
	if d.routes != nil {
		err = d.routes.Close()
	}
	for _, server := range append(d.spares, d.server()) {
		if server != nil {
			err = errors.Join(err, server.Close())
		}
	}
	if d.disk != nil {
		err = errors.Join(err, d.disk.unmount())
	}
	return err
}
