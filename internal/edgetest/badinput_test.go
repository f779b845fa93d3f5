package edgetest_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"configapi/internal/attempts"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/edgetest"
	"configapi/internal/websockettest"
)

// callers are all kinds of callers, by what they may do in a table of bad input, with the grants of
// their tokens. That of revoked was revoked.
var callers = []struct {
	name   string
	kind   edgetest.Caller
	grants []string
}{
	{"of an open server", edgetest.Unlimited, nil},
	{"without a token", edgetest.Unknown, nil},
	{revoked, edgetest.Unknown, []string{"READ,WRITE,ADMIN:"}},
	{"with other names", edgetest.Elsewhere, []string{"READ,WRITE:elsewhere"}},
	{"with the names alone", edgetest.Unlimited, []string{
		"READ,WRITE:edgetest", "READ,WRITE:sets", "READ,WRITE:reverts", "READ,WRITE:a", "READ,WRITE:history", "READ,WRITE:at", "READ,WRITE:restore",
		"READ,WRITE:config", "READ,WRITE:v1", "READ,WRITE:.hidden", "READ,WRITE:A:1_b-c.d", "READ,WRITE:" + strings.Repeat("n", 255),
	}},
	{"with all rights", edgetest.Unlimited, []string{"READ,WRITE,ADMIN:"}},
}

const revoked = "with a revoked token"

// asked is a server, and who asks it.
type asked struct {
	*guarded
	kind edgetest.Caller
}

// startAsked starts a server on a store, with a token for the caller.
func startAsked(t *testing.T, store *configstoretest.Store, caller int) asked {
	c := callers[caller]
	a := asked{newGuarded(t), c.kind}
	a.serve(t, store, attempts.New(attempts.Options{Delay: time.Nanosecond, Burst: 1 << 30}))
	switch {
	case c.grants != nil:
		a.secret = store.MustIssue(t, "caller", time.Time{}, c.grants...)
	case c.kind == edgetest.Unknown:
		store.MustIssue(t, "another", time.Time{}, "READ:")
	}
	if c.name == revoked {
		store.MustRevoke(t, "caller")
	}
	return a
}

// edges are all edges.
var edges = map[string]func(t *testing.T, a asked) any{
	"REST":                  func(_ *testing.T, a asked) any { return restEdge{a.server} },
	"events":                func(_ *testing.T, a asked) any { return events{a.server, false} },
	"events, resumed":       func(_ *testing.T, a asked) any { return events{a.server, true} },
	"GraphQL":               func(_ *testing.T, a asked) any { return overPost(a.server) },
	"GraphQL, GET":          func(_ *testing.T, a asked) any { return overGet(a.server) },
	"GraphQL, event stream": func(_ *testing.T, a asked) any { return overEvents(a.server) },
	"GraphQL, websocket":    func(t *testing.T, a asked) any { return overSocket(t, a) },
}

// TestBadInput runs the table of bad input for every caller on every edge of every store.
func TestBadInput(t *testing.T) {
	for storeName, open := range stores {
		for edgeName, serve := range edges {
			for i, caller := range callers {
				t.Run(storeName+", "+edgeName+", "+caller.name, func(t *testing.T) {
					t.Parallel()
					store := configstoretest.On(t, open(t), configstore.Options{MaxValueBytes: 5000, PositionWait: time.Millisecond})
					a := startAsked(t, store, i)
					edge := serve(t, a)
					edgetest.Run(t, store, caller.kind, edge)
					t.Run("requests", func(t *testing.T) { runRequestsOf(t, a, edge) })
				})
			}
		}
	}
}

// runRequestsOf runs the tables that are of one edge alone.
func runRequestsOf(t *testing.T, a asked, edge any) {
	switch edge := edge.(type) {
	case restEdge:
		runRequests(t, a)
	case graphPost:
		runDocuments(t, a, edge.graphReads, false)
	case graphEdge:
		runDocuments(t, a, edge.graphReads, false)
	case graphReads:
		runDocuments(t, a, edge, true)
	}
}

// events is the edge of GET /events, which takes positions.
type events struct {
	server
	resumed bool // the position is in Last-Event-ID
}

func (e events) After(t testing.TB, position string) edgetest.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), configstoretest.Patience)
	defer cancel()
	line, headers := "GET /events?after="+url.QueryEscape(position), []string{"Accept", stream}
	if e.resumed && position != "" { // an empty header is that of a client without a position
		line, headers = "GET /events", append(headers, "Last-Event-ID", position)
	}
	answer, err := e.Client().Do(e.request(ctx, t, line, nil, headers...))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		return edgetest.Answer{Status: http.StatusOK}
	}
	var problem struct{ Code string }
	text, err := io.ReadAll(answer.Body)
	if err != nil || json.Unmarshal(text, &problem) != nil {
		t.Fatalf("%s: %q is no problem: %v", line, text, err)
	}
	return edgetest.Answer{Code: problem.Code, Status: answer.StatusCode, Text: string(text)}
}

