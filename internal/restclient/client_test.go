package restclient_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"configapi/client/rest"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/fault"
	edge "configapi/internal/rest"
	"configapi/internal/restclient"
)

// mustServe runs a server until the end of the test, and returns a client with a token for it.
func mustServe(t *testing.T, token string, handler http.HandlerFunc) *restclient.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := restclient.New(rest.Options{URL: server.URL + "/base/", Token: token})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// TestListIsReadToItsEnd has more tokens than a page, and reads them from the routes of REST.
func TestListIsReadToItsEnd(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	api := edge.New(store.Store, edge.Options{})
	const many = 230
	for i := range many {
		store.MustIssue(t, fmt.Sprintf("t%03d", i), time.Time{}, "READ:a", "READ,WRITE:b/c")
	}
	client := mustServe(t, "", func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(auth.NewContext(r.Context(), auth.Local))
		http.StripPrefix("/base", api).ServeHTTP(w, r)
	})
	list, err := client.Tokens(t.Context())
	if err != nil || len(list) != many {
		t.Fatalf("got %d tokens, %v, want %d", len(list), err, many)
	}
	for i, got := range list {
		want, err := store.Token(auth.Local, got.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got.Name.String() != fmt.Sprintf("t%03d", i) || got.Version != want.Version || !got.Grants.Include(want.Grants) || !want.Grants.Include(got.Grants) ||
			!got.CreatedAt.Equal(want.CreatedAt) || got.CreatedBy != want.CreatedBy || got.Secrets[0].ID != want.Secrets[0].ID {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
}

// TestTokensGoNowhereElse has a server redirect to another one, which must get nothing.
func TestTokensGoNowhereElse(t *testing.T) {
	var asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer other.Close()
	client := mustServe(t, "secret", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("got the headers %v", r.Header)
		}
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	_, err := client.Tokens(t.Context())
	if !errors.Is(err, rest.ErrRedirected) || asked.Load() != 0 {
		t.Errorf("got %v, and the other server was asked %d times", err, asked.Load())
	}
}

// TestAnswers has a server answer as none of ConfigApi does, or not at all. A change may have been
// made then; a read was not.
func TestAnswers(t *testing.T) {
	name := configstoretest.TokenName(t, "ci")
	for what, test := range map[string]struct {
		answer       http.HandlerFunc
		read, change string
		unknown      bool // the outcome of the change
	}{
		"page":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "check the address", "check the address", true},
		"error":    {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) }, "502 Bad Gateway", "502 Bad Gateway", true},
		"cut off":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "reaching the server", "the outcome is unknown", true},
		"name":     {answerToken(`{"name":"a:b"}`), "does not know", "does not know", false},
		"action":   {answerToken(`{"name":"ci","grants":[{"actions":["LOOK"]}]}`), "of another version", "of another version", false},
		"prefix":   {answerToken(`{"name":"ci","grants":[{"actions":["READ"],"prefix":"a//b"}]}`), "of another version", "of another version", false},
		"publicId": {answerToken(`{"name":"ci","grants":[],"secrets":[{"publicId":"x"}]}`), "of another version", "of another version", false},
	} {
		client := mustServe(t, "", test.answer)
		if _, err := client.Token(t.Context(), name); err == nil || !strings.Contains(err.Error(), test.read) {
			t.Errorf("%s: a read got %v, want %q", what, err, test.read)
		}
		_, _, err := client.ChangeToken(t.Context(), auth.RotateToken{Name: name}, config.Reason{})
		if err == nil || !strings.Contains(err.Error(), test.change) || errors.Is(err, fault.ErrTokenUnknown) != test.unknown {
			t.Errorf("%s: a change got %v, want %q", what, err, test.change)
		}
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	client, err := restclient.New(rest.Options{URL: gone.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.ChangeToken(t.Context(), auth.RevokeToken{Name: name}, config.Reason{}); err == nil || !strings.Contains(err.Error(), "reaching the server") {
		t.Errorf("without a server: got %v, want that nothing was sent", err)
	}
}

func answerToken(token string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"token":` + token + `}`)) }
}
