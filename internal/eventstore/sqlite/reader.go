package sqlite

import (
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"
)

// reader is a connection that only reads, with its queries prepared.
type reader struct {
	*connection
	prepared [len(queries)]statement
	lastType string // the type of the record read last
}

// openReader opens a connection to an existing file. It refuses any schema but the present one.
func openReader(file string, opts Options) (*reader, error) {
	c, err := openConnection(file, opts, sqlite3.SQLITE_OPEN_READONLY)
	r := &reader{connection: c}
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
	_ = r.connection.close()
}

func (r *reader) checkSchema() error {
	version, err := r.number(newestMigration)
	if err != nil {
		return fmt.Errorf("reading its schema version: %w", err)
	}
	return checkVersion(int(version))
}

func (r *reader) prepareAll() (err error) {
	for q, text := range queries {
		if r.prepared[q], err = r.prepare(text); err != nil {
			return fmt.Errorf("preparing a query: %w", err)
		}
	}
	return nil
}
