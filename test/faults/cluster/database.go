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

// Database is the PostgreSQL of a cluster. The suite itself connects over a socket, not through
// links.
type Database struct {
	disk *disk  // nil: the data have no file system of their own
	temp string // TMPDIR as it was before

	routes *proxy.Switch // the address that nodes have for the primary

	mu      sync.Mutex // held while a method stops, starts or replaces the server
	primary atomic.Pointer[postgrestest.Cluster]
	spares  []*postgrestest.Cluster // other servers; closed with the database
}

// server is the current primary.
func (d *Database) server() *postgrestest.Cluster { return d.primary.Load() }

const (
	databaseName = "configapi"
	// queryTimeout bounds each statement of the suite.
	queryTimeout = 10 * time.Second
)

// openDatabase starts a server. Its data are on a file system of their own when this process may
// mount one.
func openDatabase(ctx context.Context, dir string) (*Database, error) {
	disk, err := mount(filepath.Join(dir, "disk"))
	if err != nil {
		return nil, err
	}
	d := &Database{disk: disk, temp: os.Getenv("TMPDIR")}
	if d.routes, err = proxy.OpenSwitch(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	if disk != nil {
		if err := os.Setenv("TMPDIR", disk.dir); err != nil { // the parent directory of the data in postgrestest
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

// role is the role of a node. Each node has its own, which identifies its connections.
func role(node int) string { return fmt.Sprintf("node%d", node) }

// Connect returns a connection for the suite itself.
func (d *Database) Connect(ctx context.Context) (*pgx.Conn, error) {
	return connect(ctx, d.DSN())
}

// DSN leads to the database directly, not through links.
func (d *Database) DSN() string { return d.server().DSN(databaseName) }

// Crash stops the server and starts it again after a pause. The data stay.
func (d *Database) Crash(ctx context.Context, how postgrestest.Shutdown, pause time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.server().Stop(how); err != nil {
		return err
	}
	Pause(ctx, pause)
	return d.start(context.WithoutCancel(ctx))
}

// Start starts the server after [Database.Fail].
func (d *Database) Start(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.start(context.WithoutCancel(ctx))
}

// start starts the server. It may listen on another port when its port is taken.
func (d *Database) start(ctx context.Context) error {
	if err := d.server().Start(ctx); err != nil {
		return err
	}
	d.routes.Route(hostOf(d.server()))
	return nil
}

// hostOf is the address of a server.
func hostOf(server *postgrestest.Cluster) string {
	dsn, err := url.Parse(server.TCPDSN(databaseName))
	if err != nil {
		panic(err) // the URLs of the suite's own servers are valid
	}
	return dsn.Host
}

// Fill fills the file system of the data and keeps it full. The function free empties it, and
// restarts the server if it has ended: PostgreSQL ends when it cannot write.
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

// OutgrowLog makes the server begin new files of its log until it ends, which it does when there is
// no space for one. It reports whether the server ended before ctx.
func (d *Database) OutgrowLog(ctx context.Context) (ended bool) {
	const statement = `select concat(pg_logical_emit_message(false, 'faults', 'so that there is something to log'), pg_switch_wal())`
	for ctx.Err() == nil {
		_, err := query[string](ctx, d, statement)
		var answer *pgconn.PgError // a server that ends or starts answers with class 57P
		if err != nil && (!errors.As(err, &answer) || strings.HasPrefix(answer.Code, "57P")) {
			return true
		}
	}
	return false
}

// CanFill returns why the disk cannot be filled, "" when it can.
func (d *Database) CanFill() string {
	if d.disk == nil {
		return "it needs root, to mount a tmpfs"
	}
	return ""
}

// revive waits until the server answers. It restarts a server that does not.
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

// Backends returns the process ids of the server processes of a node's connections.
func (d *Database) Backends(ctx context.Context, node int) ([]int32, error) {
	return query[int32](ctx, d, `select pid from pg_stat_activity where usename = $1`, role(node))
}

// Terminate ends the server processes of a node's connections: the one that listens, whatever it
// does, or those whose last statement was an append. It returns how many.
func (d *Database) Terminate(ctx context.Context, node int, listener bool) (int, error) {
	// Without "materialized", PostgreSQL ends connections before it applies the condition.
	const statement = `with chosen as materialized (select pid from pg_stat_activity where usename = $1
		and case when $2 then application_name = 'configapi-writer' else query like '%history_head set position%' end)
		select pid from chosen where pg_terminate_backend(pid)`
	ended, err := query[int32](ctx, d, statement, role(node), listener)
	return len(ended), err
}

// Head is the newest seq.
func (d *Database) Head(ctx context.Context) (seq int64, err error) {
	found, err := query[int64](ctx, d, `select position from public.history_head`)
	if err == nil && len(found) != 1 {
		err = errors.New("the row of history_head is missing")
	}
	if err != nil {
		return 0, err
	}
	return found[0], nil
}

// Version is the version of PostgreSQL.
func (d *Database) Version(ctx context.Context) (string, error) {
	found, err := query[string](ctx, d, `select current_setting('server_version')`)
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// ErrUnreachable reports that PostgreSQL does not answer.
var ErrUnreachable = errors.New("PostgreSQL is unreachable")

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

// conflictWithRecovery is the code of a statement that a standby cancels because it conflicts with
// the replay. The statement is retried.
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
		err = errors.Join(err, os.Setenv("TMPDIR", d.temp), d.disk.unmount())
	}
	return err
}
