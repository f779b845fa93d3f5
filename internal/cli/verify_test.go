package cli_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore/sqlite"
)

// MustFill writes a history of ten events to a file, and returns the position of the newest.
func MustFill(t *testing.T, path string) string {
	t.Helper()
	events, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	var newest string
	t.Run("fill", func(t *testing.T) { // the config store must stop before the file is closed
		store := configstoretest.On(t, events, configstore.Options{})
		for i := range 10 {
			newest = store.MustSet(t, fmt.Sprintf("key-%d", i%3), fmt.Sprint(i)).Position.String()
		}
	})
	return newest
}

// MustChange runs SQL on a file.
func MustChange(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyNamesTheFirstBadPosition(t *testing.T) {
	const renumber = `UPDATE events SET position = position + 100 WHERE position >= 5;
		UPDATE events SET position = position - 99 WHERE position >= 105;`
	for _, test := range []struct {
		name   string
		tamper string
		want   string
	}{
		{"untouched", ``, ""},
		{"edited value", `UPDATE events SET data = replace(data, '"4"', '"5"') WHERE position = 5`, "position 5:"},
		{"erased without a right to", `UPDATE events SET data = NULL, salt_what = NULL WHERE position = 5`, "position 5: its data is missing, and no later event says that it was erased"},
		{"half erased", `UPDATE events SET data = NULL WHERE position = 5`, "position 5: its data does not match its digest"},
		{"edited salt", `UPDATE events SET salt_what = zeroblob(16) WHERE position = 5`, "position 5:"},
		{"edited digest", `UPDATE events SET what = zeroblob(32) WHERE position = 5`, "position 5:"},
		{"edited actor", `UPDATE events SET actor = 'mallory' WHERE position = 7`, "position 7:"},
		{"edited time", `UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 1`, "position 1:"},
		{"edited hash", `UPDATE events SET hash = zeroblob(32) WHERE position = 3`, "position 3:"},
		{"removed", `DELETE FROM events WHERE position = 4`, "position 4:"},
		{"removed, and the rest moved up", `DELETE FROM events WHERE position = 4; UPDATE events SET position = position - 1 WHERE position > 4`, "position 4:"},
		{"inserted", renumber + `INSERT INTO events SELECT 5, previous, hash, 'key-9', 1, type, schema_version, actor, reason, recorded_at, append_id, 5, reverts, salt_who, salt_what, what, data FROM events WHERE position = 6`, "position 5:"},
		{"swapped", `UPDATE events SET position = 100 WHERE position = 2; UPDATE events SET position = 2 WHERE position = 3; UPDATE events SET position = 3 WHERE position = 100`, "position 2:"},
		{"first removed", `DELETE FROM events WHERE position = 1`, "position 1:"},
		{"cut", `DELETE FROM events WHERE position > 8`, "position 9:"},
		{"head edited", `UPDATE history_head SET hash = zeroblob(32)`, "position 10:"},
		{"head moved back", `UPDATE history_head SET (position, hash, recorded_at) = (SELECT position, hash, recorded_at FROM events WHERE position = 8)`, "position 9: it is after the head, which is at 8"},
		{"cut, and the head moved back", `DELETE FROM events WHERE position > 8;
			UPDATE history_head SET (position, hash, recorded_at) = (SELECT position, hash, recorded_at FROM events WHERE position = 8)`, "position 9:"},
		{"list of versions edited", `UPDATE events SET previous = 1 WHERE position = 7`, "position 7: the list of the versions of its config is damaged there"},
		{"newest event listed as an older one", `UPDATE newest SET (version, position) = (3, 7) WHERE config_name = 'key-0'`, "position 10: the lists of versions lead to 9 of the events up to it"},
		{"name not listed", `DELETE FROM newest WHERE config_name = 'key-0'`, "position 10: the lists of versions lead to 6 of the events up to it"},
		{"first event listed as another one", `UPDATE newest SET first = 2 WHERE config_name = 'key-0'`, "position 10: the list"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "configapi.db")
			newest := MustFill(t, path)
			MustChange(t, path, test.tamper)

			got := run(t, nil, "verify", "--store", "sqlite:"+path, "--contains", newest)
			if test.want == "" {
				if want := "ok: 10 events, head " + newest + "\n"; got.code != 0 || got.stdout != want {
					t.Errorf("got %+v, want exit code 0 and %q", got, want)
				}
				return
			}
			if got.code != 1 || !strings.Contains(got.stderr, "broken at "+test.want) || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("got %+v, want exit code 1 and one line with %q", got, test.want)
			}
		})
	}
}

func TestVerifyRunsBesideAServer(t *testing.T) {
	eachStore(t, func(t *testing.T, store string) {
		server := MustServe(t, store)
		position := server.MustPut(t, "a", "x")
		got := run(t, nil, "verify", "--store", store)
		if want := "ok: 1 events, head " + position + "\n"; got.code != 0 || got.stdout != want {
			t.Errorf("got %+v, want exit code 0 and %q", got, want)
		}
	})
}
