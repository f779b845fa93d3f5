package backup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// ErrExists is wrapped by [Create] and [File.Commit] when the file exists and may not be replaced.
var ErrExists = errors.New("the file exists already")

// File is a backup that is being written. It gets its name only when it is whole: until then it has
// a temporary name in the same directory, which begins with a dot and ends with ".partial".
type File struct {
	path    string
	replace bool
	temp    *os.File
	zstd    *zstd.Encoder // nil: not compressed
	written int64
}

// Create begins a backup at a path. Only its owner may read it, because values may be secrets. It
// is compressed if the path ends with ".zst". The caller must call [File.Commit] or [File.Discard].
func Create(path string, replace bool) (*File, error) {
	f := &File{path: path, replace: replace}
	if err := f.check(); err != nil {
		return nil, err
	}
	var err error
	if f.temp, err = os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.partial"); err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, ".zst") {
		if f.zstd, err = zstd.NewWriter(counter{f}, encoderOptions...); err != nil {
			return nil, errors.Join(err, f.Discard())
		}
	}
	return f, nil
}

// encoderOptions make the same bytes on every machine. They are those of a server with little to
// spare: one goroutine, and a window of 8 MiB.
var encoderOptions = []zstd.EOption{
	zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(maxWindow), zstd.WithEncoderCRC(true),
}

// maxWindow is how many bytes of memory a compressed file may ask a reader to keep.
const maxWindow = 8 << 20

// check refuses a path that may not be written to.
func (f *File) check() error {
	info, err := os.Lstat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", f.path)
	case !f.replace:
		return fmt.Errorf("%w: %s", ErrExists, f.path)
	}
	return nil
}

// Write writes a part of the backup.
func (f *File) Write(part []byte) (int, error) {
	if f.zstd != nil {
		return f.zstd.Write(part)
	}
	return counter{f}.Write(part)
}

// counter counts the bytes that go to the disk.
type counter struct{ *File }

func (c counter) Write(part []byte) (int, error) {
	n, err := c.temp.Write(part)
	c.written += int64(n)
	return n, err
}

// Bytes returns how many bytes the file has. It is complete after [File.Commit].
func (f *File) Bytes() int64 { return f.written }

// Commit makes the backup safe on the disk and gives it its name. After an error there is no file
// of that name, or the one from before.
func (f *File) Commit() error {
	var err error
	if f.zstd != nil {
		err = f.zstd.Close()
	}
	if err == nil {
		err = f.temp.Sync()
	}
	if err == nil {
		err = f.temp.Close()
	}
	if err == nil {
		err = f.check()
	}
	if err == nil {
		err = os.Rename(f.temp.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, f.Discard())
	}
	return syncDir(filepath.Dir(f.path))
}

// Discard removes what was written.
func (f *File) Discard() error {
	_ = f.temp.Close() // it may be closed already
	return os.Remove(f.temp.Name())
}

// syncDir makes a new name in a directory safe on the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// zstdMagic begins every compressed file.
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// Decompress returns what in holds if it is compressed with zstd, whatever its name is; else it
// returns in itself. A file that asks for more memory than a backup needs is refused.
func Decompress(in io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(in, flushBytes)
	magic, err := buffered.Peek(len(zstdMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.Equal(magic, zstdMagic) {
		return buffered, nil
	}
	return zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
}
