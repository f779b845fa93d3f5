// Package sqlite keeps a history in one SQLite file: the event store of a single node.
//
// It keeps all laws of [eventstore.Store]. An acknowledged append is on disk: the file is in WAL
// mode with synchronous=FULL, the store reads both settings back on every connection that writes,
// and it refuses a file that does not take them. When the file is removed or replaced while the
// store is open, the store stops acknowledging appends: see [eventstore.ErrReplaced]. It never
// replays a write-ahead log that belongs to another file.
//
// Other stores, in this process or others, may read and append to the same file at the same time.
// [Options.Lock] makes sure that only one server runs on it. Files on a network are not supported:
// SQLite's WAL needs memory shared by all processes that have the file open.
//
// One connection writes. Two pools of connections read, one for the node itself and one for users,
// so that neither waits for the other; the writer makes checkpoints itself, between appends.
package sqlite

import (
	"cmp"
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
	"configapi/internal/eventstore/queryqueue"
)

var _ eventstore.Store = (*Store)(nil)

// ErrLocked is wrapped by [Open] with [Options.Lock] when another store holds the lock.
var ErrLocked = errors.New("another server is running on this file")

var errClosed = errors.New("the store is closed")

var errReadOnly = errors.New("the store is open for reading only")

// Options are the settings of a [Store]. The zero Options are those of a store that reads and
// writes, without a lock.
type Options struct {
	// ReadOnly opens a file that exists already, and changes nothing in it. SQLite may leave its
	// -wal and -shm files beside it.
	ReadOnly bool
	// Lock takes the server's lock on the file, which only one open store can hold: [Open] returns
	// [ErrLocked] for the second. A store with ReadOnly takes none.
	Lock bool
	// Restoring opens the file to restore a backup into it: large appends are faster, and the
	// writer keeps up to 64 MiB in memory.
	Restoring bool
	// PollInterval is how often Wait looks for appends of other stores. 0 means 500 ms; a negative
	// one is refused.
	PollInterval time.Duration
	// Log gets what operators should know of the file. nil means that nothing is logged.
	Log *slog.Logger

	// Only tests set the following. 0, "" and nil mean the default.

	// busyTimeout is how long an append waits while another store writes to the file: 5 s.
	busyTimeout time.Duration
	// queryReaders is how many reads of users run at once: half of the CPUs, at least 1.
	queryReaders    int
	checkpointBytes int64  // how long the write-ahead log grows before a checkpoint
	vfs             string // SQLite's VFS
	openLog         func(path string) (logFile, error)
}

func (o Options) check() error {
	if o.PollInterval < 0 {
		return fmt.Errorf("the poll interval is %v; it must not be negative", o.PollInterval)
	}
	return nil
}

func (o Options) withDefaults() Options {
	o.PollInterval = cmp.Or(o.PollInterval, 500*time.Millisecond)
	o.busyTimeout = cmp.Or(o.busyTimeout, 5*time.Second)
	o.queryReaders = cmp.Or(o.queryReaders, max(1, runtime.GOMAXPROCS(0)/2))
	if o.Restoring {
		o.checkpointBytes = cmp.Or(o.checkpointBytes, restoreCheckpointBytes)
	}
	o.checkpointBytes = cmp.Or(o.checkpointBytes, checkpointBytes)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.openLog == nil {
		o.openLog = func(path string) (logFile, error) { return os.OpenFile(path, os.O_RDWR, 0) }
	}
	return o
}

// minNodeReaders is how many reads of the node itself, such as those of its follower, run at once
// on a machine with few CPUs; otherwise as many run as there are CPUs. Further reads wait.
const minNodeReaders = 4

// vfsParameter returns the parameter of a URI that names SQLite's VFS.
func (o Options) vfsParameter(separator string) string {
	if o.vfs == "" {
		return ""
	}
	return separator + "vfs=" + o.vfs
}

// Store is a handle on the history in one file. Close it to free the file.
type Store struct {
	path         string
	opts         Options
	lock         io.Closer         // nil without Options.Lock
	writer       *writer           // nil when read-only
	nodeReaders  *readerPool       // for the node itself; nil until the file is known to exist
	queryReaders *readerPool       // for reads of users; as many as queries lets run
	queries      *queryqueue.Queue // the reads of users that wait for a reader
	files        *openFiles        // the files that the writer has open
	probe        *headProbe        // nil when read-only
	newest       newestSeq
}

// Open opens the history in the file at path. Unless [Options.ReadOnly] is set, it makes the file
// and its directory if they are missing, and brings the tables to the present schema. The caller
// must call [Store.Close].
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	if err := opts.check(); err != nil {
		return nil, fmt.Errorf("opening sqlite store %q: %w", path, err)
	}
	s := &Store{path: path, opts: opts.withDefaults()}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening sqlite store %q: %w", path, err), s.Close())
	}
	return s, nil
}

// Close frees the file after a running append. The last store on a file makes a checkpoint of the
// whole log.
func (s *Store) Close() error {
	var errs []error
	if s.nodeReaders != nil {
		s.nodeReaders.close()
		s.queryReaders.close()
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

// closeWriter closes the remaining connections. When the last connection that can write is closed,
// SQLite makes a checkpoint that the log's marker does not mention. So the writer may be that
// connection only when its log is empty.
func (s *Store) closeWriter() error {
	if s.writer.checkpointNow(context.Background()) {
		s.probe.close()
	}
	err := s.writer.close()
	s.probe.close()
	return err
}

func (s *Store) open(ctx context.Context) error {
	file, err := databasePath(s.path)
	if err != nil {
		return err
	}
	barrier := new(readBarrier)
	if s.opts.ReadOnly {
		if err := checkLogOwner(file, s.opts); err != nil {
			return err
		}
		return s.openReaders(ctx, file, barrier)
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
	if err := createFile(file); err != nil {
		return err
	}
	if err := checkLogOwner(file, s.opts); err != nil {
		return err
	}
	if s.writer, err = openWriter(ctx, file, s.opts, barrier); err != nil {
		return err
	}
	s.files = s.writer.files
	if s.probe, err = openHeadProbe(ctx, file, s.opts, barrier); err != nil {
		return err
	}
	return s.openReaders(ctx, file, barrier)
}

// warnOfRights logs a warning if others may replace the file in its directory. The file itself is
// readable by its owner alone.
func (s *Store) warnOfRights(dir string) {
	info, err := os.Stat(dir)
	if err == nil && info.Mode().Perm()&0o022 != 0 {
		s.opts.Log.Warn("other users can write to the directory of the history and replace its file; run chmod 700 on it", "directory", dir, "mode", info.Mode().String())
	}
}

func (s *Store) openReaders(ctx context.Context, file string, barrier *readBarrier) error {
	if _, err := os.Stat(file); err != nil {
		return err
	}
	s.queries = queryqueue.New(s.opts.queryReaders)
	s.queryReaders = newReaderPool(file, s.opts, s.opts.queryReaders)
	s.nodeReaders = newReaderPool(file, s.opts, max(minNodeReaders, runtime.GOMAXPROCS(0)))
	for _, pool := range []*readerPool{s.nodeReaders, s.queryReaders} {
		pool.barrier, pool.files = barrier, s.files
	}
	return s.nodeReaders.use(ctx, func(*reader) error { return nil }) // opens one connection
}
