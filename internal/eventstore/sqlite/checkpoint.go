package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

const (
	// checkpointBytes is how many bytes are written to the write-ahead log before a checkpoint
	// copies it into the database file. The table of the newest events changes in random places, so
	// with a long log a page that changes several times is copied once.
	checkpointBytes = 32 << 20
	// restoreCheckpointBytes is the same while a backup is restored. One append then writes up to
	// 40 MiB, and the log stays below 64 MiB all the same.
	restoreCheckpointBytes = 16 << 20
	// checkpointRetryBytes is how many more bytes are written before the next attempt when a read
	// has kept a checkpoint from finishing.
	checkpointRetryBytes = 4 << 20
	// checkpointMaxHold is how long a checkpoint holds new reads back while it waits for the
	// running ones.
	checkpointMaxHold = 500 * time.Millisecond
	// checkpointBusyTimeout is how long a checkpoint waits for reads of other processes.
	checkpointBusyTimeout = 100 * time.Millisecond
)

// recoverLog makes sure that a log which exists before the connection writes is on disk, and
// checkpoints it.
//
// After a failed fsync the page cache holds pages that the disk does not. SQLite replays such a log
// from the cache and appends to it, so a power cut would lose the new frames together with the
// old ones. Therefore recoverLog first writes the log over itself and calls fsync. A checkpoint
// without that would copy frames that are not on disk into the database file.
//
// The database file may lack pages in the same way. SQLite does not sync it when a checkpoint
// copies a part of the log, and does not copy that part again when a later fsync fails. So
// recoverLog writes the pages of that part to the end of the log, which the next checkpoint copies.
func (w *writer) recoverLog(ctx context.Context, conn *connection) error {
	log, err := w.opts.openLog(w.file + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening its write-ahead log: %w", err)
	}
	defer log.Close()
	all, copied, err := conn.frames()
	if err != nil {
		return err
	}
	// The transaction keeps other processes from appending.
	if err := conn.beginOnce(ctx, w.opts.busyTimeout); err != nil {
		return fmt.Errorf("waiting for the file: %w", err)
	}
	if err = rewriteLog(log); err == nil && copied < all {
		err = appendPages(conn, log, copied)
	}
	if err = errors.Join(err, conn.execute("COMMIT")); err != nil {
		return fmt.Errorf("writing its write-ahead log again: %w", err)
	}
	_, err = w.checkpoint(conn, truncate)
	return err
}

// frames returns how many frames the log has, and how many of them SQLite does not copy into the
// database file any more.
func (c *connection) frames() (all, copied int64, err error) {
	err = c.first("PRAGMA wal_checkpoint(NOOP)", func(s statement) {
		all, copied = c.integer(s, 1), c.integer(s, 2)
	})
	return all, copied, err
}

// appendPages appends the pages of the first n frames of a log to it, as they are now.
func appendPages(conn *connection, log logFile, n int64) error {
	numbers := make(map[uint32]bool)
	err := readCommitted(log, func(p page) {
		if n > 0 {
			numbers[p.number] = true
		}
		n--
	})
	for number := range numbers {
		if err == nil {
			err = conn.runOnce("UPDATE sqlite_dbpage SET data = data WHERE pgno = ?", func(a *arguments) { a.integer(int64(number)) })
		}
	}
	return err
}

// Modes of a checkpoint: afterwards the log starts over at the beginning of its file, or the file
// is cut to length 0.
const restart, truncate = "RESTART", "TRUNCATE"

// checkpoint copies the log into the database file and lets the log start over. whole is false when
// reads of others have kept it from finishing; that does no harm, and a later checkpoint goes on.
func (w *writer) checkpoint(conn *connection, mode string) (whole bool, err error) {
	log, err := identify(w.file + "-wal")
	// The log was removed; SQLite checkpoints the open file when the connection is closed.
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if log.bytes == 0 {
		return true, nil
	}
	if err := w.markCheckpoint(conn); err != nil {
		return false, fmt.Errorf("marking the write-ahead log before its checkpoint: %w", err)
	}
	w.mayRestart = true // the next append may start the log over
	if _, err := runCheckpoint(conn, "PASSIVE"); err != nil {
		return false, err
	}
	if err := conn.setBusyTimeout(checkpointBusyTimeout); err != nil {
		return false, err
	}
	err = w.barrier.hold(checkpointMaxHold, func() (err error) {
		whole, err = runCheckpoint(conn, mode)
		return err
	})
	return whole, errors.Join(err, conn.setBusyTimeout(w.opts.busyTimeout))
}

// runCheckpoint copies as much of the log as running reads allow. It reports whether that was all
// of it.
func runCheckpoint(conn *connection, mode string) (whole bool, err error) {
	var busy, frames, copied int64
	err = conn.first("PRAGMA wal_checkpoint("+mode+")", func(s statement) {
		busy, frames, copied = conn.integer(s, 0), conn.integer(s, 1), conn.integer(s, 2)
	})
	if err != nil {
		return false, fmt.Errorf("making a checkpoint of the write-ahead log: %w", err)
	}
	return busy == 0 && frames == copied, nil
}

// markCheckpoint writes to the log that a checkpoint has begun.
func (w *writer) markCheckpoint(conn *connection) error {
	if err := conn.execute("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	m, err := conn.marker()
	if err == nil && m.ID != "" && !m.Checkpointing {
		m.Checkpointing = true
		if err = conn.setMarker(m); err == nil {
			return conn.execute("COMMIT")
		}
	}
	return errors.Join(err, conn.execute("ROLLBACK"))
}

// markLog writes a new marker when this transaction starts the log over. It reports whether it has.
func (w *writer) markLog(conn *connection) (marks bool, err error) {
	if w.opts.Lock && w.markedSalt != (salt{}) && !w.mayRestart {
		return false, nil // no other process writes
	}
	present, err := readSalt(w.log)
	if err != nil || present != (salt{}) && present == w.markedSalt && !w.mayRestart {
		return false, err
	}
	before, err := conn.marker()
	if err != nil {
		return false, err
	}
	m, err := logMarker{Parent: before.ID, ID: newMarkerID()}.withFiles(w.file)
	if err == nil {
		m.Schema, err = conn.number("PRAGMA schema_version")
	}
	if err == nil {
		err = conn.setMarker(m)
	}
	return err == nil, err
}

// rememberMarked records that a transaction with a marker is committed.
func (w *writer) rememberMarked() error {
	present, err := readSalt(w.log)
	w.markedSalt, w.mayRestart = present, false
	return err
}
