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
	// foldAt is how much is written to the write-ahead log, in bytes, until it is folded into the
	// database file. The index over names changes in random places, and pages that changed again by
	// then are copied once.
	checkpointBytes = 32 << 20
	// foldAgain is by how much the log grows until folding is tried again after a reader has kept
	// it from ending.
	checkpointRetryBytes = 4 << 20
	// foldPatience is how long folding waits for reads under way, while new ones are held back.
	checkpointMaxHold = 500 * time.Millisecond
	// foldBusy is how long folding waits for other processes that read.
	checkpointBusyTimeout = 100 * time.Millisecond
)

// settle makes sure that a log which was there when the connection was opened is on the disk, and
// folds it.
//
// After a failed fsync the page cache holds what the disk does not. SQLite replays a log as it
// reads it, so what is appended then would follow frames that a power cut takes away, and go away
// with them. So the log is written over itself first: folding it right away would put pages of
// frames that are not on the disk into the database file.
func (w *writer) recoverLog(ctx context.Context, conn *sql.Conn) error {
	log, err := w.opts.openLog(w.file + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening its write-ahead log: %w", err)
	}
	defer log.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil { // keeps others from appending
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

// How a log begins anew after it was folded: in the place of the old one, or from an empty file.
const restart, truncate = "RESTART", "TRUNCATE"

// fold copies the log into the database file, and has it begin anew. It reports whether that was
// possible: others that read may keep it from being so, which does no harm.
func (w *writer) checkpoint(ctx context.Context, conn *sql.Conn, mode string) (whole bool, err error) {
	log, err := identify(w.file + "-wal")
	if errors.Is(err, fs.ErrNotExist) { // it has no path any more: SQLite folds it when the connection is closed
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if log.bytes == 0 {
		return true, nil
	}
	if err := w.markCheckpoint(ctx, conn); err != nil {
		return false, fmt.Errorf("noting that the write-ahead log is folded: %w", err)
	}
	w.mayRestart = true // from now on an append begins the log anew, or may do so
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

// checkpoint folds what reads under way let it. It reports whether nothing kept it from folding
// all.
func runCheckpoint(ctx context.Context, conn *sql.Conn, mode string) (whole bool, err error) {
	var busy, frames, folded int
	err = conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &folded)
	if err != nil {
		return false, fmt.Errorf("folding the write-ahead log into the file: %w", err)
	}
	return busy == 0 && frames == folded, nil
}

func setBusy(ctx context.Context, conn *sql.Conn, d time.Duration) error {
	_, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", d.Milliseconds()))
	return err
}

// noteFolding says in the log that it is being folded.
func (w *writer) markCheckpoint(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	n, err := readMarker(ctx, conn)
	if err == nil && n.ID != "" && !n.Checkpointing {
		n.Checkpointing = true
		if err = writeMarker(ctx, conn, n); err == nil {
			_, err = conn.ExecContext(ctx, "COMMIT")
			return err
		}
	}
	_, rollback := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	return errors.Join(err, rollback)
}

// mark writes the note of a log into the transaction that begins it. It reports whether this one
// does.
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
	n, err := logMarker{Parent: before.ID, ID: newMarkerID()}.withFiles(w.file)
	if err == nil {
		err = conn.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&n.Schema)
	}
	if err == nil {
		err = writeMarker(ctx, conn, n)
	}
	return err == nil, err
}

// hasMarked takes note of a transaction that has marked the log and is committed.
func (w *writer) rememberMarked() error {
	present, err := readSalt(w.log)
	w.markedSalt, w.mayRestart = present, false
	return err
}

// readNote returns the newest note, the zero note where there is none yet.
func readMarker(ctx context.Context, conn *sql.Conn) (n logMarker, err error) {
	var tables int
	const count = "SELECT count(*) FROM sqlite_schema WHERE name = 'log_note'"
	if err := conn.QueryRowContext(ctx, count).Scan(&tables); err != nil || tables == 0 {
		return n, err
	}
	var text string
	if err := conn.QueryRowContext(ctx, "SELECT note FROM log_note").Scan(&text); err != nil || text == "" {
		return n, err
	}
	return n, json.Unmarshal([]byte(text), &n)
}

func writeMarker(ctx context.Context, conn *sql.Conn, n logMarker) error {
	_, err := conn.ExecContext(ctx, "UPDATE log_note SET note = ?", n.encode())
	return err
}
