package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"configapi/internal/processtest"
)

const (
	// startTimeout is how long a server may take to accept connections, recovery after a crash
	// included, and stopTimeout how long it may take to end.
	startTimeout = 30 * time.Second
	stopTimeout  = time.Minute

	// In the directory of a cluster: that of its data, a file with the password of its superuser, and
	// what the server logs.
	dataName     = "data"
	passwordName = "password"
	logName      = "log"
)

// Cluster is a PostgreSQL server with data of its own. Its methods are for one goroutine.
//
// Everything that makes writes durable (fsync, synchronous_commit, full_page_writes) is as PostgreSQL has it by default.
type Cluster struct {
	// Settings are lines of postgresql.conf, as in "fsync=off". They hold from the next Start on.
	Settings []string

	bin      string // the directory of postgres and initdb
	home     *home
	owner    *syscall.Credential // who runs the server; nil: whoever runs this process
	port     int
	password string
	stock    bool                 // its settings are those of initdb
	server   *processtest.Process // nil: stopped
}

// Shutdown is a way to stop a server.
type Shutdown syscall.Signal

const (
	// Fast ends all connections, and writes everything to its place first.
	Fast = Shutdown(syscall.SIGINT)
	// Immediate stops at once; the next start has to recover from the log, as after a crash.
	Immediate = Shutdown(syscall.SIGQUIT)
	// Kill is kill -9 of the server: nothing gets a chance to end in good order.
	Kill = Shutdown(syscall.SIGKILL)
)

// New makes a cluster and starts it. Whoever calls it calls Close. It is a copy of the template that TEST_POSTGRES_TEMPLATE
// names, if it does.
func New(ctx context.Context, settings ...string) (*Cluster, error) {
	return NewFrom(ctx, os.Getenv(EnvTemplate), settings...)
}

// NewFrom is New with a template: the Dir of a cluster that does not run. "" means none.
func NewFrom(ctx context.Context, template string, settings ...string) (*Cluster, error) {
	return (&Cluster{Settings: settings}).started(ctx, "", template)
}

// NewStock makes a cluster for measurements, and starts it: its data are in a directory below dir,
// which the owner of servers must be able to reach, its settings are those that initdb gives, and it
// is reached by [Cluster.TCPDSN] alone. Whoever calls it calls Close.
func NewStock(ctx context.Context, dir string) (*Cluster, error) {
	return (&Cluster{stock: true}).started(ctx, dir, "")
}

// NewTemplate makes a cluster, as New does, but does not start it. A copy of it is made in a tenth of the time.
func NewTemplate(ctx context.Context) (*Cluster, error) {
	return (&Cluster{}).made(ctx, "", os.Getenv(EnvTemplate))
}

