package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// minVersion is the oldest PostgreSQL with everything that the migrations use.
const minVersion = 14_00_00

// The names of sessions, as pg_stat_activity has them: see [Store.BeginRestore]. The session that
// appends for a server has a name of its own.
const (
	serverName   = "configapi"
	writerName   = "configapi-writer"
	listenerName = "configapi-listener"
	readerName   = "configapi-reader"
	restoreName  = "configapi-restore"
)

func (o Options) applicationName() string {
	switch {
	case o.ReadOnly:
		return readerName
	case o.Restoring:
		return restoreName
	default:
		return serverName
	}
}

// parseURL returns the configuration that all connections share.
func parseURL(text string, opts Options, conns *netConns, fence *fence) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, urlError(text, err)
	}
	c := config.ConnConfig
	if c.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement && !pooled(c) {
		return nil, errExecMode
	}
	c.RuntimeParams["application_name"] = opts.applicationName()
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = opts.connectTimeout
	}
	// Of several hosts, or after a failover, only the primary is right: a standby may be behind
	// what was read before.
	if c.ValidateConnect == nil {
		c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsPrimary
	}
	conns.track(&c.Config)
	setUpSessions(config, fence)
	return config, nil
}

// pools are the connections that read, by purpose, so that no purpose waits for another.
type pools struct {
	nodePool   *pgxpool.Pool // for the node itself: its follower and its writer
	queryPool  *pgxpool.Pool // for reads of users, as many as the query queue lets run
	healthPool *pgxpool.Pool // for checks of the store, such as /health
}

// How many connections each pool has; pool_max_conns in the URL changes that of queryPool. With the
// writer they are seven.
const nodeConnections, queryConnections, healthConnections = 2, 3, 1

func openPools(ctx context.Context, base *pgxpool.Config, opts Options) (p pools, err error) {
	own, users, probe := readConfig(base, opts), readConfig(base, opts), readConfig(base, opts)
	own.MaxConns, own.MinConns, own.MinIdleConns = nodeConnections, 0, 0
	probe.MaxConns, probe.MinConns, probe.MinIdleConns = healthConnections, 0, 0
	if !strings.Contains(base.ConnString(), "pool_max_conns") {
		users.MaxConns = queryConnections
	}
	for _, row := range []struct {
		into   **pgxpool.Pool
		config *pgxpool.Config
	}{{&p.nodePool, own}, {&p.queryPool, users}, {&p.healthPool, probe}} {
		if *row.into, err = pgxpool.NewWithConfig(ctx, row.config); err != nil {
			p.close()
			return pools{}, err
		}
	}
	return p, nil
}

// close closes the open pools after the running reads.
func (p pools) close() {
	for _, pool := range []*pgxpool.Pool{p.nodePool, p.queryPool, p.healthPool} {
		if pool != nil {
			pool.Close()
		}
	}
}

// readConfig returns the configuration of a pool of connections that read.
func readConfig(base *pgxpool.Config, opts Options) *pgxpool.Config {
	config := base.Copy()
	// An idle connection must answer a ping first; a dead one leaves time to read on another.
	config.PingTimeout = opts.queryTimeout / 4
	settings := fmt.Sprintf(`set statement_timeout = %d`, opts.queryTimeout.Milliseconds())
	if !pooled(config.ConnConfig) {
		config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, settings)
			return err
		}
	}
	return config
}

// listenConfig returns the configuration of the connection that listens. It passes notifications to
// the append signal.
func listenConfig(base *pgxpool.Config, h *appendSignal) *pgconn.Config {
	config := base.ConnConfig.Config.Copy()
	config.RuntimeParams["application_name"] = listenerName
	neverCancel(config)
	config.OnNotification = h.received
	return config
}

// connecting is the key of a context in which neverCancel lets a connection be made.
type connecting struct{}

func toConnect(ctx context.Context) context.Context {
	return context.WithValue(ctx, connecting{}, true)
}

// neverCancel keeps pgx from cancelling the statement of a dropped connection, for which it would
// connect again. Cancelling an append that waits for a synchronous standby would make it visible
// before it is safe.
func neverCancel(config *pgconn.Config) {
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if ctx.Value(connecting{}) == nil {
			return nil, errNoCancel
		}
		return dial(ctx, network, address)
	}
}

