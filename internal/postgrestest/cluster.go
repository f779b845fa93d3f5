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

	// Names in the directory of a cluster: of its data, of a file with its superuser's password,
	// and of the server's log.
	dataName     = "data"
	passwordName = "password"
	logName      = "log"
)

// Cluster is a PostgreSQL server with its own data. Only one goroutine may use it at a time.
//
// Everything that makes writes durable (fsync, synchronous_commit, full_page_writes) has
// PostgreSQL's default.
type Cluster struct {
	// Settings are lines of postgresql.conf, such as "fsync=off". They apply from the next Start
	// on.
	Settings []string

	bin      string // the directory of postgres and initdb
	home     *home
	owner    *account // the user that runs the server; nil: the user of this process
	port     int
	password string
	stock    bool                 // its settings are those of initdb
	server   *processtest.Process // nil: stopped
}

// Shutdown is a way to stop a server.
type Shutdown syscall.Signal

const (
	// Fast ends all connections and writes a checkpoint.
	Fast = Shutdown(syscall.SIGINT)
	// Immediate stops at once; the next start recovers from the log, as after a crash.
	Immediate = Shutdown(syscall.SIGQUIT)
	// Kill is a kill -9 of the server.
	Kill = Shutdown(syscall.SIGKILL)
)

// New makes a cluster and starts it. It copies the template that TEST_POSTGRES_TEMPLATE names, if
// that is set. Settings are those of [Cluster.Settings]. The caller must call [Cluster.Close].
func New(ctx context.Context, settings ...string) (*Cluster, error) {
	return NewFrom(ctx, os.Getenv(EnvTemplate), settings...)
}

// NewFrom is New with a template: the Dir of a cluster that is not running. "" means none.
func NewFrom(ctx context.Context, template string, settings ...string) (*Cluster, error) {
	return (&Cluster{Settings: settings}).createAndStart(ctx, "", template)
}

// NewStock makes a cluster for measurements, and starts it: its data are below dir, which the owner
// of servers must be able to reach, its settings are those of initdb, and only [Cluster.TCPDSN]
// leads to it. The caller must call [Cluster.Close].
func NewStock(ctx context.Context, dir string) (*Cluster, error) {
	return (&Cluster{stock: true}).createAndStart(ctx, dir, "")
}

// NewTemplate makes a cluster as New does, but does not start it. Copying it takes a tenth of the
// time that making one takes. The caller must call [Cluster.Close].
func NewTemplate(ctx context.Context) (*Cluster, error) {
	return (&Cluster{}).create(ctx, "", os.Getenv(EnvTemplate))
}

// createAndStart creates the cluster and starts it.
func (c *Cluster) createAndStart(ctx context.Context, base, template string) (*Cluster, error) {
	if _, err := c.create(ctx, base, template); err != nil {
		return nil, err
	}
	if err := c.Start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// create creates the cluster below the directory base, or below that of [baseDir] if base is "",
// from a template unless that is "".
func (c *Cluster) create(ctx context.Context, base, template string) (_ *Cluster, err error) {
	if c.bin, err = binaries(ctx, os.Stderr, binaryDirs); err != nil {
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

// DSN returns the URL of a database for the cluster's superuser, through a socket that no other
// user can reach.
func (c *Cluster) DSN(database string) string {
	query := url.Values{"host": {c.home.dir}, "port": {strconv.Itoa(c.port)}}
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database, RawQuery: query.Encode()}
	return u.String()
}

// TCPDSN returns the URL of a database for the cluster's superuser, through 127.0.0.1 and with a
// password.
func (c *Cluster) TCPDSN(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", c.password), Host: c.address(), Path: "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Dir returns the directory of the cluster's data. Stop the server before changing anything in it.
func (c *Cluster) Dir() string { return filepath.Join(c.home.dir, dataName) }

// Start starts the server, and returns when it accepts connections or after 30 s with an error. The
// port stays the same.
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
			c.port = 0 // another process has taken the port
		default:
			return fmt.Errorf("starting PostgreSQL: %w", err)
		}
	}
}

// startServer starts a server, and returns when its log says that it accepts connections. The
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
		return nil // the exit code says how it was stopped
	}
	return err
}

// CPU returns the processor time that the server has used, with all its processes; 0 where the
// system does not say.
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
	if err := c.writePassword(); err != nil {
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

// writePassword writes the password beside the data, where copy looks for it.
func (c *Cluster) writePassword() error {
	password := filepath.Join(c.home.dir, passwordName)
	if err := os.WriteFile(password, []byte(c.password), 0o600); err != nil {
		return err
	}
	return c.home.giveToOwner(password)
}

// copy copies the data and the password of a template.
func (c *Cluster) copy(ctx context.Context, template string) error {
	password := filepath.Join(filepath.Dir(template), passwordName)
	if err := c.run(ctx, "copying "+template, "cp", "-Rp", template, password, c.home.dir); err != nil {
		return err
	}
	text, err := os.ReadFile(password)
	c.password = string(text)
	return err
}

// run runs a command to its end. If ctx has ended meanwhile, it returns the error of ctx.
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

// command returns a command that the cluster's owner runs, without the environment's settings for
// PostgreSQL.
func (c *Cluster) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = c.home.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = c.owner.attributes()
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
