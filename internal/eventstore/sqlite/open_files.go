package sqlite

import (
	"errors"
	"fmt"
	"io/fs"

	"configapi/internal/eventstore"
)

// suffixes are those of the files that SQLite has beside a database, and "" of the database itself.
var suffixes = [...]string{"", "-wal", "-shm"}

// files are those that a connection has open. They stay the same as long as one is open.
type openFiles struct {
	path string
	ids  [len(suffixes)]fileID
}

// lookUpFiles looks up the files that a connection has just opened.
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

// check returns an error that wraps [eventstore.ErrReplaced] unless the paths lead to the files
// that are open. What is written to a file that has no path any more is lost with the last process
// that has it open.
//
// The nil files are those of a store that reads only: it may open what is there.
func (f *openFiles) check() error {
	if f == nil {
		return nil
	}
	_, err := f.checkFirst(len(suffixes))
	return err
}

// checkWritten is check for the files that hold what was written. It returns the length of the log,
// too.
func (f *openFiles) checkWritten() (logBytes int64, err error) { return f.checkFirst(2) }

// checkFirst checks the first n files, and returns the length of the last.
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

// mayFold reports whether the log may be folded into the database file, and its path be removed:
// the file is the one that is open, and no others were put beside it. A log that is gone from its
// path is still open.
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
