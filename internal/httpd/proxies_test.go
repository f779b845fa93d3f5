package httpd_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
	"configapi/internal/websockettest"
)

// TestWebsocketsBehindAProxy opens websockets of one client through a proxy. Each counts for as
// long as it is open.
func TestWebsocketsBehindAProxy(t *testing.T) {
	t.Parallel()
	proxies, err := httpd.ParseProxies([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	api := graph.NewHandler(configstoretest.New(t, configstore.Options{}).Store, graph.Options{})
	address, done := serveTCP(t, httpd.Options{GraphQL: api, Proxies: proxies, AllowAnonymous: true, MaxConnectionsPerAddress: 1,
		Shutdown: []func(context.Context) error{api.Shutdown}})
	defer done()
	dial := func(client string) (*websockettest.Client, error) {
		return websockettest.Open(t.Context(), "ws://"+address+"/graphql",
			websockettest.Options{Header: http.Header{"X-Forwarded-For": {client}}, Patience: configstoretest.Patience})
	}
	first, err := dial("203.0.113.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dial("203.0.113.1"); err == nil {
		t.Error("one client has two websockets")
	}
	other, err := dial("203.0.113.2")
	if err != nil {
		t.Fatalf("another client: %v", err)
	}
	defer other.Close()
	first.Close()
	begun := time.Now()
	again, err := dial("203.0.113.1")
	for err != nil && time.Since(begun) < configstoretest.Patience { // the server sees the end a little later
		again, err = dial("203.0.113.1")
	}
	if err != nil {
		t.Fatalf("after the first one was closed: %v", err)
	}
	again.Close()
}
