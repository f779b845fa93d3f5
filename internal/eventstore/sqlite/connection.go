package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"configapi/internal/eventstore"
)

// connection is a connection to an SQLite database. Only one goroutine may use it at a time.
//
// It calls SQLite directly. The driver behind database/sql locks a mutex in each of the about 30
// calls for a record, and passes every value as an interface; without that the replay at start and
// an append of many records take half the time: see BenchmarkStore.
type connection struct {
	tls       *libc.TLS
	db        uintptr   // *sqlite3; 0 if it could not be opened
	arguments arguments // of the statement that runs
}

// statement is a prepared statement, a *sqlite3_stmt.
type statement uintptr

// sqliteError is an error of SQLite.
type sqliteError struct {
	code    int32 // the extended result code
	message string
}

func (e *sqliteError) Error() string { return fmt.Sprintf("%s (%d)", e.message, e.code) }

// hasExtendedCode reports whether err is an error of SQLite with an extended result code.
func hasExtendedCode(err error, code int32) bool {
	var e *sqliteError
	return errors.As(err, &e) && e.code == code
}

// hasCode reports whether err is an error of SQLite with a primary result code.
func hasCode(err error, code int32) bool {
	var e *sqliteError
	return errors.As(err, &e) && e.code&0xFF == code
}

// openConnection opens a connection to an existing file. The caller must call close, also after an
// error.
func openConnection(file string, opts Options, flags int32) (*connection, error) {
	return connectTo("file:"+escape(file)+opts.vfsParameter("?"), opts, flags)
}

func connectTo(location string, opts Options, flags int32) (*connection, error) {
	c := &connection{tls: libc.NewTLS()}
	uri, err := libc.CString(location)
	if err != nil {
		return c, err
	}
	defer libc.Xfree(c.tls, uri)
	db := c.tls.Alloc(pointerBytes)
	defer c.tls.Free(pointerBytes)
	flags |= sqlite3.SQLITE_OPEN_NOMUTEX | sqlite3.SQLITE_OPEN_URI | sqlite3.SQLITE_OPEN_EXRESCODE
	rc := sqlite3.Xsqlite3_open_v2(c.tls, uri, db, flags, 0)
	c.db = pointer(db)
	if rc == sqlite3.SQLITE_OK {
		return c, c.setBusyTimeout(opts.busyTimeout)
	}
	return c, c.check(rc)
}

// close closes the connection, and frees it once all of its statements are finalized.
func (c *connection) close() error {
	defer c.tls.Close()
	if rc := sqlite3.Xsqlite3_close_v2(c.tls, c.db); rc != sqlite3.SQLITE_OK {
		return &sqliteError{rc, libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))}
	}
	return nil
}

func (c *connection) prepare(query string) (statement, error) {
	text, err := libc.CString(query)
	if err != nil {
		return 0, err
	}
	defer libc.Xfree(c.tls, text)
	prepared := c.tls.Alloc(pointerBytes)
	defer c.tls.Free(pointerBytes)
	if err := c.check(sqlite3.Xsqlite3_prepare_v2(c.tls, c.db, text, -1, prepared, 0)); err != nil {
		return 0, err
	}
	return statement(pointer(prepared)), nil
}

// step moves to the next row, and reports whether there is one.
func (c *connection) step(s statement) (found bool, err error) {
	switch rc := sqlite3.Xsqlite3_step(c.tls, uintptr(s)); rc {
	case sqlite3.SQLITE_ROW:
		return true, nil
	case sqlite3.SQLITE_DONE:
		return false, nil
	default:
		return false, c.check(rc)
	}
}

// reset ends the statement's read transaction. Its result is the error of the last step, which step
// has returned already.
func (c *connection) reset(s statement) { sqlite3.Xsqlite3_reset(c.tls, uintptr(s)) }

func (c *connection) finalize(s statement) { sqlite3.Xsqlite3_finalize(c.tls, uintptr(s)) }

// bind sets the arguments of a statement. They are of type int64 or string.
func (c *connection) bind(s statement, args []any) error {
	for i, arg := range args {
		place, rc := int32(i+1), int32(sqlite3.SQLITE_MISMATCH)
		switch v := arg.(type) {
		case int64:
			rc = sqlite3.Xsqlite3_bind_int64(c.tls, uintptr(s), place, v)
		case string:
			text, err := libc.CString(v)
			if err != nil {
				return err
			}
			const copied = ^uintptr(0) // SQLITE_TRANSIENT
			rc = sqlite3.Xsqlite3_bind_text(c.tls, uintptr(s), place, text, int32(len(v)), copied)
			libc.Xfree(c.tls, text)
		}
		if err := c.check(rc); err != nil {
			return err
		}
	}
	return nil
}

