package edgetest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"configapi/graph"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/rest"
)

// TestStreamsHaveTheLargestSetsWhole streams sets of 1,000 changes, and of 4 MiB, from before they
// are written and again from the beginning: each is one message.
func TestStreamsHaveTheLargestSetsWhole(t *testing.T) {
	const query = `{"query":"subscription{configChanges(after:\"0-00000000\"){changes{name value changeSet} position}}"}`
	for edge, open := range map[string]func(t *testing.T, store *configstoretest.Store) func(ctx context.Context) *http.Request{
		"REST": func(t *testing.T, store *configstoretest.Store) func(ctx context.Context) *http.Request {
			server := start(t, rest.New(store.Store, rest.Options{}))
			return func(ctx context.Context) *http.Request {
				r, _ := http.NewRequestWithContext(ctx, "GET", server.URL+"/events?after=0-00000000", nil)
				return r
			}
		},
		"GraphQL": func(t *testing.T, store *configstoretest.Store) func(ctx context.Context) *http.Request {
			server := start(t, graph.NewHandler(store.Store, graph.Options{}))
			return func(ctx context.Context) *http.Request {
				r, _ := http.NewRequestWithContext(ctx, "POST", server.URL+"/graphql", strings.NewReader(query))
				r.Header.Set("Content-Type", "application/json")
				return r
			}
		},
	} {
		t.Run(edge, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
			defer cancel()
			store := configstoretest.New(t, configstore.Options{})
			request := open(t, store)
			live := mustStream(t, request(ctx))
			bytes := []int{config.MaxChangeSetBytes, 100 * config.MaxChanges, config.MaxChangeSetBytes}
			for i, bytes := range bytes {
				if _, err := store.Apply(ctx, auth.Anonymous, largeSet(t, fmt.Sprint(i, "/"), bytes)); err != nil {
					t.Fatal(err)
				}
			}
			for _, stream := range []*bufio.Reader{live, mustStream(t, request(ctx))} {
				for i := range bytes {
					mustBeOneMessage(t, stream, fmt.Sprint(i, "/"))
				}
			}
		})
	}
}

func mustStream(t *testing.T, r *http.Request) *bufio.Reader {
	t.Helper()
	r.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return bufio.NewReader(response.Body)
}

// mustBeOneMessage reads the next message that has changes.
func mustBeOneMessage(t *testing.T, stream *bufio.Reader, mark string) {
	t.Helper()
	type change struct{ Name, Value, ChangeSet string }
	var message struct {
		Changes  []change
		Position string
		Data     struct {
			ConfigChanges struct {
				Changes  []change
				Position string
			}
		}
	}
	for len(message.Changes) == 0 {
		line, err := stream.ReadString('\n')
		if err != nil {
			t.Fatalf("before set %s: %v", mark, err)
		}
		text, is := strings.CutPrefix(line, "data:")
		if !is || strings.TrimSpace(text) == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), &message); err != nil {
			t.Fatal(err)
		}
		if of := message.Data.ConfigChanges; len(of.Changes) > 0 {
			message.Changes, message.Position = of.Changes, of.Position
		}
	}
	if len(message.Changes) != config.MaxChanges {
		t.Fatalf("set %s: a message has %d changes", mark, len(message.Changes))
	}
	for _, c := range message.Changes {
		if c.ChangeSet != message.Position || !strings.HasPrefix(c.Value, mark) {
			t.Fatalf("set %s: the message at %s has %s of set %s, with %.10q", mark, message.Position, c.Name, c.ChangeSet, c.Value)
		}
	}
}
