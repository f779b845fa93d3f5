package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// absolute returns the absolute form of a path, so that the file stays the same when the working directory changes. What
// SQLite would take for something other than a plain file is refused.
func absolute(path string) (string, error) {
	switch {
	case path == "":
		return "", errors.New("the path is empty")
	case path == ":memory:":
		return "", errors.New("a history in memory is what the store memory is for")
	case strings.HasPrefix(path, "file:"):
		return "", errors.New("the path must be that of a file, not a URI")
	}
	return filepath.Abs(path)
}

// makeDir makes a directory and those above it. Each is on disk before anything goes into it: SQLite itself takes care of
// no more than the directory that its file is in.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// create makes the file, for its owner alone: values of configs may be secrets. SQLite gives the files that it puts beside
// it the same rights. A file that exists is not even opened, because closing it would take away the POSIX locks that
// other stores of this process hold on it.
func create(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// dsn returns the data source name for the connection that writes to a file.
func dsn(file string, opts Options, settings string) string {
	return fmt.Sprintf("file:%s?_busy_timeout=%d&%s", escape(file), opts.BusyTimeout.Milliseconds(), settings)
}

// escape makes a path part of a URI, where some characters have a meaning.
func escape(file string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(file))
}
