//go:build !linux

package sqlite

import (
	"io/fs"
	"os"
)

// sight is the file that a path leads to, and its length in bytes.
type sight struct {
	info  fs.FileInfo
	bytes int64
}

func look(path string) (sight, error) {
	info, err := os.Stat(path)
	if err != nil {
		return sight{}, err
	}
	return sight{info, info.Size()}, nil
}

// is reports whether two sights are of the same file.
func (s sight) is(other sight) bool { return os.SameFile(s.info, other.info) }
