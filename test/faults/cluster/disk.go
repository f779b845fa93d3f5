package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// diskBytes is the size of the file system of the data.
const diskBytes = 2 << 30

// disk is a file system in memory.
type disk struct{ dir string }

// fill fills the disk until stop is called.
func (d *disk) fill() (stop func() error, err error) {
	name := filepath.Join(d.dir, "filler")
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	done, ended := make(chan struct{}), make(chan struct{})
	d.grow(file)
	go func() {
		defer close(ended)
		again := time.NewTicker(20 * time.Millisecond) // takes the space that PostgreSQL frees
		defer again.Stop()
		for {
			select {
			case <-again.C:
				d.grow(file)
			case <-done:
				return
			}
		}
	}()
	return func() error {
		close(done)
		<-ended
		return errors.Join(file.Close(), os.Remove(name))
	}, nil
}

// grow writes to a file until there is no space left for a page.
func (d *disk) grow(file *os.File) {
	for chunk := make([]byte, 1<<20); len(chunk) >= 4<<10; {
		if _, err := file.Write(chunk); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				return
			}
			chunk = chunk[:len(chunk)/2]
		}
	}
}
