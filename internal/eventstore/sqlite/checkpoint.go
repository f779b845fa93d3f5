package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
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
func (w *writer) recoverLog(ctx context.Context, conn *sql.Conn) error {
	log, err := w.opts.openLog(w.file + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening its write-ahead log: %w", err)
	}
	defer log.Close()
	// The transaction keeps other processes from appending.
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("waiting for the file: %w", err)
	}
	err = rewriteLog(log)
	if _, rollback := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err == nil {
		err = rollback
	}
	if err != nil {
		return fmt.Errorf("writing its write-ahead log again: %w", err)
	}
	_, err = w.checkpoint(ctx, conn, truncate)
	return err
}

// Modes of a checkpoint: afterwards the log starts over at the beginning of its file, or the file
// is cut to length 0.
const restart, truncate = "RESTART", "TRUNCATE"

// checkpoint copies the log into the database file and lets the log start over. whole is false when
// reads of others have kept it from finishing; that does no harm, and a later checkpoint goes on.
func (w *writer) checkpoint(ctx context.Context, conn *sql.Conn, mode string) (whole bool, err error) {
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
	if err := w.markCheckpoint(ctx, conn); err != nil {
		return false, fmt.Errorf("marking the write-ahead log before its checkpoint: %w", err)
	}
	w.mayRestart = true // the next append may start the log over
	if _, err := runCheckpoint(ctx, conn, "PASSIVE"); err != nil {
		return false, err
	}
	if err := setBusy(ctx, conn, checkpointBusyTimeout); err != nil {
		return false, err
	}
	err = w.barrier.hold(checkpointMaxHold, func() (err error) {
		whole, err = runCheckpoint(ctx, conn, mode)
		return err
	})
	return whole, errors.Join(err, setBusy(context.WithoutCancel(ctx), conn, w.opts.busyTimeout))
}

// runCheckpoint copies as much of the log as running reads allow. It reports whether that was all
// of it.
func runCheckpoint(ctx context.Context, conn *sql.Conn, mode string) (whole bool, err error) {
	var busy, frames, copied int
	err = conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &copied)
	if err != nil {
		return false, fmt.Errorf("making a checkpoint of the write-ahead log: %w", err)
	}
	return busy == 0 && frames == copied, nil
}

func setBusy(ctx context.Context, conn *sql.Conn, d time.Duration) error {
	_, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", d.Milliseconds()))
	return err
}

// markCheckpoint writes to the log that a checkpoint has begun.
func (w *writer) markCheckpoint(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	m, err := readMarker(ctx, conn)
	if err == nil && m.ID != "" && !m.Checkpointing {
		m.Checkpointing = true
		if err = writeMarker(ctx, conn, m); err == nil {
			_, err = conn.ExecContext(ctx, "COMMIT")
			return err
		}
	}
	_, rollback := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	return errors.Join(err, rollback)
}

// markLog writes a new marker when this transaction starts the log over. It reports whether it has.
func (w *writer) markLog(ctx context.Context, conn *sql.Conn) (marks bool, err error) {
	if w.opts.Lock && w.markedSalt != (salt{}) && !w.mayRestart {
		return false, nil // no other process writes
	}
	present, err := readSalt(w.log)
	if err != nil || present != (salt{}) && present == w.markedSalt && !w.mayRestart {
		return false, err
	}
	before, err := readMarker(ctx, conn)
	if err != nil {
		return false, err
	}
	m, err := logMarker{Parent: before.ID, ID: newMarkerID()}.withFiles(w.file)
	if err == nil {
		err = conn.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&m.Schema)
	}
	if err == nil {
		err = writeMarker(ctx, conn, m)
	}
	return err == nil, err
}

// rememberMarked records that a transaction with a marker is committed.
func (w *writer) rememberMarked() error {
	present, err := readSalt(w.log)
	w.markedSalt, w.mayRestart = present, false
	return err
}

// readMarker returns the newest marker, or the zero logMarker if there is none yet.
func readMarker(ctx context.Context, conn *sql.Conn) (m logMarker, err error) {
	var tables int
	const count = "SELECT count(*) FROM sqlite_schema WHERE name = 'log_note'"
	if err := conn.QueryRowContext(ctx, count).Scan(&tables); err != nil || tables == 0 {
		return m, err
	}
	var text string
	if err := conn.QueryRowContext(ctx, "SELECT note FROM log_note").Scan(&text); err != nil || text == "" {
		return m, err
	}
	return m, json.Unmarshal([]byte(text), &m)
}

func writeMarker(ctx context.Context, conn *sql.Conn, m logMarker) error {
	_, err := conn.ExecContext(ctx, "UPDATE log_note SET note = ?", m.encode())
	return err
}
