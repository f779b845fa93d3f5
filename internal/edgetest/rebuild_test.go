package edgetest_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"configapi/graph"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
	"configapi/internal/fault"
	"configapi/internal/httpd"
	"configapi/internal/projection"
	"configapi/internal/rest"
	"configapi/internal/slowtest"
	"configapi/internal/websockettest"
	"configapi/internal/writer"
)

// patience bounds the waits of these tests.
const patience = 20 * time.Second

// node is a server with all edges on a database.
type node struct {
	*configstoretest.Store
	server
	database database
}

func startNode(t *testing.T, d database) node {
	t.Helper()
	return startFollowing(t, d, projection.Options{})
}

// startFollowing starts a node with options of its follower.
func startFollowing(t *testing.T, d database, follower projection.Options) node {
	t.Helper()
	follower.RetryMin = time.Millisecond
	store := configstoretest.On(t, d, configstore.Options{
		PositionWait: time.Millisecond, Writer: writer.Options{RetryMin: time.Millisecond}, Follower: follower,
	})
	api := graph.NewHandler(store.Store, graph.Options{})
	t.Cleanup(func() { _ = api.Shutdown(t.Context()) })
	s := httpd.New(httpd.Options{Store: store.Store, REST: rest.New(store.Store, rest.Options{}), GraphQL: api})
	return node{store, start(t, s), d}
}

// awaitRebuild waits until the node has replaced its state.
func (n node) awaitRebuild(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); n.Rebuilds() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the node goes on with a history that is lost: %+v", n.Health(t.Context()))
		}
	}
	select {
	case <-n.Ready():
	case <-time.After(patience):
		t.Fatalf("the node does not get ready: %+v", n.Health(t.Context()))
	}
}

// stream opens a websocket with streams that have caught up.
func (n node) stream(t *testing.T) *websockettest.Client {
	t.Helper()
	client, err := websockettest.Open(t.Context(), n.URL+"/graphql", websockettest.Options{Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for id, query := range map[string]string{
		"changes": `subscription{configChanges{position}}`,
		"state":   `subscription{config(name:"n1"){value}}`,
	} {
		if err := client.Subscribe(id, query, nil); err != nil {
			t.Fatal(err)
		}
		if message, err := client.Receive(); err != nil || message.Type != "next" || message.ID != id {
			t.Fatalf("got %s, %v, want what the stream %q begins with", message.Text, err, id)
		}
	}
	return client
}

// mustBeClosed fails the test unless the next message is the close code 1012, after which clients
// reconnect.
func mustBeClosed(t *testing.T, client *websockettest.Client) {
	t.Helper()
	message, err := client.Receive()
	if websockettest.CloseCode(err) != websockettest.CodeServiceRestart {
		t.Errorf("got %s, %v, want it to be closed with 1012", message.Text, err)
	}
}

// TestRebuild replaces the tail of a history by SQL while a node runs.
func TestRebuild(t *testing.T) {
	const written, kept = 6, 3
	for _, test := range []struct {
		what  string
		kept  eventstore.Seq
		after []string // the names that the new tail changes
	}{
		{"another tail of the same length", kept, []string{"n0", "x", "n1"}},
		{"another history", 0, []string{"n5", "x", "y", "n4", "z", "n3", "n5", "x"}},
		{"the tail is lost", kept, nil},
		{"another tail that is shorter", kept, []string{"n0"}},
		{"another tail that is longer", kept, []string{"n0", "x", "n1", "y", "n2", "z"}},
	}[:slowtest.Rounds(2, 5)] {
		for kind, open := range databases {
			t.Run(kind+", "+test.what, func(t *testing.T) {
				t.Parallel()
				n := startNode(t, open(t))
				var marks []eventstore.Position // :: position - 1 → its position
				for i := range written {
					marks = append(marks, n.MustSet(t, fmt.Sprintf("n%d", i), "lost").Position)
				}
				old := n.hold(t)
				conn := n.stream(t)
				records, head := fork(t, n.Events, test.kept, test.after...)
				n.database.rewrite(t, test.kept, records, head)
				mustBeClosed(t, conn)
				n.awaitRebuild(t)

				wantReplay(t, n.Store)
				old.mustBeGone(t, n)
				n.mustAnswer(t, marks, test.kept, head)
				n.mustResume(t, marks, test.kept, records)
				n.MustSet(t, "n1", "afterwards")
				wantReplay(t, n.Store)
				if _, err := eventstoretest.Verify(t.Context(), n.Events); err != nil {
					t.Error(err)
				}
				if n.Rebuilds() != 1 {
					t.Errorf("%d rebuilds, want one", n.Rebuilds())
				}
			})
		}
	}
}

// mustAnswer checks what the node answers for positions of both histories.
func (n node) mustAnswer(t *testing.T, marks []eventstore.Position, kept eventstore.Seq, head eventstore.Head) {
	t.Helper()
	for _, mark := range marks {
		want := fault.ErrPositionUnknown
		if mark.Seq <= kept {
			want = nil
		}
		if _, err := n.FreshReader(t.Context(), auth.Anonymous, configstore.Freshness{AtLeast: &mark}); !errors.Is(err, want) {
			t.Errorf("position %s: got %v, want %v", mark, err, want)
		}
	}
	// A position beyond the head is still refused when the new history is that long.
	beyond := marks[len(marks)-1]
	for at := head.Seq; at < beyond.Seq; at++ {
		n.MustSet(t, "filler", fmt.Sprint(at))
	}
	if _, err := n.FreshReader(t.Context(), auth.Anonymous, configstore.Freshness{AtLeast: &beyond}); !errors.Is(err, fault.ErrPositionUnknown) {
		t.Errorf("position %s when the history has come there: got %v, want %v", beyond, err, fault.ErrPositionUnknown)
	}
}

// mustResume checks that a stream from the last common position gets the new tail.
func (n node) mustResume(t *testing.T, marks []eventstore.Position, kept eventstore.Seq, records []eventstore.Record) {
	t.Helper()
	var after eventstore.Position
	if kept > 0 {
		after = marks[kept-1]
	}
	watch, err := n.Watch(t.Context(), auth.Anonymous, config.Filter{}, &after)
	if err != nil {
		t.Fatal(err)
	}
	found, err := watch.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		if i >= len(found.Revisions) || found.Revisions[i].Hash != r.Hash {
			t.Fatalf("a stream from %s gives %d changes, the one for position %d is missing or another", after, len(found.Revisions), r.Seq)
		}
	}
}

// held is what callers have opened on a lost history.
type held struct {
	reader *configstore.Reader
	watch  *configstore.Watch
	state  *configstore.ConfigWatch
}

func (n node) hold(t *testing.T) held {
	t.Helper()
	watch, err := n.Watch(t.Context(), auth.Anonymous, config.Filter{}, &eventstore.Position{})
	if err != nil {
		t.Fatal(err)
	}
	h := held{n.Reader(auth.Anonymous), watch, n.WatchConfig(auth.Anonymous, configstoretest.Name(t, "n1"))}
	if _, err := h.state.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

// mustBeGone checks that all of it fails now.
func (h held) mustBeGone(t *testing.T, n node) {
	t.Helper()
	ctx, name := t.Context(), configstoretest.Name(t, "n1")
	gone := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, fault.ErrRebuilding) || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: got %v, want %v", what, err, fault.ErrRebuilding)
		}
	}
	_, _, err := h.reader.History(ctx, name, 0, 1)
	gone("a history", err)
	_, err = h.reader.Revision(ctx, eventstore.Position{Seq: 1})
	gone("a revision", err)
	_, err = h.reader.Changes(ctx, eventstore.Position{}, config.Filter{}, 10)
	gone("changes", err)
	_, err = h.watch.Next(ctx)
	gone("a stream", err)
	_, err = h.state.Next(ctx)
	gone("a stream of states", err)
	_, err = n.Resume(auth.Anonymous, config.Filter{}, h.watch.Offset())
	gone("going on with a stream", err)
	_, err = n.ResumeConfig(auth.Anonymous, name, h.state.Offset())
	gone("going on with a stream of states", err)
}

