package sqlite

import (
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	"configapi/internal/eventstore"
)

// batchRows are the numbers of rows that prepared statements insert, the largest first. One
// statement for many rows is faster: see the appends of 256 in BenchmarkStore.
var batchRows = []int{64, 8, 1}

// inserts are statements that insert rows into one table, one for each of batchRows.
type inserts []statement

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

func prepareInserts(prepare func(string) statement, start, row, end string) (all inserts) {
	for _, rows := range batchRows {
		all = append(all, prepare(start+row+strings.Repeat(", "+row, rows-1)+end))
	}
	return all
}

// insert inserts n rows. addRow adds the arguments of one of them.
func (c *connection) insert(into inserts, n int, addRow func(a *arguments, row int)) error {
	next := 0
	for at, rows := range batchRows {
		for ; n-next >= rows; next += rows {
			err := c.run(into[at], func(a *arguments) {
				for row := range rows {
					addRow(a, next+row)
				}
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// namesOf are the names of the records of an append.
type namesOf struct {
	names    []nameOf
	previous []int // for each record, the one before of its name; -1: not in the append
}

// nameOf says which records of an append are the first and the newest of a name.
type nameOf struct{ first, newest int }

func findNames(records []eventstore.Record) namesOf {
	n := namesOf{previous: make([]int, len(records))}
	byName := make(map[string]int, len(records)) // :: name → index in names
	for i := range records {
		at, known := byName[records[i].Name]
		if !known {
			byName[records[i].Name] = len(n.names)
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
	err := t.conn.insert(t.events, len(records), func(a *arguments, i int) {
		r := &records[i]
		a.integer(int64(r.Seq))
		if before := found.previous[i]; before < 0 {
			a.null()
			a.integer(int64(r.Version - 1))
			a.text(r.Name)
			a.integer(previousOfNew(r))
		} else {
			a.integer(previousOf(r, &records[before]))
			a.null()
			a.null()
			a.null()
		}
		addEvent(a, r)
	})
	if hasExtendedCode(err, sqlite3.SQLITE_CONSTRAINT_CHECK) {
		return eventstore.ErrNotNextVersion
	}
	if err != nil {
		return err
	}
	return t.conn.insert(t.newest, len(found.names), func(a *arguments, i int) {
		first, newest := &records[found.names[i].first], &records[found.names[i].newest]
		a.text(newest.Name)
		a.integer(int64(newest.Version))
		a.integer(int64(newest.Seq))
		if first.Version > 1 { // the first of the name is in the table already
			a.integer(0)
		} else {
			a.integer(int64(first.Seq))
		}
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

// previousOf returns the previous event of a record of which another of the same append is.
func previousOf(r, before *eventstore.Record) int64 {
	if r.Version == before.Version+1 {
		return int64(before.Seq)
	}
	return notNext
}

// addEvent adds the arguments of an event, but for the first ones.
func addEvent(a *arguments, r *eventstore.Record) {
	a.blob(r.Hash[:])
	a.text(r.Name)
	a.integer(int64(r.Version))
	a.text(r.Type)
	a.integer(int64(r.SchemaVersion))
	a.nullable(r.Actor)
	a.nullable(r.Reason)
	a.integer(r.RecordedAt.UnixMicro())
	a.blob(r.AppendID[:])
	a.integer(int64(r.ChangeSet))
	if r.Reverts == nil {
		a.null()
	} else {
		a.text(r.Reverts.String())
	}
	a.blob(r.SaltWho[:])
	if r.Erased {
		a.null()
		a.blob(r.What[:])
		a.null()
		return
	}
	a.blob(r.SaltWhat[:])
	a.blob(r.What[:])
	a.text(r.Data)
}
