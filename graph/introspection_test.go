package graph_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"configapi/graph"
	"configapi/graph/transport/transporttest"
	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore/memory"
)

// schemaDocuments are documents that read the schema, and whether they are refused where it is
// hidden.
var schemaDocuments = map[string]bool{ // :: document → is refused
	`{__schema{queryType{name}}}`:                           true,
	`{__type(name:"Config"){name}}`:                         true,
	`{config(name:"a"){value} s:__schema{queryType{name}}}`: true,
	`{...on Query{...A}} fragment A on Query{...B} fragment B on Query{__schema{queryType{name}}}`: true,
	`query($not:Boolean!=false){__schema@include(if:$not){queryType{name}} __typename}`:            true,
	`{__typename config(name:"a"){__typename}}`:                                                    false,
	`{config(name:"a"){value}}`:          false,
	`{__schema:config(name:"a"){value}}`: false,
	`mutation{__typename}`:               false,
}

// TestIntrospection tries each setting with each kind of caller over HTTP.
func TestIntrospection(t *testing.T) {
	for setting, shown := range map[graph.Introspection]string{
		graph.IntrospectionOn:        "open anonymous token",
		graph.IntrospectionForTokens: "open token",
		graph.IntrospectionOff:       "",
	} {
		for caller, a := range introspectors(t, setting) {
			for document, hidden := range schemaDocuments {
				got := a.MustPostRaw(t, document, nil)
				refused := strings.HasPrefix(got, `{"errors":[{"message":"this server shows its schema `) && strings.HasSuffix(got, `"extensions":{"code":"FORBIDDEN"}}]}`)
				if want := hidden && !strings.Contains(shown, caller); refused != want || !refused && strings.Contains(got, `"errors"`) {
					t.Errorf("%d, %s: %s: got %s, refused: want %t", setting, caller, document, got, want)
				}
			}
		}
	}
}

// introspectors returns the API of a server with a setting, as its kinds of callers have it.
func introspectors(t *testing.T, setting graph.Introspection) map[string]*api {
	t.Helper()
	public := configstoretest.Caller(t, "x", "READ:")
	open := MustServe(t, memory.New(), configstore.Options{}, graph.Options{Introspection: setting})
	closed := MustServe(t, memory.New(), configstore.Options{Anonymous: public.Grants}, graph.Options{Introspection: setting})
	closed.MustIssue(t, "first", time.Time{}, "READ:")
	return map[string]*api{"open": open, "anonymous": closed, "token": closed.as(t, "READ:a")}
}

// TestIntrospectionOfEveryTransport asks for a hidden schema in each way that an operation can
// come.
func TestIntrospectionOfEveryTransport(t *testing.T) {
	a := MustServe(t, memory.New(), configstore.Options{}, graph.Options{Introspection: graph.IntrospectionOff})
	const document, says = `{__schema{queryType{name}}}`, "take it from schema.graphql"
	const persisted = `{"query":"{__schema{queryType{name}}}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}`
	for name, call := range map[string]transporttest.Call{
		"POST":      {Body: transporttest.Post(document), Status: http.StatusOK},
		"GET":       {Method: http.MethodGet, Target: transporttest.Query(document), Status: http.StatusOK},
		"persisted": {Body: persisted, Status: http.StatusOK},
		"response": {Body: transporttest.Post(document), Header: map[string]string{"Accept": "application/graphql-response+json"},
			Status: http.StatusForbidden, Media: transporttest.TypeResponse},
	} {
		t.Run(name, func(t *testing.T) {
			call.Code, call.Says = "FORBIDDEN", says
			call.Do(t, a.handler)
		})
	}
	a.MustListen(t, document, nil, "").wantRefused("FORBIDDEN")
	c := a.MustDial(t)
	c.subscribe("1", document, nil)
	if got := c.receive(); !strings.HasPrefix(got, `{"id":"1","type":"error"`) || !strings.Contains(got, says) {
		t.Errorf("a websocket answered %s", got)
	}
}

// TestIntrospectionEndsWithTheToken has the token of a socket revoked, and the server be closed
// after an anonymous socket was opened: neither shows the schema any more.
func TestIntrospectionEndsWithTheToken(t *testing.T) {
	a := MustStart(t)
	secret := a.MustIssue(t, "ci", time.Time{}, "READ:")
	caller, err := a.Authenticate(context.Background(), secret)
	if err != nil {
		t.Fatal(err)
	}
	const document = `{__schema{queryType{name}}}`
	if got := a.asCaller(t, caller).MustPost(t, document, nil); got != `{"data":{"__schema":{"queryType":{"name":"Query"}}}}` {
		t.Errorf("with a token: got %s", got)
	}
	a.MustRevoke(t, "ci")
	call := transporttest.Call{Body: transporttest.Post(document), Status: http.StatusUnauthorized, Code: "UNAUTHENTICATED", Says: "not valid"}
	call.Do(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.handler.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), caller)))
	}))
	call.Says = "a token is needed"
	call.Do(t, a.handler)
}

func TestIntrospectionTexts(t *testing.T) {
	for _, i := range []graph.Introspection{graph.IntrospectionForTokens, graph.IntrospectionOn, graph.IntrospectionOff} {
		text, err := i.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var read graph.Introspection
		if err := read.UnmarshalText(text); err != nil || read != i {
			t.Errorf("%s: got %d, %v", text, read, err)
		}
	}
	var i graph.Introspection
	if err := i.UnmarshalText([]byte("yes")); err == nil || !strings.Contains(fmt.Sprint(err), "neither on, tokens nor off") {
		t.Errorf("got %v for a word that is none", err)
	}
}
