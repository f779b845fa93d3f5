package postgres

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

// mustAppendVersions appends the first to the last version of each of n names, all names of one
// version after the other.
func mustAppendVersions(t *testing.T, s *Store, n, last int) (head eventstore.Head) {
	t.Helper()
	for version := 1; version <= last; version++ {
		written := records(head, n)
		for i := range written {
			written[i].Name, written[i].Version = "n/"+time.Duration(i).String(), version
		}
		next := new(eventstore.Chain).Seal(head, eventstore.AppendID{1}, written)
		if err := s.Append(t.Context(), head, written); err != nil {
			t.Fatal(err)
		}
		head = next
	}
	return head
}

// TestNewestLooksThreeRowsUpForEachName, also while the server knows nothing about the table: no
// statistics, and no page that is visible to all.
func TestNewestLooksThreeRowsUpForEachName(t *testing.T) {
	t.Parallel()
	const names = 200
	dsn := postgrestest.NewDatabase(t)
	s := mustOpen(t, dsn, Options{})
	connect(t, dsn).exec(`alter table events set (autovacuum_enabled = off)`)
	head := mustAppendVersions(t, s, names, 5)
	var plan []byte
	err := s.nodePool.QueryRow(t.Context(), `explain (analyze, format json) `+selectNewest,
		int64(head.Seq), head.Hash[:], "", 2*names, eventstore.PageBytes, afterAllNames).Scan(&plan)
	if err != nil {
		t.Fatal(err)
	}
	var root []struct{ Plan planNode }
	if err := json.Unmarshal(plan, &root); err != nil {
		t.Fatal(err)
	}
	if rows := root[0].Plan.rowsOfTables(); rows < 3*names || rows > 3*names+10 {
		t.Errorf("%v rows were read for %d names of 5 versions, want three for each name and few others:\n%s", rows, names, plan)
	}
}

// planNode is a part of what EXPLAIN says.
type planNode struct {
	Relation string  `json:"Relation Name"`
	Rows     float64 `json:"Actual Rows"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Loops    float64 `json:"Actual Loops"`
	Plans    []planNode
}

// rowsOfTables is how many rows of tables were read.
func (n *planNode) rowsOfTables() (rows float64) {
	if n.Relation != "" {
		rows = (n.Rows + n.Removed) * n.Loops
	}
	for i := range n.Plans {
		rows += n.Plans[i].rowsOfTables()
	}
	return rows
}

// TestNewestOfSlowTable reads a table whose rows take some milliseconds each: a page of all names
// takes longer than a read may.
func TestNewestOfSlowTable(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	const names = 60
	dsn := postgrestest.NewDatabase(t)
	s := mustOpen(t, dsn, Options{queryTimeout: 2 * time.Second, CloseTimeout: patience})
	head := mustAppendVersions(t, s, names, 2)
	connect(t, dsn).exec(`
		create function slow() returns boolean language plpgsql as 'begin perform pg_sleep(0.012); return true; end';
		alter table events rename to events_of_disk;
		create view events as select * from events_of_disk where slow()`)
	var found [2][]string
	err := s.EachNewest(t.Context(), head, func(page []eventstore.Newest) error {
		for _, n := range page {
			if n.Order != len(found[n.Part]) || n.Version != 2 || n.CreatedAt.IsZero() {
				t.Errorf("number %d of part %d is version %d of %s, created at %v", n.Order, n.Part, n.Version, n.Name, n.CreatedAt)
			}
			found[n.Part] = append(found[n.Part], n.Name)
		}
		return nil
	})
	all := slices.Concat(found[0], found[1])
	if err != nil || len(all) != names || !slices.IsSorted(all) {
		t.Errorf("got %d names, sorted: %v; %v", len(all), slices.IsSorted(all), err)
	}
	for number, part := range found {
		if len(part) < names/4 {
			t.Errorf("part %d has %d of %d names", number, len(part), names)
		}
	}
}
