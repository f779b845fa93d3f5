package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// databasePath returns the absolute path of a file, without symbolic links. The path then stays
// valid when the working directory changes, and one file has one lock whatever name it is opened
// by. Paths that SQLite does not take for a plain file are refused.
func databasePath(path string) (string, error) {
	switch {
	case path == "":
		return "", errors.New("the path is empty")
	case path == ":memory:":
		return "", errors.New(":memory: is not a file; use the store memory for a history in memory")
	case strings.HasPrefix(path, "file:"):
		return "", errors.New("the path must name a file; it must not be a URI")
	}
	file, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return resolveLinks(file)
}

// resolveLinks follows symbolic links, also in a path whose last elements do not exist yet.
func resolveLinks(file string) (string, error) {
	real, err := filepath.EvalSymlinks(file)
	if !errors.Is(err, fs.ErrNotExist) || file == filepath.Dir(file) {
		return real, err
	}
	info, err := os.Lstat(file)
	switch {
	case err == nil && info.Mode()&fs.ModeSymlink == 0:
		return resolveLinks(file) // it was made in the meantime
	case err == nil:
		return "", fmt.Errorf("%s is a symbolic link to a missing file; make that file or remove the link", file)
	}
	dir, err := resolveLinks(filepath.Dir(file))
	return filepath.Join(dir, filepath.Base(file)), err
}

// makeDir makes a directory and its parents. Only the owner may enter them, because values of
// configs may be secrets. Each is on disk before something is put into it: SQLite itself syncs only
// the directory of its file.
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

// createFile makes the database file. Only the owner may read it, because values of configs may be
// secrets; SQLite gives its files beside it the same rights. An existing file is not opened,
// because closing it would drop the POSIX locks that other stores of this process hold on it.
func createFile(file string) error {
	left, err := leftoverLog(file)
	if err != nil {
		return err
	}
	info, err := os.Stat(file) // after looking for the log, which SQLite makes later than the file
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case info.Mode().IsRegular() && linkCount(info) > 1:
		return fmt.Errorf("it has %d hard links, and a write-ahead log could lie beside each of them; remove all but one", linkCount(info))
	case info.Size() > 0:
		return nil
	}
	if left != "" {
		return fmt.Errorf("the file is empty or missing, but %s of an older history is left; put that database back, or rename %[1]s to begin a new history", left)
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

// leftoverLog returns the path of a file that SQLite keeps beside a database only while it is open,
// or "" if there is none.
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

// escape returns a path with those characters escaped that have a meaning in a URI.
func escape(file string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(file))
}
