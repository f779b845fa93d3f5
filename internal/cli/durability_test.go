package cli_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"configapi/internal/slowtest"
)

// TestNoAcknowledgedWriteIsLost kills a server in the middle of 64 writers, again and again, and compares what was
// acknowledged with the history.
func TestNoAcknowledgedWriteIsLost(t *testing.T) {
	slowtest.Only(t)
	eachStore(t, func(t *testing.T, store string) {
		acknowledged := map[string]string{} // :: value → position of the write
		for round := range 3 {
			server := MustServe(t, store)
			killAmongWriters(t, server, round, acknowledged)
		}
		if len(acknowledged) < 100 {
			t.Fatalf("only %d writes were acknowledged: the test shows nothing", len(acknowledged))
		}
		server := MustServe(t, store)
		history := map[string]string{} // :: value → position
		for after := ""; ; {
			var page struct {
				Changes struct {
					Changes  []struct{ Value, Position string }
					Position string
					CaughtUp bool
				}
			}
			server.MustQuery(t, fmt.Sprintf(`{changes(first:500%s){changes{value position} position caughtUp}}`, after), &page)
			for _, c := range page.Changes.Changes {
				if history[c.Value] != "" {
					t.Errorf("%s is in the history twice", c.Value)
				}
				history[c.Value] = c.Position
			}
			if page.Changes.CaughtUp {
				break
			}
			after = fmt.Sprintf(`,after:%q`, page.Changes.Position)
		}
		for value, position := range acknowledged {
			if history[value] != position {
				t.Errorf("%s was acknowledged at %s, but the history has it at %q", value, position, history[value])
			}
		}
		server.Kill()
		if got := run(t, nil, "verify", "--store", store); got.code != 0 {
			t.Errorf("verifying: %s", got.stderr)
		}
	})
}

// killAmongWriters writes different values from 64 clients, kills the server among them, and adds what was acknowledged.
func killAmongWriters(t *testing.T, server process, round int, acknowledged map[string]string) {
	t.Helper()
	const clients = 64
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var mu sync.Mutex // guards acknowledged
	var writers sync.WaitGroup
	enough := make(chan struct{})
	left := 100 + rand.IntN(100) // guarded by mu
	for i := range clients {
		writers.Go(func() {
			for n := 0; ; n++ {
				value := fmt.Sprintf("%d-%d-%d", round, i, n)
				status, position, err := put(client, server, fmt.Sprintf("key-%d", rand.IntN(20)), value)
				if err != nil || status != http.StatusOK {
					return
				}
				mu.Lock()
				acknowledged[value] = position
				if left--; left == 0 {
					close(enough)
				}
				mu.Unlock()
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
