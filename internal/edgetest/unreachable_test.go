package edgetest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/postgrestest"
	"configapi/internal/rest"
	"configapi/internal/slowtest"
)

// TestPostgresBecomesUnreachable stops a PostgreSQL server in every way while a node reads and
// writes. Acknowledged writes stay, reads go on, writes fail with an error that says whether they
// may have happened, and the node recovers by itself.
func TestPostgresBecomesUnreachable(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	c := postgrestest.NewCluster(t)
	events, err := postgres.Open(t.Context(), c.DSN("postgres"), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, events.Close)
	store := configstoretest.On(t, events, configstore.Options{WriteTimeout: 500 * time.Millisecond})
	handler := rest.New(store.Store, rest.Options{})
	do := func(method, key string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, "/config/a", nil)
		if method == "PUT" {
			r = httptest.NewRequest(method, "/config/a", strings.NewReader(`{"value":"`+key+`"}`))
			r.Header.Set("Idempotency-Key", key)
		}
		handler.ServeHTTP(w, r)
		return w
	}
	value := "at first"
	if w := do("PUT", value); w.Code != http.StatusOK {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	for _, how := range []postgrestest.Shutdown{postgrestest.Fast, postgrestest.Immediate, postgrestest.Kill} {
		if err := c.Stop(how); err != nil {
			t.Fatal(err)
		}
		next := value + "+"
		for range 3 {
			if w := do("GET", ""); w.Code != http.StatusOK || w.Body.String() != value {
				t.Errorf("reading while the database is unreachable: got %d %q, want %q", w.Code, w.Body, value)
			}
			w := do("PUT", next)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"code":"UNAVAILABLE"`) {
				t.Errorf("writing while the database is unreachable: got %d %v %s", w.Code, w.Header(), w.Body)
			}
		}
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := store.Reader(auth.Anonymous).Head().Seq
		for deadline := time.Now().Add(patience); ; {
			w := do("PUT", next)
			if w.Code == http.StatusOK {
				break
			}
			if w.Code != http.StatusServiceUnavailable || time.Now().After(deadline) {
				t.Fatalf("writing after the server came back: got %d %s", w.Code, w.Body)
			}
		}
		if value = next; do("GET", "").Body.String() != value {
			t.Errorf("the write that was acknowledged cannot be read")
		}
		if after := store.Reader(auth.Anonymous).Head().Seq; after != before+1 {
			t.Errorf("one key had %d effects", after-before)
		}
	}
}

// TestPostgresBecomesReadOnly makes the database read-only, which ends all connections, and
// writable again, which ends none.
func TestPostgresBecomesReadOnly(t *testing.T) {
	t.Parallel()
	d := databases["postgres"](t)
	admin, err := d.sql.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, admin.Close)
	store := configstoretest.On(t, d, configstore.Options{})
	server := start(t, rest.New(store.Store, rest.Options{}))
	put := func() (int, string) { return server.ask(t, "PUT /config/a", jsonType, `{"value":"1"}`) }
	store.MustSet(t, "a", "at first")
	for _, readOnly := range []string{"on", "off"} {
		const alter = `do $$ begin execute format('alter database %I set default_transaction_read_only = ?', current_database()); end $$`
		if _, err := admin.ExecContext(t.Context(), strings.Replace(alter, "?", readOnly, 1)); err != nil {
			t.Fatal(err)
		}
		if readOnly == "on" {
			// An append that is cut has an unknown outcome, and keeps it while the database is
			// read-only. So this waits until the server processes have ended.
			const cut = `select pg_terminate_backend(pid, 20000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
			if _, err := admin.ExecContext(t.Context(), cut); err != nil {
				t.Fatal(err)
			}
		}
		status, text := put()
		for deadline := time.Now().Add(patience); readOnly == "off" && status != http.StatusOK && time.Now().Before(deadline); {
			status, text = put()
		}
		if readOnly == "off" {
			if status != http.StatusOK {
				t.Errorf("a database that takes writes: got %d %s", status, text)
			}
			if err := store.WriteProblem(); err != nil {
				t.Errorf("a database that takes writes: WriteProblem is %v", err)
			}
			continue
		}
		for range 3 {
			if status != http.StatusServiceUnavailable {
				t.Errorf("a read-only database: got %d %s", status, text)
			}
			status, text = put()
		}
		if strings.Contains(text, "outcome_unknown") || strings.Contains(text, "SQLSTATE") {
			t.Errorf("a read-only database: got %s, want that nothing was written, and no more", text)
		}
		if err := store.WriteProblem(); err == nil || store.Health(t.Context()).OK() {
			t.Errorf("a read-only database: WriteProblem is %v, and the store is well", err)
		}
	}
}
