package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestClientsAreSharedOutEvenly(t *testing.T) {
	var got [3]atomic.Int64 // requests at each server
	var addresses []string
	for i := range got {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			got[i].Add(1)
			_, _ = io.WriteString(w, "OK")
		}))
		t.Cleanup(server.Close)
		addresses = append(addresses, server.Listener.Addr().String())
	}
	connect := shareClients(addresses, restPut(64))
	o := clientOptions{kind: clientLean, nextName: func() int { return 0 }, life: 10 * time.Second}
	operations, opened, err := connect(6, o)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	for _, op := range operations {
		if err := op(); err != nil {
			t.Error(err)
		}
	}
	for i := range got {
		if n := got[i].Load(); n != 2 {
			t.Errorf("server %d: got %d of 6 clients, want 2", i, n)
		}
	}
	if _, _, err := connect(7, o); err == nil || !strings.Contains(err.Error(), "evenly") {
		t.Errorf("7 clients: got %v, want a refusal", err)
	}
}

func TestEveryNumberOfNodesHasAsManyClientsInAll(t *testing.T) {
	for _, setup := range nodeSetups {
		if nodeClients%setup.nodes != 0 {
			t.Errorf("%d clients cannot be shared out evenly among %s", nodeClients, setup)
		}
	}
}

func TestManyNodesNeedPostgres(t *testing.T) {
	o := options{Parts: []string{partNodes}, Stores: []string{storeSQLite}}
	if o.nodes() {
		t.Error("got many nodes on SQLite")
	}
	if o.Stores = append(o.Stores, storePostgres); !o.nodes() {
		t.Error("got no nodes on PostgreSQL")
	}
}

func TestNodesAreGivenTheirProcessors(t *testing.T) {
	for setup, want := range map[nodeSetup]string{{1, 0}: "", {3, 0}: "", {1, 1}: "GOMAXPROCS=1", {3, 2}: "GOMAXPROCS=2"} {
		if got := strings.Join(setup.environment(), " "); got != want {
			t.Errorf("%s: got %q, want %q", setup, got, want)
		}
	}
}
