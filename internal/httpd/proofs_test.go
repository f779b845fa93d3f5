package httpd_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
)

// sayCaller is an edge that asks the store nothing: it answers with the name of the caller, and
// what that may read.
func sayCaller(w http.ResponseWriter, r *http.Request) {
	caller := auth.FromContext(r.Context())
	_, _ = io.WriteString(w, caller.Name+" "+strings.Join(caller.Scope(auth.Read).Texts(), ","))
}

// askAgain sends one more request on a connection, with values of the header Authorization.
func askAgain(t *testing.T, conn net.Conn, authorization ...string) answer {
	t.Helper()
	request := "GET /config/a HTTP/1.1\r\nHost: x\r\n"
	for _, value := range authorization {
		request += "Authorization: " + value + "\r\n"
	}
	go func() { _, _ = io.WriteString(conn, request+"\r\n") }()
	return readAnswer(t, conn)
}

// TestEachRequestProvesItsCaller sends requests of several callers over one connection, as a proxy
// does, while rights end and change.
func TestEachRequestProvesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := configstoretest.New(t, configstore.Options{})
		one := "Bearer " + store.MustIssue(t, "one", time.Time{}, "READ:app")
		two := "Bearer " + store.MustIssue(t, "two", time.Now().Add(time.Hour), "READ:other")
		s := start(t, httpd.Options{Store: store.Store, REST: http.HandlerFunc(sayCaller)})
		conn := s.connect(t)
		want := func(body string, authorization ...string) {
			t.Helper()
			for range 2 { // the second time right after the first
				got := askAgain(t, conn, authorization...)
				if refused := got.StatusCode == http.StatusUnauthorized; refused != (body == "") || !refused && got.body != body {
					t.Errorf("%q: got %d %s, want %q", authorization, got.StatusCode, got.body, body)
				}
			}
		}
		want("one app", one)
		want("two other", two)
		want("one app", one)
		want("")
		want("", one, one)
		want("", one, two)
		want("", one[:len(one)-1]+"!")
		want("", one+"x")
		want("", one[:len(one)-1])
		want("", "Basic eDp5")
		want("one app", strings.ToLower("Bearer")+one[len("Bearer"):])
		want("one app", "Bearer "+strings.Repeat(" ", 200)+one[len("Bearer "):])
		want("one app", one)
		change := auth.ChangeGrants{Name: configstoretest.TokenName(t, "one"), Grants: configstoretest.Caller(t, "", "READ:new").Grants}
		if _, err := store.ChangeGrants(t.Context(), auth.Local, change, config.Reason{}); err != nil {
			t.Fatal(err)
		}
		want("one new", one)
		store.MustRevoke(t, "one")
		want("", one)
		want("two other", two)
		time.Sleep(time.Minute) // as long as an idle connection stays open
		want("two other", two)
		for range 60 {
			time.Sleep(time.Minute)
			_ = askAgain(t, conn, two)
		}
		want("", two)
	})
}

// TestCallersOfOneConnectionAtATime has two callers share a connection of HTTP/2.
func TestCallersOfOneConnectionAtATime(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	secrets := map[string]string{"one": store.MustIssue(t, "one", time.Time{}, "READ:a"), "two": store.MustIssue(t, "two", time.Time{}, "READ:a")}
	s, config := startTLS(t, httpd.Options{Store: store.Store, REST: http.HandlerFunc(sayCaller)})
	client := s.http2(t, config)
	var all sync.WaitGroup
	for name, secret := range secrets {
		for range 4 {
			all.Go(func() {
				for range 50 {
					got := mustGet(t, client, "/config/a", http.Header{"Authorization": {"Bearer " + secret}})
					if body, err := io.ReadAll(got.Body); err != nil || string(body) != name+" a" {
						t.Errorf("%s: got %d %q, %v", name, got.StatusCode, body, err)
					}
				}
			})
		}
	}
	all.Wait()
}
