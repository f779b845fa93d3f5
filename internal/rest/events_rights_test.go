package rest_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/rest"
)

// client takes an answer, and does something when it gets a text for the first time.
type client struct {
	*httptest.ResponseRecorder
	text string
	do   func()
}

func (c *client) Write(p []byte) (int, error) {
	n, err := c.ResponseRecorder.Write(p)
	if c.do != nil && bytes.Contains(c.Body.Bytes(), []byte(c.text)) {
		c.do()
		c.do = nil
	}
	return n, err
}

// TestEventsThatAreCut has a client that is slow: its token is revoked while it takes the first of
// two change sets, which were read together. The second one is not begun.
func TestEventsThatAreCut(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	caller, err := store.Authenticate(t.Context(), store.MustIssue(t, "ci", time.Time{}, "READ:app"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"app/one", "app/two"} {
		if _, err := store.Do(t.Context(), auth.Local, config.Single(configstoretest.Set(t, name, "1"))); err != nil {
			t.Fatal(err)
		}
	}
	w := &client{httptest.NewRecorder(), "app/one", func() { store.MustRevoke(t, "ci") }}
	r := httptest.NewRequestWithContext(auth.NewContext(t.Context(), caller), http.MethodGet, "/events?after=0-00000000", nil)
	rest.New(store.Store, rest.Options{}).ServeHTTP(w, r) // returns when the stream has ended
	got := w.Body.String()
	if !strings.Contains(got, "app/one") || strings.Contains(got, "app/two") || strings.Count(got, "event: error\n") != 1 || !strings.Contains(got, `"code":"UNAUTHENTICATED"`) {
		t.Errorf("got %s, want the first change set and the error", got)
	}
}
