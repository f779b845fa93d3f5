package sqlite

import (
	"fmt"
	"testing"
)

// damage changes one place of the lists. stale is set when no read can see that: newest leads to an
// older event or to none as if that were right, or to another first event.
func (tw *twins) damage(conn *connection) (what string, stale bool) {
	name, at, to := tw.name(), 1+tw.IntN(int(tw.head.Seq)), tw.IntN(int(tw.head.Seq)+2)
	for tw.versions[name] < 2 {
		name = tw.name()
	}
	switch tw.IntN(7) {
	case 0, 1:
		what = fmt.Sprintf("UPDATE events SET previous = CASE previous WHEN %d THEN %[1]d + 1 ELSE %[1]d END WHERE position = %d", to, at)
	case 2:
		what = fmt.Sprintf("UPDATE newest SET position = CASE position WHEN %d THEN %[1]d + 1 ELSE %[1]d END WHERE config_name = '%s'", to, name)
	case 3:
		what = fmt.Sprintf("UPDATE newest SET version = version + %d WHERE config_name = '%s'", 1-2*tw.IntN(2), name)
	case 4:
		what = fmt.Sprintf("DELETE FROM newest WHERE config_name = '%s'", name)
		stale = true
	case 5:
		what = fmt.Sprintf(`UPDATE newest SET (version, position) = (SELECT version, position FROM events
			WHERE config_name = '%s' AND version = %d) WHERE config_name = '%[1]s'`, name, 1+tw.IntN(tw.versions[name]-1))
		stale = true
	case 6:
		what = fmt.Sprintf("UPDATE newest SET first = CASE first WHEN %d THEN %[1]d + 1 ELSE %[1]d END WHERE config_name = '%s'", to, name)
		stale = true
	}
	mustExecute(tw.T, conn, "CREATE TEMP TABLE IF NOT EXISTS kept_events AS SELECT position, previous FROM events")
	mustExecute(tw.T, conn, "CREATE TEMP TABLE IF NOT EXISTS kept_newest AS SELECT * FROM newest")
	mustExecute(tw.T, conn, what)
	return what, stale
}

// mend undoes what damage has done.
func (tw *twins) mend(conn *connection) {
	mustExecute(tw.T, conn, `BEGIN IMMEDIATE;
		UPDATE events SET previous = k.previous FROM temp.kept_events k WHERE k.position = events.position AND k.previous <> events.previous;
		DELETE FROM newest; INSERT INTO newest SELECT * FROM temp.kept_newest; COMMIT`)
}

func mustExecute(t testing.TB, conn *connection, statements string) {
	t.Helper()
	if err := conn.execute(statements); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}
