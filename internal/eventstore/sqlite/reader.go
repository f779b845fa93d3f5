package sqlite

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"configapi/internal/eventstore"
)

// reader is a connection that only reads. Only one goroutine may use it at a time.
//
// It calls SQLite directly. The driver behind database/sql locks a mutex in each of the about 30
// calls for a record, and returns every value as an interface; without that the replay at start
// takes half the time: see BenchmarkStore.
type reader struct {
	tls      *libc.TLS
	db       uintptr // *sqlite3; 0 if it could not be opened
	prepared [len(queries)]statement
	lastType string // the type of the record read last
}

// statement is a prepared statement, a *sqlite3_stmt.
type statement uintptr

// openReader opens a connection to an existing file. It refuses any schema but the present one.
func openReader(file string, opts Options) (*reader, error) {
	r := &reader{tls: libc.NewTLS()}
	err := r.connect(file, opts)
	if err == nil {
		err = r.checkSchema()
	}
	if err == nil {
		err = r.prepareAll()
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *reader) close() {
	for _, s := range r.prepared {
		r.finalize(s)
	}
	sqlite3.Xsqlite3_close_v2(r.tls, r.db)
	r.tls.Close()
}

func (r *reader) connect(file string, opts Options) error {
	return r.connectTo("file:"+escape(file)+opts.vfsParameter("?"), opts)
}

func (r *reader) connectTo(location string, opts Options) error {
	uri, err := libc.CString(location)
	if err != nil {
		return err
	}
	defer libc.Xfree(r.tls, uri)
	db := r.tls.Alloc(pointerBytes)
	defer r.tls.Free(pointerBytes)
	const flags = sqlite3.SQLITE_OPEN_READONLY | sqlite3.SQLITE_OPEN_NOMUTEX | sqlite3.SQLITE_OPEN_URI
	rc := sqlite3.Xsqlite3_open_v2(r.tls, uri, db, flags, 0)
	r.db = pointer(db)
	if rc == sqlite3.SQLITE_OK {
		rc = sqlite3.Xsqlite3_busy_timeout(r.tls, r.db, int32(opts.busyTimeout.Milliseconds()))
	}
	return r.check(rc)
}

func (r *reader) checkSchema() error {
	s, err := r.prepare(newestMigration)
	if err != nil {
		return fmt.Errorf("reading its schema version: %w", err)
	}
	defer r.finalize(s)
	if _, err := r.step(s); err != nil {
		return fmt.Errorf("reading its schema version: %w", err)
	}
	return checkVersion(int(r.integer(s, 0)))
}

func (r *reader) prepareAll() (err error) {
	for q, text := range queries {
		if r.prepared[q], err = r.prepare(text); err != nil {
			return fmt.Errorf("preparing a query: %w", err)
		}
	}
	return nil
}

func (r *reader) prepare(query string) (statement, error) {
	text, err := libc.CString(query)
	if err != nil {
		return 0, err
	}
	defer libc.Xfree(r.tls, text)
	prepared := r.tls.Alloc(pointerBytes)
	defer r.tls.Free(pointerBytes)
	if err := r.check(sqlite3.Xsqlite3_prepare_v2(r.tls, r.db, text, -1, prepared, 0)); err != nil {
		return 0, err
	}
	return statement(pointer(prepared)), nil
}

// step moves to the next row, and reports whether there is one.
func (r *reader) step(s statement) (found bool, err error) {
	switch rc := sqlite3.Xsqlite3_step(r.tls, uintptr(s)); rc {
	case sqlite3.SQLITE_ROW:
		return true, nil
	case sqlite3.SQLITE_DONE:
		return false, nil
	default:
		return false, r.check(rc)
	}
}

// reset ends the statement's read transaction. Its result is the error of the last step, which step
// has returned already.
func (r *reader) reset(s statement) { sqlite3.Xsqlite3_reset(r.tls, uintptr(s)) }

func (r *reader) finalize(s statement) { sqlite3.Xsqlite3_finalize(r.tls, uintptr(s)) }

// bind sets the arguments of a statement. They are of type int64 or string.
func (r *reader) bind(s statement, args []any) error {
	for i, arg := range args {
		place, rc := int32(i+1), int32(sqlite3.SQLITE_MISMATCH)
		switch v := arg.(type) {
		case int64:
			rc = sqlite3.Xsqlite3_bind_int64(r.tls, uintptr(s), place, v)
		case string:
			text, err := libc.CString(v)
			if err != nil {
				return err
			}
			const copied = ^uintptr(0) // SQLITE_TRANSIENT
			rc = sqlite3.Xsqlite3_bind_text(r.tls, uintptr(s), place, text, int32(len(v)), copied)
			libc.Xfree(r.tls, text)
		}
		if err := r.check(rc); err != nil {
			return err
		}
	}
	return nil
}

// bindSeq is bind for a single seq, without an allocation.
func (r *reader) bindSeq(s statement, seq eventstore.Seq) error {
	return r.check(sqlite3.Xsqlite3_bind_int64(r.tls, uintptr(s), 1, int64(seq)))
}

func (r *reader) integer(s statement, column int32) int64 {
	return sqlite3.Xsqlite3_column_int64(r.tls, uintptr(s), column)
}

func (r *reader) null(s statement, column int32) bool {
	return sqlite3.Xsqlite3_column_type(r.tls, uintptr(s), column) == sqlite3.SQLITE_NULL
}

// bytes returns a copy of a text or a blob.
func (r *reader) bytes(s statement, column int32) []byte {
	p := sqlite3.Xsqlite3_column_blob(r.tls, uintptr(s), column)
	n := sqlite3.Xsqlite3_column_bytes(r.tls, uintptr(s), column)
	if p == 0 {
		return nil // an empty blob
	}
	return libc.GoBytes(p, int(n))
}

func (r *reader) check(rc int32) error {
	if rc == sqlite3.SQLITE_OK {
		return nil
	}
	return fmt.Errorf("%s (%d)", libc.GoString(sqlite3.Xsqlite3_errmsg(r.tls, r.db)), rc)
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
