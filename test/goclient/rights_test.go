package goclient_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"configapi/client"
	"configapi/client/rest"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
	edge "configapi/internal/rest"
)

// newSecured runs a server that decides by tokens who is calling, until the end of the test.
func newSecured(t *testing.T) *api {
	t.Helper()
	store := configstoretest.New(t, configstore.Options{})
	handler := httpd.New(httpd.Options{Store: store.Store, REST: edge.New(store.Store, edge.Options{})})
	a := &api{Store: store, Server: httptest.NewServer(handler)}
	t.Cleanup(a.Server.Close)
	t.Cleanup(a.Server.CloseClientConnections)
	return a
}

// mustGrant changes what a token may do.
func (a *api) mustGrant(t *testing.T, name string, grants ...string) {
	t.Helper()
	cmd := auth.ChangeGrants{Name: configstoretest.TokenName(t, name), Grants: configstoretest.Caller(t, "", grants...).Grants}
	if _, err := a.ChangeGrants(t.Context(), auth.Local, cmd, config.Reason{}); err != nil {
		t.Fatal(err)
	}
}

// mustBecome waits until a client has these names and values, and nothing else.
func mustBecome(t *testing.T, c *client.Client, want string) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	for {
		s := c.Snapshot()
		got := ""
		for name, config := range s.All() {
			got += name + "=" + config.Value + " "
		}
		if got = strings.TrimSpace(got); got == want {
			return
		}
		select {
		case <-s.Changed():
		case <-deadline.C:
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

// TestRightsOfTheServer changes the grants of a token, connected and cut off, rotates it, and
// revokes it. The client has what the token may read, and drops what it may not any more.
func TestRightsOfTheServer(t *testing.T) {
	a := newSecured(t)
	for _, name := range []string{"a/x", "b/x", "c/x"} {
		a.MustSet(t, name, "1")
	}
	writer := mustOpen(t, client.Options{URL: a.URL, Prefix: "none", Token: a.MustIssue(t, "writer", time.Time{}, "READ,WRITE:")})
	path := filepath.Join(t.TempDir(), "token")
	write := func(secret string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(a.MustIssue(t, "one", time.Time{}, "READ:a", "READ:b"))
	refused := make(chan struct{}, 1)
	c := mustOpen(t, client.Options{URL: a.URL, TokenFile: path, OnError: func(err error) {
		if failed, is := errors.AsType[*client.Error](err); is && failed.Status == http.StatusUnauthorized {
			select {
			case refused <- struct{}{}:
			default:
			}
		}
	}})
	value := client.Int(c, "a/x", 7)
	mustBecome(t, c, "a/x=1 b/x=1")

	a.mustGrant(t, "one", "READ:b", "READ:c") // which ends the stream
	mustBecome(t, c, "b/x=1 c/x=1")
	if got := value.Get(); got != 7 {
		t.Errorf("of a config that may not be read any more, got %d, want the default 7", got)
	}
	a.CloseClientConnections()
	a.mustGrant(t, "one", "READ:a")
	mustBecome(t, c, "a/x=1")
	_, err := c.Apply(t.Context(), client.ChangeSet{Changes: []client.Change{{Set: &client.Set{Name: "a/x", Value: "2"}}}})
	if failed, is := errors.AsType[*client.Error](err); !is || failed.Outcome != rest.Refused || failed.Code != rest.CodeForbidden {
		t.Errorf("a write without the right: got %v", err)
	}

	a.MustRevoke(t, "one")
	<-refused
	mustApply(t, writer, "a/x", "3")
	if got := valuesOf(c.Snapshot()); len(got) != 1 || got["a/x"] != "1" {
		t.Errorf("after the revocation: got %v", got)
	}
	if stale, _ := c.Stale(); !stale {
		t.Error("a client without a token is not stale")
	}
	write(a.MustIssue(t, "two", time.Time{}, "READ,WRITE:b"))
	mustBecome(t, c, "b/x=1")
	mustWait(t, c, mustApply(t, c, "b/x", "2"))
	mustBecome(t, c, "b/x=2")
}

// TestNoFileAfterRefusal opens clients with a file whose token the server refuses: the file must
// not stand in for the server then.
func TestNoFileAfterRefusal(t *testing.T) {
	a := newSecured(t)
	a.MustSet(t, "a/x", "1")
	o := client.Options{URL: a.URL, File: filepath.Join(t.TempDir(), "configs"), Token: a.MustIssue(t, "one", time.Time{}, "READ:a")}
	c := mustOpen(t, o)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(o.File); err != nil {
		t.Fatal(err)
	}
	a.MustRevoke(t, "one")
	o.OnError = func(err error) { t.Logf("the client reports: %v", err) }
	c, err := client.Open(t.Context(), o)
	if failed, is := errors.AsType[*client.Error](err); !is || failed.Status != http.StatusUnauthorized {
		t.Errorf("got %v, %v, want 401", c, err)
	}
}
