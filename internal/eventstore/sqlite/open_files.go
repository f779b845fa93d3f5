package sqlite

import (
	"errors"
	"fmt"
	"io/fs"

	"configapi/internal/eventstore"
)

// suffixes are appended to the path of the database: "" for the file itself, and those of SQLite's
// files beside it.
var suffixes = [...]string{"", "-wal", "-shm"}

// openFiles identifies the files that a connection has open. They stay the same as long as a
// connection is open.
type openFiles struct {
	path string
	ids  [len(suffixes)]fileID
}

// findOpenFiles identifies the files of a connection that was opened just now.
func findOpenFiles(path string) (*openFiles, error) {
	f := &openFiles{path: path}
	for i, suffix := range suffixes {
		seen, err := identify(path + suffix)
		if err != nil {
			return nil, err
		}
		f.ids[i] = seen
	}
	return f, nil
}

// check returns an error that wraps [eventstore.ErrReplaced] unless the paths still lead to the
// open files. What is written to a file without a path is lost when the last process closes it.
//
// A nil *openFiles always passes: a store that only reads may open the file that is there.
func (f *openFiles) check() error {
	if f == nil {
		return nil
	}
	_, err := f.checkFirst(len(suffixes))
	return err
}

// checkWritten is check for the database and its log. It also returns the length of the log.
func (f *openFiles) checkWritten() (logBytes int64, err error) { return f.checkFirst(2) }

// checkFirst checks the first n files, and returns the length of the last one.
func (f *openFiles) checkFirst(n int) (bytes int64, err error) {
	for i, suffix := range suffixes[:n] {
		seen, err := identify(f.path + suffix)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return 0, fmt.Errorf("%w: %s%s is gone; stop the server, put the file back, and start again", eventstore.ErrReplaced, f.path, suffix)
		case err != nil:
			return 0, err
		case !seen.sameFile(f.ids[i]):
			return 0, fmt.Errorf("%w: %s%s is another file now; stop the server, put the right one there, and start again",
				eventstore.ErrReplaced, f.path, suffix)
		}
		bytes = seen.bytes
	}
	return bytes, nil
}

// mayCheckpoint reports whether a checkpoint may copy the log into the database file and remove the
// log. The paths must lead to the open files, or, except for the database, to none: a log whose
// path was removed is still open.
func (f *openFiles) mayCheckpoint() bool {
	for i, suffix := range suffixes {
		seen, err := identify(f.path + suffix)
		gone := errors.Is(err, fs.ErrNotExist) && suffix != ""
		if !gone && (err != nil || !seen.sameFile(f.ids[i])) {
			return false
		}
	}
	return true
}
