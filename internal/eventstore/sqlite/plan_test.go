package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestQueriesGoByIndex checks the query plans: with few events a query without an index costs
// nothing, with a million it does.
func TestQueriesGoByIndex(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "history.db"), Options{})
	for q, want := range map[query][]string{
		recordsQuery:      {"SEARCH e USING INTEGER PRIMARY KEY (rowid>?)"},
		recordQuery:       {"SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"},
		recordNoDataQuery: {"SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"},
		snapshotQuery:     {"SCAN history_head"},
		newestOfQuery:     {"SEARCH newest USING PRIMARY KEY (config_name=?)"},
		previousQuery:     {"SEARCH events USING INTEGER PRIMARY KEY (rowid=?)"},
		milestoneQuery:    {"SEARCH events USING COVERING INDEX events_milestones (config_name=? AND version=?)"},
		basisQuery:        {"SEARCH events USING INTEGER PRIMARY KEY (rowid=?)"},
		backQuery:         {"SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		backActorQuery:    {"SEARCH e USING INDEX events_actor (actor=? AND position>? AND position<?)"},
		actorFloorQuery:   {"SEARCH events USING COVERING INDEX events_actor (actor=? AND position<?)"},
		examineQuery:      {"SEARCH events USING INTEGER PRIMARY KEY (rowid=?)"},
		headsQuery:        {"SCAN seqs VIRTUAL TABLE INDEX 1:", "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"},
		namesQuery:        {"SEARCH events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		placesQuery:       {"SEARCH newest USING PRIMARY KEY (config_name>?)"},
		timeQuery:         {"SEARCH events USING INTEGER PRIMARY KEY (rowid=?)"},
		newestQuery: {
			"SEARCH e USING INTEGER PRIMARY KEY (rowid=?)",
			"SEARCH p USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
			"SEARCH s USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
		},
	} {
		plan := explain(t, s, queries[q])
		for _, step := range want {
			if !strings.Contains(plan, step+"\n") {
				t.Errorf("the plan of%s\n\nis\n%s\nwithout %q", queries[q], plan, step)
			}
		}
		if got := strings.Count(plan, "SCAN") + strings.Count(plan, "SEARCH"); got != len(want) {
			t.Errorf("the plan of%s\n\nis\n%s\nwith more than %d steps", queries[q], plan, len(want))
		}
	}
}

func explain(t *testing.T, s *Store, query string) (plan string) {
	t.Helper()
	conn := s.writer.tx.conn
	explained, err := conn.prepare("EXPLAIN QUERY PLAN " + query)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.finalize(explained)
	for {
		found, err := conn.step(explained)
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			return plan
		}
		plan += string(conn.bytes(explained, 3)) + "\n"
	}
}