// setBusyTimeout sets how long a statement waits for a lock that another connection holds.
func (c *connection) setBusyTimeout(d time.Duration) error {
	return c.check(sqlite3.Xsqlite3_busy_timeout(c.tls, c.db, int32(d.Milliseconds())))
}

// execute runs statements without arguments, one after the other, and ignores their rows.
func (c *connection) execute(statements string) error {
	text, err := libc.CString(statements)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, text)
	return c.check(sqlite3.Xsqlite3_exec(c.tls, c.db, text, 0, 0, 0))
}

// first passes the first row of a query to read. It is an error if there is none.
func (c *connection) first(query string, read func(statement)) error {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	defer c.finalize(s)
	found, err := c.step(s)
	if err == nil && !found {
		err = fmt.Errorf("%s has no row", query)
	}
	if err == nil {
		read(s)
	}
	return err
}

// beginWrite begins a transaction that writes, by a statement that does so. While another
// connection writes, it waits until a timeout or the end of ctx.
func (c *connection) beginWrite(ctx context.Context, begin statement, timeout time.Duration) error {
	if err := c.setBusyTimeout(0); err != nil { // SQLite's own wait does not end with ctx
		return err
	}
	deadline := time.Now().Add(timeout)
	for wait := time.Millisecond; ; wait = min(2*wait, maxBeginWait) {
		err := c.run(begin, nil)
		if !hasCode(err, sqlite3.SQLITE_BUSY) || time.Now().After(deadline) {
			return errors.Join(err, c.setBusyTimeout(timeout))
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), c.setBusyTimeout(timeout))
		}
	}
}

// beginOnce is beginWrite without a prepared statement.
func (c *connection) beginOnce(ctx context.Context, timeout time.Duration) error {
	begin, err := c.prepare("BEGIN IMMEDIATE")
	if err != nil {
		return err
	}
	defer c.finalize(begin)
	return c.beginWrite(ctx, begin, timeout)
}

// maxBeginWait is the longest time between two attempts to begin.
const maxBeginWait = 20 * time.Millisecond

// pagesWritten returns how many pages the connection has written.
func (c *connection) pagesWritten() int64 {
	numbers := c.tls.Alloc(2 * pointerBytes)
	defer c.tls.Free(2 * pointerBytes)
	const keep = 0
	rc := sqlite3.Xsqlite3_db_status(c.tls, c.db, sqlite3.SQLITE_DBSTATUS_CACHE_WRITE, numbers, numbers+pointerBytes, keep)
	if rc != sqlite3.SQLITE_OK {
		return 0
	}
	return int64(binary.NativeEndian.Uint32(libc.GoBytes(numbers, 4)))
}

// changes returns how many rows the last statement has changed.
func (c *connection) changes() int64 { return sqlite3.Xsqlite3_changes64(c.tls, c.db) }

// bindSeq is bind for a single seq, without an allocation.
func (c *connection) bindSeq(s statement, seq eventstore.Seq) error {
	return c.check(sqlite3.Xsqlite3_bind_int64(c.tls, uintptr(s), 1, int64(seq)))
}

func (c *connection) integer(s statement, column int32) int64 {
	return sqlite3.Xsqlite3_column_int64(c.tls, uintptr(s), column)
}

func (c *connection) null(s statement, column int32) bool {
	return sqlite3.Xsqlite3_column_type(c.tls, uintptr(s), column) == sqlite3.SQLITE_NULL
}

// bytes returns a text or a blob where it lies in SQLite's memory. The next call with the statement
// may free it.
func (c *connection) bytes(s statement, column int32) []byte {
	p := sqlite3.Xsqlite3_column_blob(c.tls, uintptr(s), column)
	n := sqlite3.Xsqlite3_column_bytes(c.tls, uintptr(s), column)
	if p == 0 {
		return nil // an empty blob
	}
	return libc.GoBytes(p, int(n))
}

func (c *connection) check(rc int32) error {
	if rc == sqlite3.SQLITE_OK {
		return nil
	}
	return &sqliteError{rc, libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))}
}

// pointerBytes is the size of a pointer.
const pointerBytes = bits.UintSize / 8

// pointer reads a pointer from SQLite's memory.
func pointer(at uintptr) uintptr {
	b := libc.GoBytes(at, pointerBytes)
	if pointerBytes == 4 {
		return uintptr(binary.NativeEndian.Uint32(b))
	}
	return uintptr(binary.NativeEndian.Uint64(b))
}
