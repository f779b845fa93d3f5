package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// writtenSet is a change set that a client sent to a server that is killed.
type writtenSet struct {
	changes  int
	position string // as acknowledged; "" when it was not
}

// TestKillSplitsNoSet kills a server on SQLite among clients that write change sets, again and
// again. Each set must then be in the history whole or not at all, and each acknowledged one where
// its answer says.
func TestKillSplitsNoSet(t *testing.T) {
	t.Parallel()
	store := "sqlite:" + filepath.Join(t.TempDir(), "configapi.db")
	sets := map[string]writtenSet{} // :: reason → set
	for round := range 3 {
		killAmongSets(t, MustServe(t, store), round, sets)
	}
	server := MustServe(t, store)
	found := map[string][]setChange{} // :: reason → its changes in the history
	for after := ""; ; {
		var page struct {
			Changes struct {
				Changes  []setChange
				Position string
				CaughtUp bool
			}
		}
		server.MustQuery(t, fmt.Sprintf(`{changes(first:500%s){changes{name reason position changeSet} position caughtUp}}`, after), &page)
		for _, c := range page.Changes.Changes {
			found[c.Reason] = append(found[c.Reason], c)
		}
		if page.Changes.CaughtUp {
			break
		}
		after = fmt.Sprintf(`,after:%q`, page.Changes.Position)
	}
	acknowledged := 0
	for reason, set := range sets {
		changes := found[reason]
		switch {
		case set.position != "":
			acknowledged++
			fallthrough
		case len(changes) > 0:
			mustBeWhole(t, reason, set, changes)
		}
	}
	if acknowledged < 30 {
		t.Errorf("only %d sets were acknowledged: the test shows nothing", acknowledged)
	}
	server.Kill()
	if got := run(t, nil, "verify", "--store", store); got.code != 0 {
		t.Errorf("verifying: %s", got.stderr)
	}
}

// setChange is a change as the history has it.
type setChange struct{ Name, Reason, Position, ChangeSet string }

func mustBeWhole(t *testing.T, reason string, set writtenSet, changes []setChange) {
	t.Helper()
	if len(changes) != set.changes {
		t.Errorf("set %s (acknowledged at %q): the history has %d of its %d changes", reason, set.position, len(changes), set.changes)
		return
	}
	end := changes[len(changes)-1].Position
	for i, c := range changes {
		if c.ChangeSet != end || c.Name != nameInSet(i) {
			t.Errorf("set %s: change %d is of %s, in the change set %s, want %s in %s", reason, i, c.Name, c.ChangeSet, nameInSet(i), end)
		}
	}
	if set.position != "" && set.position != end {
		t.Errorf("set %s was acknowledged at %s, but ends at %s", reason, set.position, end)
	}
}

func nameInSet(i int) string { return fmt.Sprintf("set/%d", i) }

// sizesOfSets are how many changes the sets of each client have. They compete for the same names.
var sizesOfSets = []int{2, 3, 5, 10, 30, 100, 1000}

// killAmongSets sends change sets from some clients, kills the server meanwhile, and adds the sets.
func killAmongSets(t *testing.T, server process, round int, sets map[string]writtenSet) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: len(sizesOfSets)}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	var mu sync.Mutex // guards sets and left
	var writers sync.WaitGroup
	enough := make(chan struct{})
	left := 20 + 7*round
	for i, size := range sizesOfSets {
		writers.Go(func() {
			for n := 0; ; n++ {
				reason := fmt.Sprintf("%d-%d-%d", round, i, n)
				position, err := applySet(client, server, reason, size)
				mu.Lock()
				sets[reason] = writtenSet{size, position}
				if left--; left == 0 {
					close(enough)
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(30 * time.Second):
		t.Errorf("the server is too slow: %s", server.Log())
	}
	server.Kill()
	writers.Wait()
}

// applySet sends one change set, and returns the position at which it was acknowledged.
func applySet(client *http.Client, p process, reason string, size int) (position string, err error) {
	type change struct {
		Set map[string]string `json:"set"`
	}
	changes := make([]change, size)
	for i := range changes {
		changes[i].Set = map[string]string{"name": nameInSet(i), "value": reason}
	}
	body, err := json.Marshal(map[string]any{"changes": changes, "reason": reason})
	if err != nil {
		return "", err
	}
	answer, err := client.Post(p.URL("/changes"), "application/json", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var outcome struct{ Position string }
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d", answer.StatusCode)
	}
	err = json.NewDecoder(answer.Body).Decode(&outcome)
	return outcome.Position, err
}
