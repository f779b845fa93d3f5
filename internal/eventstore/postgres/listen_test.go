package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
)

// listeners selects how many sessions have sent LISTEN, and nothing since.
const listeners = `select count(*)::text from pg_stat_activity where datname = current_database()
	and application_name = 'configapi-writer' and state = 'idle' and query like '%listen configapi;%'`

// connection returns the connection that appends. The store may be using it.
func (w *writer) connection() *pgx.Conn {
	w.enter()
	defer w.leave()
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	return w.conn
}

// sessionOf returns the server process id of the connection that appends.
func sessionOf(t testing.TB, s *Store) (pid uint32) {
	t.Helper()
	if err := s.writer.use(t.Context(), func() error { pid = s.writer.conn.PgConn().PID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return pid
}

// mustHear fails unless s learns of records after a seq. Like a follower it reads after each Wait.
func mustHear(t testing.TB, s *Store, after eventstore.Seq) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if err := s.Wait(ctx, after); err != nil {
			t.Fatalf("Wait(%d): %v", after, err)
		}
		found, err := s.Read(ctx, after, eventstore.Limit{Records: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 {
			return
		}
	}
}

func TestNotificationsMakeWaitReturn(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other := mustOpen(t, dsn, Options{PollInterval: never}), mustOpen(t, dsn, Options{})
	var head eventstore.Head
	for range 20 {
		before := head.Seq
		head = mustAppend(t, other, head, 2)
		mustHear(t, s, before)
	}
}

// BenchmarkNotification measures an append of another node up to the time when this node has read
// it.
func BenchmarkNotification(b *testing.B) {
	dsn := postgrestest.NewDatabase(b)
	s, other := mustOpen(b, dsn, Options{}), mustOpen(b, dsn, Options{})
	var head eventstore.Head
	for b.Loop() {
		before := head.Seq
		head = mustAppend(b, other, head, 1)
		mustHear(b, s, before)
	}
}

func TestListenerListensAgainWhenItsConnectionIsCut(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s := mustOpen(t, dsn, Options{PollInterval: never, listenRetryMin: time.Millisecond})
	other, killer := mustOpen(t, dsn, Options{}), connect(t, dsn)
	head := mustAppend(t, other, eventstore.Head{}, 1)
	mustHear(t, s, 0)
	for range 3 {
		killer.exec(`select pg_terminate_backend($1::int)`, sessionOf(t, s))
		before := head.Seq
		head = mustAppend(t, other, head, 1)
		mustHear(t, s, before)
	}
}

func TestListenerNoticesASilentConnection(t *testing.T) {
	t.Parallel()
	t.Run("that appends", func(t *testing.T) { silenceListener(t, false) })
	t.Run("of its own", func(t *testing.T) { silenceListener(t, true) })
}

func silenceListener(t *testing.T, apart bool) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	proxy := newProxy(t, dsn)
	// A ping is also how long a new connection may take to answer, so a busy machine needs many
	// tries.
	opts := Options{PollInterval: never, listenPing: 50 * time.Millisecond, listenRetryMin: time.Millisecond, listenRetryMax: 5 * time.Millisecond}
	if apart {
		opts.ListenURL = proxy.dsn
	}
	s, other := mustOpen(t, dsn, opts), mustOpen(t, dsn, Options{})
	if !apart {
		proxy.carryAppends(t, s)
	}
	head := mustAppend(t, other, eventstore.Head{}, 1)
	mustHear(t, s, 0)
	proxy.silence()
	mustAppend(t, other, head, 1)
	mustHear(t, s, head.Seq)
}

func TestStoreWithoutWaitDoesNotListen(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	proxy := newProxy(t, dsn)
	s := mustOpen(t, dsn, Options{ListenURL: proxy.dsn})
	mustHaveHead(t, s, mustAppend(t, s, eventstore.Head{}, 1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(t.Context(), 1); !errors.Is(err, errClosed) {
		t.Errorf("Wait after Close: got %v, want %v", err, errClosed)
	}
	if n := proxy.carried.Load(); n != 0 {
		t.Errorf("%d connections were made to listen", n)
	}
}

func TestWithoutListeningTheTickDoesIt(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	nowhere := "postgres://127.0.0.1:1/none"
	s := mustOpen(t, dsn, Options{PollInterval: time.Millisecond, ListenURL: nowhere})
	other := mustOpen(t, dsn, Options{PollInterval: never, ListenURL: nowhere})
	head := mustAppend(t, other, eventstore.Head{}, 1)
	mustHear(t, s, 0)
	mustHear(t, other, 0) // its own append, so at once
	mustAppend(t, other, head, 1)
	mustHear(t, s, head.Seq)
}

func TestNotificationOfNothingDoesNotKeepWaitFromWaiting(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other := mustOpen(t, dsn, Options{PollInterval: never}), connect(t, dsn)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	waited := make(chan error)
	go func() { waited <- s.Wait(ctx, 0) }()
	other.until("1", listeners)
	other.exec(`select pg_notify('configapi', 'anything'), pg_notify('configapi', '-1'), pg_notify('configapi', '1000000')`)
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	if found, err := s.Read(t.Context(), 0, eventstore.Limit{Records: 1}); err != nil || len(found) > 0 {
		t.Fatalf("Read: got %v, %v, want none", found, err)
	}
	if newest, _ := s.appends.state(); newest != 0 {
		t.Errorf("after a read that found nothing the store still believes in seq %d", newest)
	}
	mustAppend(t, s, eventstore.Head{}, 1)
	mustHear(t, s, 0)
}

func TestHintIsNotCorrectedByAReadThatBeganBeforeIt(t *testing.T) {
	t.Parallel()
	h := newAppendSignal()
	h.raise(3)
	before, _ := h.state()
	h.raise(7)
	h.lower(before, 2)
	if newest, _ := h.state(); newest != 7 {
		t.Errorf("newest: got %d, want 7", newest)
	}
	h.lower(7, 9)
	if newest, _ := h.state(); newest != 7 {
		t.Errorf("newest after a read beyond it: got %d, want 7", newest)
	}
}

func TestCloseEndsWaitsAndConnections(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other := mustOpen(t, dsn, Options{PollInterval: never}), connect(t, dsn)
	mustHaveHead(t, s, eventstore.Head{})
	waited := make(chan error)
	go func() { waited <- s.Wait(t.Context(), 0) }()
	other.until("1", listeners)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; !errors.Is(err, errClosed) {
		t.Errorf("Wait: got %v, want %v", err, errClosed)
	}
	if err := s.Wait(t.Context(), 0); !errors.Is(err, errClosed) {
		t.Errorf("Wait after Close: got %v, want %v", err, errClosed)
	}
	if err := s.Append(t.Context(), eventstore.Head{}, records(eventstore.Head{}, 1)); !errors.Is(err, eventstore.ErrNotWritten) {
		t.Errorf("Append after Close: got %v, want %v", err, eventstore.ErrNotWritten)
	}
	if _, err := s.Head(t.Context()); err == nil {
		t.Errorf("Head after Close: got no error")
	}
	other.until("0", `select count(*)::text from pg_stat_activity where datname = current_database() and application_name like 'configapi%'`)
}

// proxy forwards connections to a server until it goes silent or cuts them.
type proxy struct {
	dsn     string
	carried atomic.Int64 // number of connections
	cut     atomic.Int64 // the next answer and its connection end after so many bytes; 0: never
	target  func() (net.Conn, error)
	mu      sync.Mutex
	silent  chan struct{} // closed to make the present connections silent
	running sync.WaitGroup
}

func newProxy(t *testing.T, dsn string) *proxy {
	t.Helper()
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(with(t, dsn, "host", dir, "port", "5432"))
	if err != nil {
		t.Fatal(err)
	}
	u.Host = ""
	p := &proxy{dsn: u.String(), silent: make(chan struct{})}
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	p.target = func() (net.Conn, error) { return net.Dial(network, address) }
	p.running.Go(func() { p.accept(l) })
	t.Cleanup(func() {
		l.Close()
		p.silence()
		p.running.Wait()
	})
	return p
}

// carryAppends makes the appending connection of a store, and no other one, go through the proxy.
func (p *proxy) carryAppends(t *testing.T, s *Store) {
	t.Helper()
	through, err := pgconn.ParseConfig(p.dsn)
	if err != nil {
		t.Fatal(err)
	}
	own := &s.writer.config.Config
	own.Host, own.Port, own.TLSConfig, own.Fallbacks = through.Host, through.Port, through.TLSConfig, through.Fallbacks
	s.writer.drop()
}

// silence keeps all present connections open, but forwards nothing any more.
func (p *proxy) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.silent)
	p.silent = make(chan struct{})
}

func (p *proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		p.carried.Add(1)
		p.mu.Lock() // once: a connection to a target ends or goes silent with that target
		target, silent := p.target, p.silent
		p.mu.Unlock()
		server, err := target()
		if err != nil {
			client.Close()
			continue
		}
		p.running.Go(func() { pass(server, client, new(atomic.Int64), silent) })
		p.running.Go(func() { pass(client, server, &p.cut, silent) })
	}
}

// pass copies until it goes silent; from then on it drops all bytes.
func pass(dst, src net.Conn, cut *atomic.Int64, silent <-chan struct{}) {
	defer dst.Close()
	buf := make([]byte, 1<<10)
	for {
		n, err := src.Read(buf)
		if err != nil {
			return
		}
		select {
		case <-silent:
			io.Copy(io.Discard, src)
			return
		default:
		}
		if end := cut.Swap(0); end > 0 {
			dst.Write(buf[:min(n, int(end))])
			src.Close()
			return
		}
		dst.Write(buf[:n])
	}
}
