package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"configapi/graph"
	"configapi/graph/transport/gqlws"
	"configapi/internal/configstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/slowtest"
	"configapi/internal/websockettest"
)

// client is a websocket on which operations run.
type client struct {
	t    testing.TB
	conn *websockettest.Client
}

// MustDial opens a websocket and has it acknowledged.
func (a *api) MustDial(t testing.TB) *client {
	t.Helper()
	conn, err := websockettest.Open(t.Context(), a.url, websockettest.Options{Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return &client{t, conn}
}

func (c *client) send(message string) {
	c.t.Helper()
	if err := c.conn.Send(message); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) subscribe(id, query string, variables vars) {
	c.t.Helper()
	if err := c.conn.Subscribe(id, query, variables); err != nil {
		c.t.Fatal(err)
	}
}

// end completes an operation. It waits for a pong: the server has then handled the completion, too.
func (c *client) end(id string) {
	c.t.Helper()
	c.send(`{"id":"` + id + `","type":"complete"}`)
	c.send(`{"type":"ping"}`)
	c.want(`{"type":"pong"}`)
}

// receive reads one message, with positions as in @7.
func (c *client) receive() string {
	c.t.Helper()
	message, err := c.conn.Receive()
	if err != nil {
		c.t.Fatalf("reading from the websocket: %v", err)
	}
	return plain(message.Text)
}

func (c *client) want(message string) {
	c.t.Helper()
	if got := c.receive(); got != message {
		c.t.Fatalf("got  %s\nwant %s", got, message)
	}
}

func (c *client) wantNext(id, data string) {
	c.t.Helper()
	c.want(`{"id":"` + id + `","type":"next","payload":{"data":{` + data + `}}}`)
}

// wantError reads one message, which must end the operation with an error of this code.
func (c *client) wantError(id, code, says string) {
	c.t.Helper()
	got := c.receive()
	if !strings.HasPrefix(got, `{"id":"`+id+`","type":"error","payload":[{`) || !strings.Contains(got, `"code":"`+code+`"`) || !strings.Contains(got, says) {
		c.t.Fatalf("got %s, want an error with code %s that says %q", got, code, says)
	}
}

const watchConfig = `subscription($n:ConfigName!){config(name:$n){name value version revision{position}}}`

func TestWatchConfig(t *testing.T) {
	a := MustStart(t)
	c := a.MustDial(t)
	c.subscribe("1", watchConfig, vars{"n": "a"})
	c.wantNext("1", `"config":null`)
	a.MustSet(t, "b", "1")
	a.MustSet(t, "a", "1")
	c.wantNext("1", `"config":{"name":"a","value":"1","version":1,"revision":{"position":"@2"}}`)
	a.MustSet(t, "a", "1")
	c.wantNext("1", `"config":{"name":"a","value":"1","version":2,"revision":{"position":"@3"}}`)
	a.MustDelete(t, "a")
	c.wantNext("1", `"config":null`)
	a.MustRestore(t, "a")
	c.wantNext("1", `"config":{"name":"a","value":"1","version":4,"revision":{"position":"@5"}}`)

	// Another subscription on the same socket, to a config that exists.
	c.subscribe("2", `subscription{mine:config(name:"b"){value}}`, nil)
	c.wantNext("2", `"mine":{"value":"1"}`)

	// An operation that the client ends sends nothing more, and its id is free again.
	c.end("1")
	a.MustSet(t, "a", "unseen")
	a.MustSet(t, "b", "2")
	c.wantNext("2", `"mine":{"value":"2"}`)
	c.subscribe("1", watchConfig, vars{"n": "a"})
	c.wantNext("1", `"config":{"name":"a","value":"unseen","version":5,"revision":{"position":"@6"}}`)
}

const watchChanges = `subscription($f:ConfigFilterInput,$after:Position){configChanges(filter:$f,after:$after){changes{name version} position caughtUp}}`

func TestWatchChanges(t *testing.T) {
	a := MustStart(t)
	a.MustSet(t, "a", "1")
	a.MustSet(t, "p/b", "1")
	c := a.MustDial(t)

	c.subscribe("live", watchChanges, nil)
	c.wantNext("live", `"configChanges":{"changes":[],"position":"@2","caughtUp":true}`)
	a.MustSet(t, "a", "2")
	c.wantNext("live", `"configChanges":{"changes":[{"name":"a","version":2}],"position":"@3","caughtUp":true}`)
	c.end("live")

	c.subscribe("resumed", watchChanges, vars{"after": a.at(t, 1)})
	c.wantNext("resumed", `"configChanges":{"changes":[{"name":"p/b","version":1},{"name":"a","version":2}],"position":"@3","caughtUp":true}`)
	a.MustDelete(t, "a")
	c.wantNext("resumed", `"configChanges":{"changes":[{"name":"a","version":3}],"position":"@4","caughtUp":true}`)
	c.end("resumed")

	c.subscribe("filtered", watchChanges, vars{"after": "0-00000000", "f": vars{"prefix": "p"}})
	c.wantNext("filtered", `"configChanges":{"changes":[{"name":"p/b","version":1}],"position":"@4","caughtUp":true}`)
	a.MustSet(t, "c", "1")
	a.MustSet(t, "p/d", "1")
	got := c.receive() // c may have come alone, then it is not worth a message
	if got != `{"id":"filtered","type":"next","payload":{"data":{"configChanges":{"changes":[{"name":"p/d","version":1}],"position":"@6","caughtUp":true}}}}` {
		t.Errorf("got %s", got)
	}

	c.subscribe("nothing", watchChanges, vars{"f": vars{"names": []string{}}})
	c.wantNext("nothing", `"configChanges":{"changes":[],"position":"@6","caughtUp":true}`)
}

// TestProgress checks that a subscription without changes still reports its position.
func TestProgress(t *testing.T) {
	a := MustServe(t, memory.New(), configstore.Options{ProgressInterval: time.Millisecond}, graph.Options{})
	c := a.MustDial(t)
	c.subscribe("1", watchChanges, vars{"f": vars{"prefix": "p"}})
	c.wantNext("1", `"configChanges":{"changes":[],"position":"@0","caughtUp":true}`)
	a.MustSet(t, "a", "1")
	c.wantNext("1", `"configChanges":{"changes":[],"position":"@1","caughtUp":true}`)
}

func TestSubscriptionErrors(t *testing.T) {
	a := MustServe(t, memory.New(), configstore.Options{PositionWait: 1}, graph.Options{})
	a.MustSet(t, "a", "1")
	c := a.MustDial(t)
	for i, row := range []struct {
		query      string
		variables  vars
		code, says string
	}{
		{watchConfig, vars{"n": "a//b"}, "INVALID_INPUT", "empty segment"},
		{watchConfig, vars{"n": 5}, "INVALID_INPUT", "name must be a string"},
		{watchConfig, nil, "GRAPHQL_VALIDATION_FAILED", "must be given"},
		{watchChanges, vars{"f": vars{"prefix": "/"}}, "INVALID_INPUT", "prefix is empty"},
		{watchChanges, vars{"f": vars{"names": make([]string, 101)}}, "INVALID_INPUT", "at most 100"},
		{watchChanges, vars{"f": vars{"suffix": "a"}}, "GRAPHQL_VALIDATION_FAILED", "is not known"},
		{watchChanges, vars{"after": ""}, "POSITION_UNKNOWN", "looks like"},
		{watchChanges, vars{"after": "1-00000000"}, "POSITION_UNKNOWN", "never handed out"},
		{watchChanges, vars{"after": "2-00000000"}, "POSITION_UNKNOWN", "never handed out"},
		{`subscription{config(name:"a"){name} configChanges{position}}`, nil, "GRAPHQL_VALIDATION_FAILED", "must have exactly one root field"},
		{`subscription{`, nil, "GRAPHQL_PARSE_FAILED", "Expected Name"},
		{`subscription{config(name:"a")` + strings.Repeat("{a", 12) + strings.Repeat("}", 13), nil, "LIMIT_EXCEEDED", "more than 12 deep"},
	} {
		id := fmt.Sprint(i)
		c.subscribe(id, row.query, row.variables)
		c.wantError(id, row.code, row.says)
	}
	// The socket is still open, and serves queries and mutations, too.
	c.subscribe("query", `{config(name:"a"){value}}`, nil)
	c.wantNext("query", `"config":{"value":"1"}`)
	c.want(`{"id":"query","type":"complete"}`)
	c.subscribe("mutation", setDoc, vars{"input": vars{"name": "a", "value": "1", "expectedVersion": 7}})
	c.wantNext("mutation", `"setConfig":{"__typename":"VersionConflictError","code":"VERSION_CONFLICT","message":"version 7 was expected, but the config has version 1","path":["expectedVersion"],"current":{"version":1,"operation":"CREATED","value":"1"}}`)
	c.want(`{"id":"mutation","type":"complete"}`)
}

// TestWatchEveryChange cuts the connection again and again under load. A client that resumes after
// the last position that it has seen gets every change once and in order.
func TestWatchEveryChange(t *testing.T) {
	t.Parallel()
	a := MustStart(t)
	stop := a.MustWrite(t, "a")
	after, version := "0-00000000", 0
	for range slowtest.Rounds(4, 10) {
		c := a.MustDial(t)
		c.subscribe("1", watchChanges, vars{"after": after})
		for range 3 {
			message, err := c.conn.Receive()
			if err != nil {
				t.Fatal(err)
			}
			var next struct {
				Payload struct {
					Data struct {
						ConfigChanges struct {
							Changes  []item
							Position string
						}
					}
				}
			}
			if err := json.Unmarshal([]byte(message.Text), &next); err != nil {
				t.Fatal(err)
			}
			got := next.Payload.Data.ConfigChanges
			for _, change := range got.Changes {
				if version++; change.Version != version {
					t.Fatalf("got version %d, want %d", change.Version, version)
				}
			}
			after = got.Position
		}
		c.conn.Close()
	}
	stop()
	if version == 0 {
		t.Error("there was no change")
	}
}

// TestShutdown ends the subscriptions: their sockets close with 1012, and no goroutine is left that
// reads the store.
func TestShutdown(t *testing.T) {
	a := MustStart(t)
	c := a.MustDial(t)
	c.subscribe("1", watchConfig, vars{"n": "a"})
	c.wantNext("1", `"config":null`)
	c.subscribe("2", watchChanges, nil)
	c.wantNext("2", `"configChanges":{"changes":[],"position":"@0","caughtUp":true}`)
	done := make(chan error)
	go func() { done <- a.handler.Shutdown(t.Context()) }()
	for {
		message, err := c.conn.Receive()
		if websockettest.CloseCode(err) == websockettest.CodeServiceRestart {
			break
		}
		if err != nil || message.Type != "complete" {
			t.Fatalf("got %s, %v, want a close with 1012", message.Text, err)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestShutdownCutsSilentClients has a client that does not answer the close, and no time left.
func TestShutdownCutsSilentClients(t *testing.T) {
	a := MustStart(t)
	a.MustDial(t)
	ended, end := context.WithCancel(t.Context())
	end()
	if err := a.handler.Shutdown(ended); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "1 were cut") {
		t.Errorf("got %v", err)
	}
}

// TestSlowReaderOfAConfig does not read while its config gets more values than the server holds for
// it. It may miss some of them, but never goes back, and gets the last.
func TestSlowReaderOfAConfig(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	a := MustServe(t, memory.New(), configstore.Options{}, graph.Options{Websocket: gqlws.Options{MaxQueuedBytes: 1}})
	c := a.MustDial(t)
	c.subscribe("1", `subscription{config(name:"a"){version value}}`, nil)
	c.wantNext("1", `"config":null`)
	const states = 200
	for i := range states {
		a.MustSet(t, "a", strings.Repeat(string(rune('a'+i%26)), 100_000))
	}
	version, messages := 0, 0
	for version < states {
		message, err := c.conn.Receive()
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Payload struct{ Data struct{ Config item } }
		}
		if err := json.Unmarshal([]byte(message.Text), &got); err != nil || got.Payload.Data.Config.Version <= version {
			t.Fatalf("after version %d: got %.200s, %v", version, message.Text, err)
		}
		version = got.Payload.Data.Config.Version
		messages++
	}
	if messages == states {
		t.Error("each state was sent: a slow reader should find the newest")
	}
}