var errNoCancel = errors.New("statements on this connection are never cancelled")

// abandon closes a connection at once, without a message to the server, which may still be working.
// neverCancel must have been applied to it.
func abandon(conn *pgconn.PgConn) {
	conn.Conn().Close()
	conn.Close(context.Background())
	<-conn.CleanupDone()
}

// checkServer refuses a server that cannot keep the laws of the history.
func checkServer(ctx context.Context, conn *pgx.Conn) error {
	var (
		version                                            int
		encoding, fsync, fullPageWrites, synchronousCommit string
		inRecovery                                         bool
	)
	row := conn.QueryRow(ctx, `select current_setting('server_version_num')::int, current_setting('server_encoding'),
		current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
		pg_is_in_recovery()`)
	if err := row.Scan(&version, &encoding, &fsync, &fullPageWrites, &synchronousCommit, &inRecovery); err != nil {
		return fmt.Errorf("reading the server's settings: %w", err)
	}
	switch {
	case version < minVersion:
		return fmt.Errorf("the server is PostgreSQL %d; version %d or newer is needed", version/1_00_00, minVersion/1_00_00)
	case encoding != "UTF8":
		return fmt.Errorf("the database has the encoding %s; create one with the encoding UTF8", encoding)
	case inRecovery:
		return errStandby
	case fsync != "on":
		return unsafeSetting("fsync", fsync)
	case fullPageWrites != "on":
		return unsafeSetting("full_page_writes", fullPageWrites)
	case synchronousCommit != "on" && synchronousCommit != "remote_apply":
		return unsafeSetting("synchronous_commit", synchronousCommit)
	}
	return nil
}

var errStandby = errors.New("the server is a standby (pg_is_in_recovery); connect to its primary")

func unsafeSetting(name, value string) error {
	return fmt.Errorf("the server has %s = %s, with which acknowledged changes can be lost; set it to on", name, value)
}

// connectError makes one line of the error of a failed connection, which has several lines if
// several addresses were tried.
func connectError(err error) error {
	var failed *pgconn.ConnectError
	if !errors.As(err, &failed) {
		return err
	}
	if errors.Is(err, pgconn.ErrStandbyConnection) {
		return errStandby
	}
	var reasons []string
	for line := range strings.Lines(failed.Unwrap().Error()) {
		if line = strings.TrimSpace(line); !slices.Contains(reasons, line) {
			reasons = append(reasons, line)
		}
	}
	c := failed.Config
	return &connectionError{
		text: fmt.Sprintf("connecting to database %q as user %q: %s", c.Database, c.User, strings.Join(reasons, "; ")),
		err:  err,
	}
}

// connectionError is an error with another text.
type connectionError struct {
	text string
	err  error
}

func (e *connectionError) Error() string { return e.text }
func (e *connectionError) Unwrap() error { return e.err }

// urlError says what is wrong with a URL. The library's text repeats the URL, and can only guess
// where the password is in a malformed one. This text leaves the URL out, and gives no reason if
// the password cannot be found.
func urlError(text string, err error) error {
	reason := "special characters in the user or the password must be percent-encoded, as in %40"
	if u, parseErr := url.Parse(text); parseErr == nil && u.Host != "" {
		reason = err.Error()
		if _, after, ok := strings.Cut(reason, "`: "); ok {
			reason = after
		}
		password, _ := u.User.Password()
		for _, secret := range append(u.Query()["password"], password) {
			if secret != "" {
				reason = strings.ReplaceAll(reason, secret, "xxxxx")
			}
		}
	}
	return fmt.Errorf("the database URL must look like postgres://user:password@host:5432/database: %s", reason)
}

var errExecMode = errors.New("default_query_exec_mode must be cache_describe for a pooler in transaction mode, and must be left out otherwise")

// pooled reports whether the URL is that of a pooler in transaction mode. Each transaction may then
// run in another session of the server, so nothing that belongs to a session can be used: no
// prepared statements, no SET, no LISTEN.
func pooled(config *pgx.ConnConfig) bool {
	return config.DefaultQueryExecMode == pgx.QueryExecModeCacheDescribe
}
