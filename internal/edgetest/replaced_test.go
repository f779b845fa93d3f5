package edgetest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore/sqlite"
	"configapi/internal/httpd"
	"configapi/internal/rest"
)

// TestServerWhoseFileIsGone removes the database file. The server refuses writes on every edge, is
// not ready, and serves what it has applied. It recovers when the file is back.
func TestServerWhoseFileIsGone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "configapi.db")
	// The server has not written for a while when the file is removed. Right after an append it
	// would notice only after the next one, whose outcome is unknown then.
	t.Run("another server writes", func(t *testing.T) {
		events, err := sqlite.Open(t.Context(), path, sqlite.Options{Lock: true})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, events.Close)
		configstoretest.On(t, events, configstore.Options{}).MustSet(t, "a", "1")
	})
	events, err := sqlite.Open(t.Context(), path, sqlite.Options{Lock: true})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, events.Close)
	store := configstoretest.On(t, events, configstore.Options{})
	s := start(t, httpd.New(httpd.Options{
		Store: store.Store, REST: rest.New(store.Store, rest.Options{}), GraphQL: graph.NewHandler(store.Store, graph.Options{}),
	}))
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	const reason = "the file of the history was removed or replaced"
	const put, mutate = `{"value":"2"}`, `{"query":"mutation{setConfig(input:{name:\"b\",value:\"2\"}){__typename}}"}`
	for _, row := range []struct {
		request, body string
		status        int
		says          string
	}{
		{"PUT /config/b", put, 503, reason},
		{"POST /graphql", mutate, 200, reason},
		{"GET /config/a", "", 200, "1"},
		{"GET /livez", "", 200, "OK"},
		{"GET /readyz", "", 503, "its file was removed or replaced"},
		{"GET /health", "", 503, `"writes":"nothing can be written: its file was removed or replaced`},
	} {
		status, answer := s.ask(t, row.request, "application/json", row.body)
		if status != row.status || !strings.Contains(answer, row.says) || strings.Contains(answer, path) {
			t.Errorf("%s: got %d %s, want %d with %q", row.request, status, answer, row.status, row.says)
		}
	}
	if err := os.Rename(path+".moved", path); err != nil {
		t.Fatal(err)
	}
	if status, answer := s.ask(t, "PUT /config/b", "application/json", put); status != 200 && status != 201 {
		t.Errorf("after the file is back: got %d %s", status, answer)
	}
	if status, answer := s.ask(t, "GET /readyz", "", ""); status != 200 {
		t.Errorf("after the file is back: got %d %s", status, answer)
	}
}