// TestBrokenHistoryIsNotRebuilt breaks the hash chain after, or also within, what a node has
// applied.
func TestBrokenHistoryIsNotRebuilt(t *testing.T) {
	for kind, open := range databases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := startNode(t, open(t))
			mark := n.MustSet(t, "a", "1").Position
			records, head := fork(t, n.Events, 1, "a", "b")
			records[0].Data = `{"value":"forged"}`
			n.database.rewrite(t, 1, records, head)

			const reason = "the history is broken at position 2"
			for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
				status, answer := n.ask(t, "GET /readyz", "", "")
				if status == http.StatusServiceUnavailable && strings.Contains(answer, reason) {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("/readyz: got %d %s, want %q", status, answer, reason)
				}
			}
			if status, answer := n.ask(t, "GET /health", "", ""); status != http.StatusServiceUnavailable || !strings.Contains(answer, reason) {
				t.Errorf("/health: got %d %s", status, answer)
			}
			if got := n.Reader(auth.Anonymous).Head().Position(); got != mark || n.Rebuilds() != 0 {
				t.Errorf("at %s after %d rebuilds, want %s after none", got, n.Rebuilds(), mark)
			}
			_, err := n.Do(t.Context(), auth.Anonymous, config.Single(config.Delete{Name: configstoretest.Name(t, "a")}))
			if fault.KindOf(err) != fault.Unavailable {
				t.Errorf("a write: got %v", err)
			}
			_, err = n.FreshReader(t.Context(), auth.Anonymous, configstore.Freshness{Linearizable: true})
			// unavailable: the store did not return its head in time
			if kind := fault.KindOf(err); kind != fault.PositionNotReached && kind != fault.Unavailable {
				t.Errorf("a linearizable read: got %v", err)
			}
		})
	}
}