// started makes the cluster, and starts it.
func (c *Cluster) started(ctx context.Context, base, template string) (*Cluster, error) {
	if _, err := c.made(ctx, base, template); err != nil {
		return nil, err
	}
	if err := c.Start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// made makes the cluster, below a directory unless that is "", and of a template unless that is "".
func (c *Cluster) made(ctx context.Context, base, template string) (_ *Cluster, err error) {
	if c.bin, err = binaries(ctx, os.Stderr, places); err != nil {
		return nil, err
	}
	if c.owner, err = serverOwner(); err != nil {
		return nil, err
	}
	if base == "" {
		base = baseDir(c.owner)
	}
	if c.home, err = newHome(base, c.owner); err != nil {
		return nil, fmt.Errorf("making a directory for PostgreSQL: %w", err)
	}
	if template == "" {
		err = c.initialize(ctx)
	} else {
		err = c.copy(ctx, template)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// DSN is the URL of a database of the cluster for its superuser, by way of a socket that nobody else can reach.
func (c *Cluster) DSN(database string) string {
	query := url.Values{"host": {c.home.dir}, "port": {strconv.Itoa(c.port)}}
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database, RawQuery: query.Encode()}
	return u.String()
}

// TCPDSN is the URL of a database of the cluster for its superuser, by way of 127.0.0.1 and with a password.
func (c *Cluster) TCPDSN(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", c.password), Host: c.address(), Path: "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Dir is the directory of the cluster's data. The server must not run while something is changed in it.
func (c *Cluster) Dir() string { return filepath.Join(c.home.dir, dataName) }

// Start starts the server, and returns when it accepts connections. Its port stays the same.
func (c *Cluster) Start(ctx context.Context) error {
	if c.server != nil {
		return errors.New("starting PostgreSQL: it runs already")
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if c.port == 0 {
			port, err := freePort()
			if err != nil {
				return err
			}
			c.port = port
		}
		server, err := startServer(ctx, c.command(filepath.Join(c.bin, "postgres"), c.arguments()...),
			filepath.Join(c.home.dir, logName), "database system is ready to accept ")
		switch {
		case err == nil:
			c.server = server
			return nil
		case ctx.Err() == nil && strings.Contains(err.Error(), "could not bind"):
			c.port = 0 // taken by somebody else since it was found free
		default:
			return fmt.Errorf("starting PostgreSQL: %w", err)
		}
	}
}

// startServer starts a server, and returns when it says in its log that it accepts connections. The
// error ends with that log.
func startServer(ctx context.Context, cmd *exec.Cmd, log, accepts string) (*processtest.Process, error) {
	// With this signal PostgreSQL ends in good order, and pgbouncer ends too.
	p, err := processtest.Start(cmd, log, syscall.SIGQUIT)
	if err != nil {
		return nil, err
	}
	if _, err := p.AwaitLog(ctx, accepts); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// Stop stops the server, and returns when it has ended, with all its processes. The data stays.
func (c *Cluster) Stop(how Shutdown) error {
	if c.server == nil {
		return errors.New("stopping PostgreSQL: it does not run")
	}
	err := c.server.Stop(syscall.Signal(how), stopTimeout)
	c.server = nil
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil // its exit code tells how it was stopped
	}
	return err
}

// CPU is the processor time that the server has used, with all its processes; 0 where the system
// does not say.
func (c *Cluster) CPU() time.Duration {
	if c.server == nil {
		return 0
	}
	return c.server.CPU()
}

// Close stops the server if it runs, and removes all files.
func (c *Cluster) Close() error {
	var err error
	if c.server != nil {
		err = c.Stop(Immediate)
	}
	return errors.Join(err, c.home.remove())
}

func (c *Cluster) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)) }

func (c *Cluster) initialize(ctx context.Context) error {
	c.password = randomText()
	if err := c.keepPassword(); err != nil {
		return err
	}
	options := []string{
		"--pgdata=" + c.Dir(), "--username=postgres", "--pwfile=" + filepath.Join(c.home.dir, passwordName),
		"--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions",
	}
	if !c.stock {
		options = append(options, "--no-sync", "--wal-segsize=1")
	}
	return c.run(ctx, "initializing PostgreSQL", filepath.Join(c.bin, "initdb"), options...)
}

// keepPassword writes the password beside the data, where a copy of the cluster looks for it.
func (c *Cluster) keepPassword() error {
	password := filepath.Join(c.home.dir, passwordName)
	if err := os.WriteFile(password, []byte(c.password), 0o600); err != nil {
		return err
	}
	return c.home.give(password)
}

// copy takes over the data and the password of a template.
func (c *Cluster) copy(ctx context.Context, template string) error {
	password := filepath.Join(filepath.Dir(template), passwordName)
	if err := c.run(ctx, "copying "+template, "cp", "-Rp", template, password, c.home.dir); err != nil {
		return err
	}
	text, err := os.ReadFile(password)
	c.password = string(text)
	return err
}

// run runs a command to its end, unless ctx ends first.
func (c *Cluster) run(ctx context.Context, what, program string, args ...string) error {
	out, err := c.command(program, args...).CombinedOutput()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%s: %w\n%s", what, err, out)
	}
	return ctx.Err()
}

func (c *Cluster) arguments() []string {
	settings := []string{"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(c.port)}
	if c.stock { // a socket's path could be too long in its directory
		settings = append(settings, "unix_socket_directories=")
	} else {
		settings = append(settings, "unix_socket_directories="+c.home.dir, "max_connections=200", "shared_buffers=64MB", "max_wal_size=256MB", "logging_collector=off",
			"log_destination=stderr", "jit=off")
	}
	args := []string{"-D", c.Dir()}
	for _, setting := range slices.Concat(settings, c.Settings) {
		args = append(args, "-c", setting)
	}
	return args
}

// command returns a command to be run by the owner of the cluster, and free of the environment's settings for clients and
// servers.
func (c *Cluster) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = c.home.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	return cmd
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
