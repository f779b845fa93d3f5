package sqlite

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// logMarker names the database file to which a write-ahead log belongs. SQLite itself replays any
// log that lies beside a database, also that of another file or one that is newer than the file.
//
// The first append of each log writes a marker with a new ID to the table log_note. A checkpoint
// copies it into the database file. So the file has either the ID that the log names as its parent
// or, once a checkpoint has begun, the log's own ID. A file with any other ID does not belong to
// the log.
type logMarker struct {
	Parent string `json:"parent"` // the file's ID when the log began; "" before the first
	ID     string `json:"mark"`
	// Schema is SQLite's schema version of the file; VACUUM increments it in copies.
	Schema        int64 `json:"schema"`
	Checkpointing bool  `json:"folding"` // a checkpoint of the log has begun

	// These identify the two files. A copy of both has another log inode.
	Database uint64    `json:"database"` // inode number
	Log      uint64    `json:"log"`      // inode number
	Modified time.Time `json:"modified"` // when the database file was last modified
	Changed  time.Time `json:"changed"`  // when its inode was last changed; no program can set this
}

func newMarkerID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// withFiles returns the marker with what identifies the files.
func (m logMarker) withFiles(file string) (logMarker, error) {
	database, err := os.Stat(file)
	if err != nil {
		return m, err
	}
	log, err := os.Stat(file + "-wal")
	if err != nil {
		return m, err
	}
	m.Database, m.Changed = inode(database)
	m.Log, _ = inode(log)
	m.Modified = database.ModTime()
	return m, nil
}

func (m logMarker) encode() string {
	b, _ := json.Marshal(m) // cannot fail for these types
	return string(b)
}

// errForeignLog says that a write-ahead log must not be replayed.
var errForeignLog = errors.New("the write-ahead log does not belong to this database file")

// checkLogOwner refuses a database file beside a log that is not its own. It must be called before
// SQLite opens the file.
func checkLogOwner(file string, opts Options) error {
	var err error
	for range 3 { // a running server may checkpoint its log in between
		var why string
		if why, err = logMismatch(file, opts); err == nil && why == "" {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%w: %s. If you have put a copy of the database at %s, delete %[3]s-wal and %[3]s-shm and start again; "+
				"otherwise put the former file back", errForeignLog, why, file)
		}
	}
	return err
}

// logMismatch says why a log does not belong to the file; "" means that it does, or that there is
// none. It reads the log first, because a checkpoint in between copies the log's ID into the file.
func logMismatch(file string, opts Options) (why string, err error) {
	info, err := os.Stat(file + "-wal")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case info.Size() == 0:
		return "", nil
	}
	log, err := opts.openLog(file + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer log.Close()
	markers, pages := []logMarker(nil), 0
	err = readCommitted(log, func(p page) {
		pages++
		if m, is := markerIn(p.data); is {
			markers = append(markers, m)
		}
	})
	if err != nil || pages == 0 {
		return "", err
	}
	has := readDatabaseState(file, opts)
	if len(markers) == 0 {
		return unmarkedMismatch(file, opts, has)
	}
	return markerMismatch(file, has, markers)
}

// unmarkedMismatch says why a log without a marker does not belong to the file. Such a log is of
// another program that has written to the file, or of a version of this program without markers.
// With the log of another file the database would be damaged.
func unmarkedMismatch(file string, opts Options, has databaseState) (why string, err error) {
	if has.markerID == "" {
		return "", nil // both are older than markers, or unknown to this program
	}
	c, err := openConnection(file, opts, sqlite3.SQLITE_OPEN_READONLY)
	defer c.close()
	if err != nil {
		return "", err
	}
	if mark, err := c.marker(); err != nil || mark.ID != has.markerID {
		return "the log has no marker of this program", nil
	}
	var damage string
	if err := c.first("PRAGMA integrity_check(1)", func(s statement) { damage = string(c.bytes(s, 0)) }); err != nil {
		return "the log has no marker of this program", nil
	}
	if damage != "ok" {
		return "the log has no marker of this program, and with it the database is damaged", nil
	}
	return "", nil
}

