package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// absolute returns the absolute path of a file without symbolic links, so that the file stays the
// same when the working directory changes, and its lock is the same whatever name it is opened by.
// What SQLite would take for something other than a plain file is refused.
func databasePath(path string) (string, error) {
	switch {
	case path == "":
		return "", errors.New("the path is empty")
	case path == ":memory:":
		return "", errors.New("a history in memory is what the store memory is for")
	case strings.HasPrefix(path, "file:"):
		return "", errors.New("the path must be that of a file, not a URI")
	}
	file, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return resolveLinks(file)
}

// resolve follows symbolic links, also where nothing is yet.
func resolveLinks(file string) (string, error) {
	real, err := filepath.EvalSymlinks(file)
	if !errors.Is(err, fs.ErrNotExist) || file == filepath.Dir(file) {
		return real, err
	}
	info, err := os.Lstat(file)
	switch {
	case err == nil && info.Mode()&fs.ModeSymlink == 0:
		return resolveLinks(file) // it was made meanwhile
	case err == nil:
		return "", fmt.Errorf("%s is a symbolic link that leads to nothing: make the file that it names, or remove the link", file)
	}
	dir, err := resolveLinks(filepath.Dir(file))
	return filepath.Join(dir, filepath.Base(file)), err
}

// makeDir makes a directory and those above it, for their owner alone: values of configs may be
// secrets. Each is on disk before anything goes into it: SQLite itself takes care of no more than
// the directory that its file is in.
func makeDir(dir string, sync func(dir string) error) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDir(parent, sync); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return sync(parent)
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
func createFile(file string) error {
	left, err := leftoverLog(file)
	if err != nil {
		return err
	}
	info, err := os.Stat(file) // after the look at the log, which is made later than the file
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case info.Mode().IsRegular() && linkCount(info) > 1:
		return fmt.Errorf("it has %d names (hard links), beside each of which a write-ahead log could be: remove all but one", linkCount(info))
	case info.Size() > 0:
		return nil
	}
	if left != "" {
		return fmt.Errorf("there is no history in it, but %s of one is left: put that database back, or move %[1]s away to begin a new history", left)
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// logOf returns the path of what SQLite keeps beside a database only while it is open, "" when
// there is none.
func leftoverLog(file string) (string, error) {
	for _, suffix := range []string{"-wal", "-shm"} {
		_, err := os.Lstat(file + suffix)
		if err == nil {
			return file + suffix, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", nil
}

// dsn returns the data source name for the connection that writes to a file.
func dsn(file string, opts Options, settings string) string {
	return fmt.Sprintf("file:%s?_busy_timeout=%d&%s", escape(file), opts.busyTimeout.Milliseconds(), settings) + opts.vfsParameter("&")
}

// escape makes a path part of a URI, where some characters have a meaning.
func escape(file string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(file))
}
