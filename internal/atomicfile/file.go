package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a new content that waits for [File.Commit]. Its methods are not safe for concurrent use.
type File struct {
	path string   // no link
	temp *os.File // nil: the file has the content, or this one was committed or closed
	same bool
}

// Prepare writes the content for a file beside it, and forces it to the disk. newMode is the mode
// of a file that does not exist yet. When the file has the content already, nothing is written.
func Prepare(path string, content []byte, newMode fs.FileMode) (*File, error) {
	target, old, err := resolve(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: target}
	if err := removeLeftovers(target); err != nil {
		return nil, err
	}
	if old != nil {
		if f.same, err = has(target, old, content); err != nil || f.same {
			return f, err
		}
	}
	if f.temp, err = create(target); err != nil {
		return nil, err
	}
	if err := f.fill(content, old, newMode); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Same reports whether the file has the content already.
func (f *File) Same() bool { return f.same }

// Temp returns the path of the file beside it that has the new content. It must not be called when
// f is the same.
func (f *File) Temp() string { return f.temp.Name() }

// Commit makes the new content that of the file. After it returns nil, the file survives a loss of
// power. It does nothing when f is the same.
func (f *File) Commit() error {
	if f.same {
		return nil
	}
	if err := os.Rename(f.temp.Name(), f.path); err != nil {
		return explainRename(f.path, err)
	}
	err := f.temp.Close() // the name is that of the file now
	f.temp = nil
	return errors.Join(err, syncFolder(filepath.Dir(f.path)))
}

// Close removes a new content that was not committed.
func (f *File) Close() error {
	if f.temp == nil {
		return nil
	}
	err := errors.Join(os.Remove(f.temp.Name()), f.temp.Close()) // the lock ends last
	f.temp = nil
	return err
}

// resolve returns the path of the file behind links, and what it is: nil when it does not exist.
func resolve(path string) (target string, old fs.FileInfo, err error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if err := checkLink(path, info); err != nil {
			return "", nil, err
		}
		if target, err = filepath.EvalSymlinks(path); errors.Is(err, fs.ErrNotExist) {
			return "", nil, fmt.Errorf("%s is a symbolic link to a file that does not exist: create that file, or remove the link", path)
		} else if err != nil {
			return "", nil, err
		}
		if info, err = os.Lstat(target); err != nil {
			return "", nil, err
		}
		path = target
	}
	if !info.Mode().IsRegular() {
		return "", nil, fmt.Errorf("%s is no regular file, but a %s, which cannot be replaced", path, kindOf(info))
	}
	return path, info, nil
}

func kindOf(info fs.FileInfo) string {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeNamedPipe != 0:
		return "pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	}
	return "device"
}

// has reports whether a file has a content.
func has(path string, info fs.FileInfo, content []byte) (bool, error) {
	if info.Size() != int64(len(content)) {
		return false, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, int64(len(content))+1))
	return err == nil && bytes.Equal(text, content), err
}

// namePattern returns the names of the files beside one, as [os.CreateTemp] takes it: * is random.
func namePattern(path string) string {
	const most = 200 // bytes of the base, so that the whole name is not too long for the folder
	base := filepath.Base(path)
	return "." + base[:min(most, len(base))] + ".configapi-*.tmp"
}

// create creates an empty file beside one, for the user alone, and locks it.
func create(path string) (*os.File, error) {
	for {
		file, err := os.CreateTemp(filepath.Dir(path), namePattern(path))
		if err != nil {
			return nil, err
		}
		// Another process may have taken the file for a leftover before it was locked.
		kept, err := lockNew(file)
		if err != nil {
			return nil, errors.Join(err, os.Remove(file.Name()), file.Close())
		}
		if kept {
			return file, nil
		}
		file.Close()
	}
}

// fill gives the new file its content, its owner and its mode.
func (f *File) fill(content []byte, old fs.FileInfo, newMode fs.FileMode) error {
	if _, err := f.temp.Write(content); err != nil {
		return err
	}
	if old == nil {
		if err := f.temp.Chmod(newMode); err != nil {
			return err
		}
		return f.temp.Sync()
	}
	if err := keepOwner(f.temp, f.path, old); err != nil {
		return err
	}
	if err := f.temp.Chmod(old.Mode().Perm() | old.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)); err != nil {
		return err
	}
	if err := keepAttributes(f.temp, f.path); err != nil {
		return err
	}
	return f.temp.Sync()
}

// removeLeftovers removes the files beside one that processes which do not run any more have left.
func removeLeftovers(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Type().IsRegular() && isTemp(entry.Name(), path) {
			if err := removeUnlocked(filepath.Join(filepath.Dir(path), entry.Name())); err != nil {
				return fmt.Errorf("removing what was left by another process: %w", err)
			}
		}
	}
	return nil
}

// isTemp reports whether a name is one that create makes for a path.
func isTemp(name, path string) bool {
	matches, err := filepath.Match("*.configapi-*.tmp", name)
	if err != nil || !matches {
		return false
	}
	pattern := namePattern(path)
	begin := pattern[:len(pattern)-len("*.tmp")]
	if len(name) < len(begin) || name[:len(begin)] != begin {
		return false
	}
	random := name[len(begin) : len(name)-len(".tmp")]
	for _, c := range random {
		if c < '0' || c > '9' {
			return false
		}
	}
	return random != ""
}
