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

	"modernc.org/libc"
)

// note is what a write-ahead log says of the database file that it belongs to. SQLite itself
// replays any log that lies beside a database, also one of another file, or a newer one over an old
// copy.
//
// The first append of each log writes a note with a new mark. The database file gets that mark when
// the log is folded into it, and not before. So a database file has the mark that the log names as
// its parent. Once folding has begun, which the log says too, it may have that of the log.
type logMarker struct {
	Parent        string `json:"parent"` // the mark of the database file when the log began; "" before the first
	ID            string `json:"mark"`
	Schema        int64  `json:"schema"`  // SQLite's schema version of the database file; VACUUM gives its copies the next one
	Checkpointing bool   `json:"folding"` // the log is being folded into the database file

	// Of the files: a copy of both together has other ones, which the number of the log tells.
	Database uint64    `json:"database"` // the number of the inode
	Log      uint64    `json:"log"`      // likewise
	Modified time.Time `json:"modified"` // when the database file was last modified
	Changed  time.Time `json:"changed"`  // when its inode was last changed, which cannot be set
}

func newMarkerID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// of adds what identifies the files.
func (n logMarker) withFiles(file string) (logMarker, error) {
	database, err := os.Stat(file)
	if err != nil {
		return n, err
	}
	log, err := os.Stat(file + "-wal")
	if err != nil {
		return n, err
	}
	n.Database, n.Changed = inode(database)
	n.Log, _ = inode(log)
	n.Modified = database.ModTime()
	return n, nil
}

func (n logMarker) encode() string {
	b, _ := json.Marshal(n) // texts, numbers and times always have a JSON
	return string(b)
}

// errForeignLog says that a write-ahead log must not be replayed.
var errForeignLog = errors.New("the write-ahead log is not that of this file")

// checkLog refuses a database file beside a log that is not its own. It is called before SQLite
// opens the file.
func checkLogOwner(file string, opts Options) error {
	var err error
	for range 3 { // a server that runs may fold its log meanwhile
		var why string
		if why, err = logMismatch(file, opts); err == nil && why == "" {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%w: %s. If you have put a copy of the database at %s, delete %[3]s-wal and %[3]s-shm and start again; "+
				"else put the file back that was there before", errForeignLog, why, file)
		}
	}
	return err
}

// compareLog says why a log is not that of the file, "" when it is or when there is none. It reads
// the log first: a log that is folded meanwhile gives its mark to the file.
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
	notes, pages := []logMarker(nil), 0
	err = readCommitted(log, func(p page) {
		pages++
		if n, is := markerIn(p.data); is {
			notes = append(notes, n)
		}
	})
	if err != nil || pages == 0 {
		return "", err
	}
	has := readDatabaseState(file, opts)
	if len(notes) == 0 {
		return unmarkedMismatch(file, opts, has)
	}
	return markerMismatch(file, has, notes)
}

// compareUnmarked says why a log without a note is not that of the file. It may be of a program
// other than this one that has written to the file, or of before there were notes. A log of another
// file would leave the database damaged.
func unmarkedMismatch(file string, opts Options, has databaseState) (why string, err error) {
	if has.markerID == "" {
		return "", nil // both are of before there were notes, or of nothing that this program knows
	}
	r := &reader{tls: libc.NewTLS()}
	defer r.close()
	if err := r.connect(file, opts); err != nil {
		return "", err
	}
	if mark, err := r.markerID(); err != nil || mark != has.markerID {
		return "the log has no mark of this program", nil
	}
	s, err := r.prepare("PRAGMA integrity_check(1)")
	if err != nil {
		return "the log has no mark of this program", nil
	}
	defer r.finalize(s)
	if found, err := r.step(s); err != nil || !found || string(r.bytes(s, 0)) != "ok" {
		return "the log has no mark of this program, and with it the database is damaged", nil
	}
	return "", nil
}

// marked is what a database file is without its log.
type databaseState struct {
	markerID string // "" before it was given one
	schema   int64
	err      error // it cannot be read, which is no wonder while a log is being folded into it
}

// compareNotes says why a file is not that of a log with the notes.
func markerMismatch(file string, has databaseState, notes []logMarker) (string, error) {
	first, folding := notes[0], slices.ContainsFunc(notes, func(n logMarker) bool { return n.Checkpointing })
	own := slices.ContainsFunc(notes, func(n logMarker) bool { return n.Checkpointing && n.ID == has.markerID })
	switch {
	case has.err != nil && !folding:
		return "the file cannot be read without the log: " + has.err.Error(), nil
	case has.err == nil && has.markerID != first.Parent && !own:
		return "the log belongs to another database, or to a newer or an older copy of this one", nil
	case has.err == nil && has.markerID != "" && has.schema != first.Schema && !folding:
		return "the file is a copy that was made with VACUUM", nil
	}
	now, err := logMarker{}.withFiles(file)
	switch {
	case err != nil:
		return "", err
	case now.Log != first.Log:
		return "", nil // the log is a copy, so the file is one, too
	case now.Database != first.Database:
		return "the file is another one than that beside which the log was written", nil
	case !folding && now.Changed.After(first.Changed) && !now.Modified.Equal(first.Modified):
		return "the file was overwritten after the log had begun", nil
	}
	return "", nil
}

// noteIn returns the note that a page holds if it is that of the table log_note: a leaf with one
// cell.
func markerIn(data []byte) (n logMarker, is bool) {
	const leaf, head = 0x0D, 24 // of which the sizes before the text take a few
	if data[0] != leaf || binary.BigEndian.Uint16(data[3:]) != 1 {
		return n, false
	}
	at := int(binary.BigEndian.Uint16(data[8:]))
	if at >= len(data) {
		return n, false
	}
	cell := data[at:]
	from := bytes.Index(cell[:min(head, len(cell))], []byte(`{"parent":`))
	if from < 0 {
		return n, false
	}
	err := json.NewDecoder(bytes.NewReader(cell[from:])).Decode(&n)
	return n, err == nil && n.ID != ""
}

// readMarked reads a database file without its log.
func readDatabaseState(file string, opts Options) (m databaseState) {
	r := &reader{tls: libc.NewTLS()}
	defer r.close()
	m.err = r.connectTo("file:"+escape(file)+"?immutable=1"+opts.vfsParameter("&"), opts)
	if m.err == nil {
		m.schema, m.err = r.queryNumber("PRAGMA schema_version")
	}
	tables := int64(0)
	if m.err == nil {
		tables, m.err = r.queryNumber("SELECT count(*) FROM sqlite_schema WHERE name = 'log_note'")
	}
	if m.err == nil && tables > 0 {
		m.markerID, m.err = r.markerID()
	}
	return m
}

// mark returns the mark of a database file.
func (r *reader) markerID() (string, error) {
	s, err := r.prepare("SELECT note FROM log_note")
	if err != nil {
		return "", err
	}
	defer r.finalize(s)
	var n logMarker
	if found, err := r.step(s); err != nil || !found {
		return "", err
	}
	text := r.bytes(s, 0)
	if len(text) == 0 {
		return "", nil
	}
	err = json.Unmarshal(text, &n)
	return n.ID, err
}

// number returns the one number that a query asks for.
func (r *reader) queryNumber(query string) (int64, error) {
	s, err := r.prepare(query)
	if err != nil {
		return 0, err
	}
	defer r.finalize(s)
	if _, err := r.step(s); err != nil {
		return 0, err
	}
	return r.integer(s, 0), nil
}
