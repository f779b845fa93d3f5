package graph_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"configapi/graph"
	"configapi/graph/transport/gqlws"
	"configapi/internal/configstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/feed"
)

// TestSharedStreamsGiveEveryChangeOnce has equal subscribers come, stall, stop and come back while
// changes are written. Each of them gets every change once and in order, whatever it does and
// whichever subscribers it shares messages with.
func TestSharedStreamsGiveEveryChangeOnce(t *testing.T) {
	for name, options := range map[string]gqlws.Options{
		"large queue": {},
		"small queue": {MaxQueuedBytes: 512}, // they leave their group all the time
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := configstore.Options{Feed: feed.Options{RingEvents: 100}}
			a := MustServe(t, memory.New(), store, graph.Options{Websocket: options})
			const changes = 300
			heard := make(chan struct{}, 1)
			var readers sync.WaitGroup
			for seed := range uint64(8) {
				f := &follower{api: a, random: rand.New(rand.NewPCG(seed, 0)), after: "0-00000000", heard: heard}
				readers.Go(func() { f.follow(t, changes) })
			}
			for i := range changes { // one at a time, so that subscribers keep up
				select {
				case <-heard:
					a.MustSet(t, "a", fmt.Sprint(i))
				case <-time.After(10 * time.Second):
					t.Fatal("no subscriber gets anything")
				}
			}
			readers.Wait()
		})
	}
}

// follower reads changes of the config "a".
type follower struct {
	*api
	random  *rand.Rand
	heard   chan<- struct{} // gets one for each message, unless it is full
	after   string
	version int
}

// follow reads until it has seen so many changes, over many subscriptions.
func (f *follower) follow(t *testing.T, changes int) {
	for f.version < changes && !t.Failed() {
		c := f.MustDial(t)
		// After one subscriber has failed, the others may get no more changes.
		giveUp := time.AfterFunc(10*time.Second, c.conn.Close)
		for i := range 1 + f.random.IntN(3) {
			id := string(rune('a' + i))
			c.subscribe(id, watchChanges, vars{"after": f.after})
			for reads := f.random.IntN(40); reads > 0 && f.version < changes; reads-- {
				f.read(t, c, id)
			}
			c.send(`{"id":"` + id + `","type":"complete"}`)
			c.send(`{"type":"ping"}`)
			for f.read(t, c, id) { // messages that were under way
			}
		}
		giveUp.Stop()
		c.conn.Close()
	}
}

// read takes one message. It returns false for a pong.
func (f *follower) read(t *testing.T, c *client, id string) bool {
	message, err := c.conn.Receive()
	select {
	case f.heard <- struct{}{}:
	default:
	}
	if err != nil {
		t.Errorf("after version %d: %v", f.version, err)
		return false
	}
	if message.Type == "pong" {
		return false
	}
	var got struct {
		Data struct {
			ConfigChanges struct {
				Changes  []item
				Position string
			}
		}
	}
	if err := json.Unmarshal(message.Payload, &got); err != nil || message.Type != "next" || message.ID != id {
		t.Errorf("after version %d: got %.300s, %v", f.version, message.Text, err)
		return false
	}
	batch := got.Data.ConfigChanges
	for _, change := range batch.Changes {
		if f.version++; change.Version != f.version {
			t.Errorf("got version %d, want %d", change.Version, f.version)
			return false
		}
	}
	f.after = batch.Position
	return true
}

// TestWebsockets counts sockets, operations, and groups, which subscribers of equal operations
// join.
func TestWebsockets(t *testing.T) {
	a := MustStart(t)
	for i := range 3 {
		c := a.MustDial(t)
		c.subscribe("same", watchChanges, vars{"after": "0-00000000"})
		c.subscribe("other", `subscription{config(name:"a"){name}}`, nil)
		if i > 0 {
			continue
		}
		c.subscribe("alone", `subscription{config(name:"b"){name}}`, nil)
	}
	wantWebsockets(t, a, 3, 7, 3)
}

// wantWebsockets waits until the handler has so many sockets, operations and groups.
func wantWebsockets(t *testing.T, a *api, sockets, operations, groups int) {
	t.Helper()
	want, got := [3]int{sockets, operations, groups}, [3]int{}
	for deadline := time.Now().Add(20 * time.Second); got != want && time.Now().Before(deadline); {
		got[0], got[1], got[2] = a.handler.Websockets()
	}
	if got != want {
		t.Errorf("got %d sockets, streams and groups, want %d", got, want)
	}
}
