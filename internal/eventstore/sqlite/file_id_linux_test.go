package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestIdentifyOnOldKernels compares statx with the call that replaces it on old kernels.
func TestIdentifyOnOldKernels(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	paths := [...]string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	for i, path := range paths {
		if err := os.WriteFile(path, make([]byte, 10*(i+1)), 0o600); err != nil {
			t.Fatal(err)
		}
		seen, err := identify(path)
		if err != nil || seen.bytes != int64(10*(i+1)) {
			t.Errorf("look: got %+v, error %v, want %d bytes", seen, err, 10*(i+1))
		}
		old, err := identifyOld(path)
		if err != nil || old != seen {
			t.Errorf("lookOld: got %+v, error %v, want %+v", old, err, seen)
		}
	}
	a, _ := identify(paths[0])
	b, _ := identify(paths[1])
	if a.sameFile(b) || !a.sameFile(fileID{a.major, a.minor, a.inode, 0}) {
		t.Errorf("is: got a is b %v, a is a %v; only its length may differ", a.sameFile(b), a.sameFile(a))
	}
	for name, look := range map[string]func(string) (fileID, error){"look": identify, "lookOld": identifyOld} {
		if _, err := look(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of no file: got error %v, want %v", name, err, fs.ErrNotExist)
		}
	}
}
