package sqlite

import (
	"database/sql"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	"configapi/internal/eventstore"
)

// batchRows are the numbers of rows that prepared statements insert, the largest first. One
// statement for many rows is faster: see the appends of 256 in BenchmarkStore.
var batchRows = []int{64, 8, 1}

// inserts are statements that insert rows into one table.
type inserts struct {
	statements []*sql.Stmt // one for each of batchRows
	args       []any       // of one statement; kept for the next one
}

const (
	// An append that fails is rolled back as a whole, so it says OR FAIL: by default SQLite keeps a
	// second journal to be able to roll back a single statement.
	insertEvents = `
		INSERT OR FAIL INTO events (position, previous, hash, config_name, version, type, schema_version,
			actor, reason, recorded_at, append_id, change_set, reverts, salt_who, salt_what, what, data)
		VALUES `

	// The event before is given if it is in the same append, else it is the newest of its name. An
	// event that is not the next version of its name gets -1, which the table refuses.
	eventRow = `(?, coalesce(?, (SELECT CASE version WHEN ? THEN position ELSE -1 END FROM newest WHERE config_name = ?), ?),
		?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	insertNewest = `INSERT OR FAIL INTO newest (config_name, version, position, first) VALUES `
	newestRow    = `(?, ?, ?, ?)`
	updateNewest = ` ON CONFLICT DO UPDATE SET version = excluded.version, position = excluded.position`
)

func prepareInserts(prepare func(string) *sql.Stmt, start, row, end string) (i inserts) {
	for _, rows := range batchRows {
		i.statements = append(i.statements, prepare(start+row+strings.Repeat(", "+row, rows-1)+end))
	}
	return i
}

// insert inserts n rows. addRow appends the arguments of one of them.
func (i *inserts) insert(n int, addRow func(args []any, row int) []any) error {
	next := 0
	for at, rows := range batchRows {
		for ; n-next >= rows; next += rows {
			i.args = i.args[:0]
			for row := range rows {
				i.args = addRow(i.args, next+row)
			}
			_, err := i.statements[at].Exec(i.args...)
			clear(i.args) // values must not stay in memory
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// namesOf is what an append does to the table newest.
type namesOf struct {
	names    []nameOf
	byName   map[string]int // indexes in names
	previous []int          // for each record the index of the one before of the same name; -1 if that is not in the append
}

// nameOf says which records of an append are the first and the newest of a name.
type nameOf struct{ first, newest int }

func findNames(records []eventstore.Record) namesOf {
	n := namesOf{byName: make(map[string]int, len(records)), previous: make([]int, len(records))}
	for i := range records {
		at, known := n.byName[records[i].Name]
		if !known {
			n.byName[records[i].Name] = len(n.names)
			n.names, n.previous[i] = append(n.names, nameOf{i, i}), -1
			continue
		}
		n.previous[i], n.names[at].newest = n.names[at].newest, i
	}
	return n
}

// insertRecords inserts the records of an append, and notes which are the newest of their names.
func (t *transaction) insertRecords(records []eventstore.Record) error {
	found := findNames(records)
	err := t.events.insert(len(records), func(args []any, i int) []any {
		r := &records[i]
		args = append(args, int64(r.Seq))
		switch before := found.previous[i]; {
		case before < 0:
			args = append(args, nil, int64(r.Version-1), r.Name, previousOfNew(r))
		case records[before].Version == r.Version-1:
			args = append(args, int64(records[before].Seq), nil, nil, nil)
		default:
			args = append(args, notNext, nil, nil, nil)
		}
		return addEvent(args, r)
	})
	if hasExtendedCode(err, sqlite3.SQLITE_CONSTRAINT_CHECK) {
		return eventstore.ErrNotNextVersion
	}
	if err != nil {
		return err
	}
	return t.newest.insert(len(found.names), func(args []any, i int) []any {
		first, newest := &records[found.names[i].first], &records[found.names[i].newest]
		firstSeq := first.Seq
		if first.Version > 1 { // the first of the name is in the table already
			firstSeq = 0
		}
		return append(args, newest.Name, int64(newest.Version), int64(newest.Seq), int64(firstSeq))
	})
}

// notNext is the previous event of one that is not the next version of its name.
const notNext = int64(-1)

// previousOfNew returns the previous event of a record if its name has none.
func previousOfNew(r *eventstore.Record) int64 {
	if r.Version == 1 {
		return 0
	}
	return notNext
}

// addEvent appends the arguments of an event, but for the first ones, to those of others.
func addEvent(args []any, r *eventstore.Record) []any {
	args = append(args, r.Hash[:], r.Name, int64(r.Version), r.Type, int64(r.SchemaVersion),
		nullable(r.Actor), nullable(r.Reason), r.RecordedAt.UnixMicro(), r.AppendID[:], int64(r.ChangeSet),
		nil, r.SaltWho[:], nil, r.What[:], nil)
	last := args[len(args)-5:] // the null ones are filled in here
	if r.Reverts != nil {
		last[0] = r.Reverts.String()
	}
	if !r.Erased {
		last[2], last[4] = r.SaltWhat[:], r.Data
	}
	return args
}

func nullable(text *string) any {
	if text == nil {
		return nil
	}
	return *text
}
