package sqlite

import (
	"errors"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// arguments are those of one run of a statement that writes, in the order of its parameters. Texts
// and blobs are copied into SQLite's memory together, so that many of them cost one allocation.
type arguments struct {
	c     *connection
	s     statement
	place int32  // of the last argument
	code  int32  // of the first error
	parts []part // the texts and blobs
	bytes int    // of all parts
}

// part is a text or a blob. One of the two is empty.
type part struct {
	place  int32
	isBlob bool
	text   string
	blob   []byte
}

// run runs a statement to its end with the arguments that fill adds.
func (c *connection) run(s statement, fill func(*arguments)) error {
	a := &c.arguments
	a.c, a.s, a.place, a.code, a.bytes = c, s, 0, sqlite3.SQLITE_OK, 0
	defer a.forget()
	if fill != nil {
		fill(a)
	}
	memory := libc.Xmalloc(c.tls, libc.Tsize_t(a.bytes+1)) // never of length 0, for which it may return 0
	if memory == 0 {
		return errNoMemory
	}
	defer libc.Xfree(c.tls, memory)
	if a.bindParts(memory); a.code != sqlite3.SQLITE_OK {
		return c.check(a.code)
	}
	defer c.reset(s)
	for {
		if found, err := c.step(s); err != nil || !found {
			return err
		}
	}
}

var errNoMemory = errors.New("there is no memory for the arguments of a statement")

// runOnce prepares a statement and runs it.
func (c *connection) runOnce(text string, fill func(*arguments)) error {
	s, err := c.prepare(text)
	if err != nil {
		return err
	}
	defer c.finalize(s)
	return c.run(s, fill)
}

// forget lets go of the values: they must not stay in memory.
func (a *arguments) forget() {
	clear(a.parts)
	a.parts = a.parts[:0]
}

// bindParts copies texts and blobs into SQLite's memory and binds them there. They must stay there
// until the statement has run. Afterwards nothing reads them: the next run binds all parameters
// anew.
func (a *arguments) bindParts(memory uintptr) {
	const static = 0 // SQLITE_STATIC: SQLite makes no copy
	rest := libc.GoBytes(memory, a.bytes)
	for _, p := range a.parts {
		n := copy(rest, p.text) + copy(rest, p.blob)
		if p.isBlob {
			a.keep(sqlite3.Xsqlite3_bind_blob(a.c.tls, uintptr(a.s), p.place, memory, int32(n), static))
		} else {
			a.keep(sqlite3.Xsqlite3_bind_text(a.c.tls, uintptr(a.s), p.place, memory, int32(n), static))
		}
		rest, memory = rest[n:], memory+uintptr(n)
	}
}

func (a *arguments) keep(code int32) {
	if a.code == sqlite3.SQLITE_OK {
		a.code = code
	}
}

func (a *arguments) integer(v int64) {
	a.place++
	a.keep(sqlite3.Xsqlite3_bind_int64(a.c.tls, uintptr(a.s), a.place, v))
}

func (a *arguments) null() {
	a.place++
	a.keep(sqlite3.Xsqlite3_bind_null(a.c.tls, uintptr(a.s), a.place))
}

func (a *arguments) text(v string) {
	a.place++
	a.parts, a.bytes = append(a.parts, part{place: a.place, text: v}), a.bytes+len(v)
}

func (a *arguments) blob(v []byte) {
	a.place++
	a.parts, a.bytes = append(a.parts, part{place: a.place, isBlob: true, blob: v}), a.bytes+len(v)
}

// nullable adds a text, or null for nil.
func (a *arguments) nullable(v *string) {
	if v == nil {
		a.null()
	} else {
		a.text(*v)
	}
}
