package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	blockBytes = 4 << 10   // the least that SQLite writes
	eventBytes = 300       // what an event takes on the disk: see the part large
	diskBytes  = 4_000_000 // of the file that is written over and over
	frameBytes = 256       // of a message with one change
	floorTime  = 200 * time.Millisecond
	floorLeast = 5 // operations, however long they take
)

// floors measure what the machine does without the server.
type floors struct {
	rig  *rig
	file *os.File  // is written over, so that its length stays
	conn *pgx.Conn // to an empty database; nil without PostgreSQL
}

// open makes the file and the table that are written to.
func (f *floors) open(ctx context.Context) (err error) {
	if f.file, err = os.Create(filepath.Join(f.rig.dir, "limits-disk")); err != nil {
		return err
	}
	f.rig.onClose(func() { _ = errors.Join(f.file.Close(), os.Remove(f.file.Name())) })
	if _, err := f.file.Write(make([]byte, diskBytes)); err != nil {
		return err
	}
	if err := f.file.Sync(); err != nil || f.rig.postgres == nil {
		return err
	}
	url, err := f.rig.newStore(ctx, storePostgres, "limits_floor")
	if err != nil {
		return err
	}
	if f.conn, err = pgx.Connect(ctx, url); err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	f.rig.onClose(func() { _ = f.conn.Close(context.WithoutCancel(ctx)) })
	_, err = f.conn.Exec(ctx, `create table written (id bigint generated always as identity primary key, data text)`)
	return err
}

// repeated returns the p50 of an operation that is repeated for a while, in milliseconds.
func repeated(ctx context.Context, operation func() error) (float64, error) {
	var times []time.Duration
	for begin := time.Now(); len(times) < floorLeast || time.Since(begin) < floorTime; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		at := time.Now()
		if err := operation(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(at))
	}
	return median(times).Seconds() * 1000, nil
}

// disk returns a probe that writes so many bytes, and waits until they are on the disk.
func (f *floors) disk(bytes int) probe {
	block := []byte(strings.Repeat("x", bytes))
	return func(ctx context.Context) (float64, error) {
		at := 0
		return repeated(ctx, func() error {
			if at+bytes > diskBytes {
				at = 0
			}
			_, err := f.file.WriteAt(block, int64(at))
			at += bytes
			return errors.Join(err, syncData(f.file))
		})
	}
}

// postgres returns a probe that commits so many rows, with one statement.
func (f *floors) postgres(rows int) probe {
	data := make([]string, rows)
	for i := range data {
		data[i] = strings.Repeat("x", eventBytes)
	}
	return func(ctx context.Context) (float64, error) {
		return repeated(ctx, func() error {
			_, err := f.conn.Exec(ctx, `insert into written (data) select unnest($1::text[])`, data)
			return err
		})
	}
}

// writtenSockets is the number of sockets that a message is written to.
const writtenSockets = 200

// write returns the CPU time of a write to a socket of the loopback, in microseconds.
func (f *floors) write(ctx context.Context) (cost float64, err error) {
	sockets, opened, err := connectedSockets(writtenSockets)
	if err != nil {
		return 0, errors.Join(err, opened.Close())
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	message, writes := []byte(strings.Repeat("x", frameBytes)), 0
	used := threadCPU()
	for begin := time.Now(); time.Since(begin) < floorTime; {
		for _, fd := range sockets {
			if _, err := syscall.Write(fd, message); err != nil && !errors.Is(err, syscall.EAGAIN) {
				return 0, errors.Join(os.NewSyscallError("write", err), opened.Close())
			}
			writes++
		}
	}
	used = threadCPU() - used
	return float64(used.Nanoseconds()) / 1000 / float64(writes), errors.Join(ctx.Err(), opened.Close())
}

// connectedSockets returns so many sockets of the loopback whose other ends are read.
func connectedSockets(n int) (sockets []int, opened closers, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	for range n {
		near, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			return nil, opened, err
		}
		opened = append(opened, near)
		far, err := listener.Accept()
		if err != nil {
			return nil, opened, err
		}
		opened = append(opened, far)
		go func() { _, _ = io.Copy(io.Discard, far) }() // ends when it is closed
		file, err := near.(*net.TCPConn).File()
		if err != nil {
			return nil, opened, err
		}
		opened = append(opened, file)
		sockets = append(sockets, int(file.Fd()))
	}
	return sockets, opened, nil
}