// databaseState is what a database file is without its log.
type databaseState struct {
	markerID string // "" before its first checkpoint
	schema   int64
	err      error // it cannot be read, as is expected during a checkpoint
}

// markerMismatch says why a file does not belong to a log with these markers.
func markerMismatch(file string, has databaseState, markers []logMarker) (string, error) {
	first, checkpointing := markers[0], slices.ContainsFunc(markers, func(m logMarker) bool { return m.Checkpointing })
	own := slices.ContainsFunc(markers, func(m logMarker) bool { return m.Checkpointing && m.ID == has.markerID })
	switch {
	case has.err != nil && !checkpointing:
		return "the file cannot be read without the log: " + has.err.Error(), nil
	case has.err == nil && has.markerID != first.Parent && !own:
		return "the log belongs to another database, or to a newer or an older copy of this one", nil
	case has.err == nil && has.markerID != "" && has.schema != first.Schema && !checkpointing:
		return "the file is a copy that was made with VACUUM", nil
	}
	now, err := logMarker{}.withFiles(file)
	switch {
	case err != nil:
		return "", err
	case now.Log != first.Log:
		return "", nil // the log is a copy, so the file may be one, too
	case now.Database != first.Database:
		return "the file is another one than that beside which the log was written", nil
	case !checkpointing && now.Changed.After(first.Changed) && !now.Modified.Equal(first.Modified):
		return "the file was overwritten after the log had begun", nil
	}
	return "", nil
}

// markerIn returns the marker in a page, if the page is a leaf of the table log_note, with one
// cell.
func markerIn(data []byte) (m logMarker, is bool) {
	const leaf, head = 0x0D, 24 // the sizes before the text take a few bytes of the cell
	if data[0] != leaf || binary.BigEndian.Uint16(data[3:]) != 1 {
		return m, false
	}
	at := int(binary.BigEndian.Uint16(data[8:]))
	if at >= len(data) {
		return m, false
	}
	cell := data[at:]
	from := bytes.Index(cell[:min(head, len(cell))], []byte(`{"parent":`))
	if from < 0 {
		return m, false
	}
	err := json.NewDecoder(bytes.NewReader(cell[from:])).Decode(&m)
	return m, err == nil && m.ID != ""
}

// readDatabaseState reads a database file without its log.
func readDatabaseState(file string, opts Options) (m databaseState) {
	c, err := connectTo("file:"+escape(file)+"?immutable=1"+opts.vfsParameter("&"), opts, sqlite3.SQLITE_OPEN_READONLY)
	defer c.close()
	if err == nil {
		m.schema, err = c.number("PRAGMA schema_version")
	}
	if err == nil {
		var marker logMarker
		marker, err = c.marker()
		m.markerID = marker.ID
	}
	m.err = err
	return m
}

// marker returns the newest marker, or the zero logMarker if there is none.
func (c *connection) marker() (m logMarker, err error) {
	tables, err := c.number("SELECT count(*) FROM sqlite_schema WHERE name = 'log_note'")
	if err != nil || tables == 0 {
		return m, err
	}
	var text string
	if err := c.first("SELECT note FROM log_note", func(s statement) { text = string(c.bytes(s, 0)) }); err != nil || text == "" {
		return m, err
	}
	return m, json.Unmarshal([]byte(text), &m)
}

// setMarker writes a marker.
func (c *connection) setMarker(m logMarker) error {
	return c.runOnce("UPDATE log_note SET note = ?", func(a *arguments) { a.text(m.encode()) })
}

// number returns the number that a query selects.
func (c *connection) number(query string) (n int64, err error) {
	err = c.first(query, func(s statement) { n = c.integer(s, 0) })
	return n, err
}