// overGet returns the edge of GraphQL over GET, which has queries alone.
func overGet(s server) graphReads {
	return graphReads{func(t testing.TB, _, body string) (int, string) {
		t.Helper()
		var request struct {
			Query     string
			Variables json.RawMessage
		}
		if err := json.Unmarshal([]byte(body), &request); err != nil {
			t.Fatal(err)
		}
		return s.ask(t, "GET /graphql?"+url.Values{"query": {request.Query}, "variables": {string(request.Variables)}}.Encode(), "", "")
	}}
}

// overEvents returns the edge of GraphQL over POST whose answers are event streams.
func overEvents(s server) graphPost {
	return graphPost{graphEdge{graphReads{func(t testing.TB, contentType, body string) (int, string) {
		t.Helper()
		status, text := s.ask(t, "POST /graphql", contentType, body, "Accept", stream)
		if _, data, is := strings.Cut(text, "event: next\ndata: "); is {
			text, _, _ = strings.Cut(data, "\n")
		}
		return status, text
	}}}}
}

// socketEdge sends operations over a websocket, each of whose messages has the body of a request as
// its payload.
type socketEdge struct {
	asked
	open *websockettest.Client // nil: none
}

// overSocket returns the edge of GraphQL over a websocket.
func overSocket(t *testing.T, a asked) graphEdge {
	e := &socketEdge{asked: a}
	t.Cleanup(e.hangUp)
	return graphEdge{graphReads{e.send}}
}

// send sends an operation and returns its result as that of HTTP. The code of a closed websocket is
// UNAUTHENTICATED for 4403, else CLOSED.
func (e *socketEdge) send(t testing.TB, _, body string) (int, string) {
	t.Helper()
	message := `{"id":"1","type":"subscribe","payload":` + body + `}`
	if e.kind == edgetest.Unknown {
		return closedSocket(e.sendUninvited(t, message))
	}
	if e.open == nil {
		e.open = e.connect(t)
	}
	if err := e.open.Send(message); err != nil {
		t.Fatal(err)
	}
	result, err := e.open.Receive()
	if err == nil && result.Type == "next" {
		_, err = e.open.Receive() // complete
	}
	switch {
	case err != nil:
		e.hangUp()
		return closedSocket(err)
	case result.Type == "error":
		return http.StatusOK, `{"errors":` + string(result.Payload) + `}`
	}
	return http.StatusOK, string(result.Payload)
}

func (e *socketEdge) connect(t testing.TB) *websockettest.Client {
	t.Helper()
	init := ""
	if e.secret != "" {
		init = inPayload(e.secret)
	}
	c, err := websockettest.Open(t.Context(), e.URL+"/graphql", websockettest.Options{Init: init, Patience: configstoretest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (e *socketEdge) hangUp() {
	if e.open != nil {
		e.open.Close()
		e.open = nil
	}
}

// sendUninvited opens a websocket whose caller is not let in, sends a message at once, and returns
// how the websocket ends.
func (e *socketEdge) sendUninvited(t testing.TB, message string) error {
	t.Helper()
	conn, err := websockettest.Connect(t.Context(), e.URL, configstoretest.Patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(configstoretest.Patience))
	socket, err := websockettest.Handshake(conn, e.URL+"/graphql", http.Header{"Sec-Websocket-Protocol": {websockettest.Subprotocol}})
	if err != nil {
		t.Fatal(err)
	}
	payload := "{}"
	if e.secret != "" {
		payload = inPayload(e.secret)
	}
	for _, text := range []string{`{"type":"connection_init","payload":` + payload + `}`, message} {
		if err := socket.Send(websockettest.TextFrame(text)); err != nil {
			t.Fatal(err)
		}
	}
	_, got, err := socket.Receive()
	if err != nil || len(got) < 2 {
		t.Fatalf("got %q, %v; want the code of a close frame", got, err)
	}
	return &websockettest.CloseError{Code: int(binary.BigEndian.Uint16(got)), Reason: string(got[2:])}
}

// closedSocket returns the end of a websocket as the answer to a request.
func closedSocket(err error) (int, string) {
	code := "CLOSED"
	if websockettest.CloseCode(err) == 4403 {
		code = unauthenticated
	}
	return http.StatusOK, fmt.Sprintf(`{"errors":[{"message":%q,"extensions":{"code":%q}}]}`, err, code)
}
