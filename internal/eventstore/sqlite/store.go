// Package sqlite keeps a history in one SQLite file: the event store of a single node.
//
// It keeps all laws of [eventstore.Store]. An acknowledged append is on disk: the file is in WAL mode with
// synchronous=FULL, both are read back on every connection that writes, and a file that does not take them is refused.
// Other stores, in this process or another, may read and even append to the same file at the same time; that only one
// server runs on it is what [Options.Lock] is for. Files on a network are not supported: SQLite's WAL needs memory shared
// by all who have the file open.
//
// One connection writes and a pool of read-only connections reads, so neither waits for the other.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/lane"
)

var _ eventstore.Store = (*Store)(nil)

// ErrLocked is what [Open] returns for [Options.Lock] when another store has the lock.
var ErrLocked = errors.New("another server is running on this file")

// Options are the settings of a [Store]. The zero Options are those of a store that reads and writes, without a lock.
type Options struct {
	// ReadOnly opens a file that exists already, and changes nothing in it. (SQLite may leave its -wal and -shm beside it.)
	ReadOnly bool
	// Lock takes the lock of the server, which only one open store can have: [ErrLocked] tells the second. A store that
	// is open for reading only takes none.
	Lock bool
	// PollInterval is how often Wait looks for appends of other stores. 0 means 500 ms. Own ones are seen at once.
	PollInterval time.Duration
	// BusyTimeout is how long an append waits while another store writes to the file. 0 means 5 s.
	BusyTimeout time.Duration
	// Readers is how many reads of the store's own node run at once; further ones wait. 0 means 4,
	// or the number of CPUs if that is more.
	Readers int
	// Users bounds the reads for users. They run in this process, so they take the CPUs away from
	// all else. 0 running means half of the CPUs, at least one.
	Users lane.Options
	// Log gets what operators should know of the file. nil: nothing is logged.
	Log *slog.Logger

	// Of tests: SQLite's VFS, "" for its own; how the write-ahead log is opened; and from what
	// length on it is folded.
	vfs     string
	openLog func(path string) (logFile, error)
	foldAt  int64
}

func (o Options) withDefaults() Options {
	if o.PollInterval == 0 {
		o.PollInterval = 500 * time.Millisecond
	}
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 5 * time.Second
	}
	if o.Readers == 0 {
		o.Readers = max(4, runtime.GOMAXPROCS(0))
	}
	if o.Users.Running == 0 {
		o.Users.Running = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.openLog == nil {
		o.openLog = func(path string) (logFile, error) { return os.OpenFile(path, os.O_RDWR, 0) }
	}
	if o.foldAt == 0 {
		o.foldAt = foldAt
	}
	return o
}

// vfsParameter is the parameter of a URI that names SQLite's VFS.
func (o Options) vfsParameter(separator string) string {
	if o.vfs == "" {
		return ""
	}
	return separator + "vfs=" + o.vfs
}

// Store is a handle on the history in one file. Close it to free the file.
type Store struct {
	path    string
	opts    Options
	lock    io.Closer // nil without Options.Lock
	writer  *writer   // nil when read-only
	readers *readers  // of the node's own; nil until the file is known to be there
	users   *readers  // as many as run in the lane
	lane    *lane.Lane
	files   *files  // that writer has open
	probe   *probe  // nil when read-only
	signal  *signal // of own appends
}

// Open opens the history in the file at path. Unless it is to be read only, the file and its directory are made when they
// are missing, and its tables are brought to the present schema.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	s := &Store{path: path, opts: opts.withDefaults(), signal: newSignal()}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening sqlite store %q: %w", path, err), s.Close())
	}
	return s, nil
}

// Path returns the path that the store was opened with.
func (s *Store) Path() string { return s.path }

// Close frees the file, after an append that is under way. The last store to close a file folds the write-ahead log into
// it.
func (s *Store) Close() error {
	var errs []error
	if s.readers != nil {
		s.readers.close()
		s.users.close()
	}
	if s.writer != nil {
		errs = append(errs, s.closeWriter())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing sqlite store %q: %w", s.path, err)
	}
	return nil
}

// closeWriter closes the connections that are left. The last one that can write would fold the log
// without saying so in it first, so it is the last one only when the log is empty.
func (s *Store) closeWriter() error {
	if s.writer.foldNow(context.Background()) {
		s.probe.close()
	}
	err := s.writer.close()
	s.probe.close()
	return err
}

func (s *Store) open(ctx context.Context) error {
	file, err := absolute(s.path)
	if err != nil {
		return err
	}
	gate := new(gate)
	if s.opts.ReadOnly {
		if err := checkLog(file, s.opts); err != nil {
			return err
		}
		return s.openReaders(ctx, file, gate)
	}
	if err := makeDir(filepath.Dir(file), syncDir); err != nil {
		return fmt.Errorf("making its directory: %w", err)
	}
	s.warnOfRights(filepath.Dir(file))
	if s.opts.Lock {
		if s.lock, err = takeLock(file); err != nil {
			return err
		}
	}
	if err := create(file); err != nil {
		return err
	}
	if err := checkLog(file, s.opts); err != nil {
		return err
	}
	if s.writer, err = openWriter(ctx, file, s.opts, gate); err != nil {
		return err
	}
	s.files = s.writer.files
	if s.probe, err = openProbe(ctx, file, s.opts, gate); err != nil {
		return err
	}
	return s.openReaders(ctx, file, gate)
}

// warnOfRights logs a warning about a directory in which others may replace the file. The file
// itself is for its owner alone.
func (s *Store) warnOfRights(dir string) {
	info, err := os.Stat(dir)
	if err == nil && info.Mode().Perm()&0o022 != 0 {
		s.opts.Log.Warn("others may write to the directory of the history; take that right away with chmod 700", "directory", dir, "mode", info.Mode().String())
	}
}

func (s *Store) openReaders(ctx context.Context, file string, gate *gate) error {
	if _, err := os.Stat(file); err != nil {
		return err
	}
	s.lane = lane.New(s.opts.Users)
	s.readers, s.users = newReaders(file, s.opts, s.opts.Readers), newReaders(file, s.opts, s.opts.Users.Running)
	for _, pool := range []*readers{s.readers, s.users} {
		pool.gate, pool.files = gate, s.files
	}
	return s.readers.use(ctx, func(*reader) error { return nil }) // which opens one
}
