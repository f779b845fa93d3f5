// Package goclient_test runs the Go client, which is a module of its own, against the real server.
package goclient_test

import (
	"encoding/pem"
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
	"configapi/internal/problem"
	edge "configapi/internal/rest"
)

// api is a server with a history of its own, and what happens to its answers.
type api struct {
	*configstoretest.Store
	*httptest.Server
	asked atomic.Int64
}

// newAPI runs a server until the end of the test. answer gets the number of each request, from 1,
// and the handler of REST.
func newAPI(t *testing.T, answer func(n int64, w http.ResponseWriter, r *http.Request, next http.Handler)) *api {
	t.Helper()
	a := &api{Store: configstoretest.New(t, configstore.Options{})}
	handler := edge.New(a.Store.Store, edge.Options{})
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(auth.NewContext(r.Context(), auth.Local))
		answer(a.asked.Add(1), w, r, handler)
	}))
	t.Cleanup(a.Server.Close)
	return a
}

func asUsual(_ int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
	next.ServeHTTP(w, r)
}

// client returns a client without patience, unless the options say otherwise.
func (a *api) client(t *testing.T, o rest.Options) *rest.Client {
	t.Helper()
	o.URL = a.URL
	if o.Patience == 0 {
		o.Patience = -1
	}
	client, err := rest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func setOf(name, value string) rest.ChangeSet {
	return rest.ChangeSet{Changes: []rest.Change{{Set: &rest.Set{Name: name, Value: value}}}, Reason: "a test"}
}

// mustFail returns the error of a request, which must have an outcome and a code.
func mustFail(t *testing.T, err error, outcome rest.Outcome, code string) *rest.Error {
	t.Helper()
	failed, is := errors.AsType[*rest.Error](err)
	if !is || failed.Outcome != outcome || failed.Code != code {
		t.Fatalf("got %#v, want the outcome %d and the code %q", err, outcome, code)
	}
	return failed
}

// TestApply makes changes, and has a set rejected with all that is wrong with it.
func TestApply(t *testing.T) {
	client := newAPI(t, asUsual).client(t, rest.Options{})
	made, err := client.Apply(t.Context(), setOf("a/b", "1"), rest.NewKey())
	if err != nil || len(made.Revisions) != 1 || made.Revisions[0].Version != 1 || made.Position != made.Revisions[0].Position || *made.Revisions[0].Reason != "a test" {
		t.Fatalf("got %+v, %v", made, err)
	}
	none, wrong := int64(0), setOf("a/b", "2")
	wrong.Changes[0].Set.ExpectedVersion = &none
	wrong.Changes = append(wrong.Changes, rest.Change{Delete: &rest.Delete{Name: "no"}})
	_, err = client.Apply(t.Context(), wrong, rest.NewKey())
	failed := mustFail(t, err, rest.Refused, fault.VersionConflict.Code())
	if len(failed.Errors) != 2 || failed.Errors[0].Current.Version != 1 || failed.Errors[1].Code != fault.NotFound.Code() || failed.Errors[1].Path[1] != "1" {
		t.Errorf("got %+v", failed.Errors)
	}
	if _, err := client.RevertSet(t.Context(), rest.RevertSet{ChangeSet: made.Position}, rest.NewKey()); err != nil {
		t.Error(err)
	}
	_, _, err = client.Config(t.Context(), "a/b", "")
	mustFail(t, err, rest.Refused, fault.Deleted.Code())
	if _, err := client.RevertTo(t.Context(), rest.RevertTo{To: made.Position, Prefix: "a"}, rest.NewKey()); err != nil {
		t.Error(err)
	}
	if found, at, err := client.Config(t.Context(), "a/b", ""); err != nil || *found.Value != "1" || found.Version != 3 || at != found.Position {
		t.Errorf("got %+v at %s, %v", found, at, err)
	}
}

// TestUnknownOutcomes cuts off the answer of a change that is made. The client sends it again until
// it knows, and no change is made twice.
func TestUnknownOutcomes(t *testing.T) {
	refuse := func(kind fault.Kind) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { problem.Problem{Kind: kind, Detail: "no"}.Write(w) })
	}
	gone := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for what, test := range map[string]struct {
		then     []http.Handler // answer the tries after the first; nil: REST does
		patience time.Duration
		unknown  string // in the error; "": the outcome is known
	}{
		"at once":           {nil, time.Minute, ""},
		"after a restart":   {[]http.Handler{gone, refuse(fault.Unavailable), gone}, time.Minute, ""},
		"token is revoked":  {[]http.Handler{refuse(fault.Unauthenticated)}, time.Minute, "the server asks for a token"},
		"rights are taken":  {[]http.Handler{refuse(fault.Unavailable), refuse(fault.Denied)}, time.Minute, "same idempotency key: no;"},
		"too many refusals": {[]http.Handler{refuse(fault.RateLimited)}, time.Minute, "same idempotency key: no;"},
		"less is allowed":   {[]http.Handler{refuse(fault.InvalidInput)}, time.Minute, "same idempotency key: no;"},
		"another key":       {[]http.Handler{refuse(fault.IdempotencyMismatch)}, time.Minute, "same idempotency key: no;"},
		"key is mistaken":   {[]http.Handler{http.NotFoundHandler()}, time.Minute, "404 Not Found is not one of ConfigApi"},
		"no patience":       {nil, -1, "may have been made"},
	} {
		t.Run(what, func(t *testing.T) {
			server := newAPI(t, func(n int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
				switch {
				case n == 1:
					next.ServeHTTP(httptest.NewRecorder(), r)
					panic(http.ErrAbortHandler)
				case int(n)-2 < len(test.then):
					next = test.then[n-2]
				}
				next.ServeHTTP(w, r)
			})
			var waited int
			client := server.client(t, rest.Options{Patience: test.patience, Waiting: func(*rest.Error) { waited++ }})
			made, err := client.Apply(t.Context(), setOf("a", "1"), rest.NewKey())
			if test.unknown != "" {
				if failed := mustFail(t, err, rest.Unknown, ""); !strings.Contains(failed.Error(), test.unknown) {
					t.Errorf("got %v, want %q", err, test.unknown)
				}
			} else if err != nil || made.Revisions[0].Version != 1 || waited != 1 {
				t.Errorf("got %+v, %v, and waited %d times", made, err, waited)
			}
			if found, _, err := server.client(t, rest.Options{}).Config(t.Context(), "a", ""); err != nil || found.Version != 1 {
				t.Errorf("the config is %+v, %v, want that the change was made once", found, err)
			}
		})
	}
}

// TestLaterTriesDecide has the first try not reach the server, and the second one be refused.
func TestLaterTriesDecide(t *testing.T) {
	server := newAPI(t, func(n int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
		if n == 1 {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
	three, set := int64(3), setOf("a", "1")
	set.Changes[0].Set.ExpectedVersion = &three
	_, err := server.client(t, rest.Options{Patience: time.Minute}).Apply(t.Context(), set, rest.NewKey())
	mustFail(t, err, rest.Refused, fault.VersionConflict.Code())
}

// TestDryRunsHaveNoOutcome loses the answer of a dry run, after which nobody has to look.
func TestDryRunsHaveNoOutcome(t *testing.T) {
	server := newAPI(t, func(int64, http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) })
	set := setOf("a", "1")
	set.DryRun = true
	_, err := server.client(t, rest.Options{Patience: time.Minute}).Apply(t.Context(), set, "")
	mustFail(t, err, rest.Failed, "")
}

// TestPatienceEnds has the server go after the first try, for good.
func TestPatienceEnds(t *testing.T) {
	var server *api
	server = newAPI(t, func(int64, http.ResponseWriter, *http.Request, http.Handler) {
		server.Listener.Close()
		panic(http.ErrAbortHandler)
	})
	client := server.client(t, rest.Options{Patience: 300 * time.Millisecond})
	_, err := client.Apply(t.Context(), setOf("a", "1"), rest.NewKey())
	if failed := mustFail(t, err, rest.Unknown, ""); !strings.Contains(failed.Error(), "reaching the server") {
		t.Errorf("got %v, want that the server was gone at the end", failed)
	}
}

// TestRefusalsAreFinal sends a change once that the server says it has not made.
func TestRefusalsAreFinal(t *testing.T) {
	for _, kind := range []fault.Kind{fault.Unavailable, fault.Denied, fault.Stale, fault.InvalidInput} {
		server := newAPI(t, func(_ int64, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			problem.Problem{Kind: kind, Detail: "no"}.Write(w)
		})
		_, err := server.client(t, rest.Options{Patience: time.Minute}).Apply(t.Context(), setOf("a", "1"), "k")
		mustFail(t, err, rest.Refused, kind.Code())
		if n := server.asked.Load(); n != 1 {
			t.Errorf("%s: sent %d times", kind.Code(), n)
		}
	}
	server := newAPI(t, func(_ int64, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		problem.Problem{Kind: fault.Internal, Detail: "an internal error", RequestID: "id-1"}.Write(w)
	})
	_, _, err := server.client(t, rest.Options{}).Config(t.Context(), "a", "")
	if err == nil || !strings.Contains(err.Error(), "request id id-1") {
		t.Errorf("got %v, want the id of the request", err)
	}
}

// TestNothingIsSent has no server, or one that is not trusted.
func TestNothingIsSent(t *testing.T) {
	secured := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"revisions":[]}`) }))
	defer secured.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secured.Certificate().Raw})
	for what, test := range map[string]struct {
		options rest.Options
		want    string
	}{
		"nothing listens": {rest.Options{URL: gone.URL}, "connection refused; nothing was sent"},
		"not trusted":     {rest.Options{URL: secured.URL}, "certificate"},
		"trusted":         {rest.Options{URL: secured.URL, CA: ca}, ""},
	} {
		client, err := rest.New(test.options)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		_, err = client.Apply(t.Context(), setOf("a", "1"), "k")
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: got %v", what, err)
			}
			continue
		}
		if failed := mustFail(t, err, rest.NotSent, ""); !strings.Contains(failed.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", what, err, test.want)
		}
	}
	if _, err := rest.New(rest.Options{URL: secured.URL, CA: []byte("no")}); err == nil {
		t.Error("a file without a certificate was taken")
	}
}

// TestListsAreWhole reads lists, and one that is cut off, which must be an error.
func TestListsAreWhole(t *testing.T) {
	const many = 1200 // more than two pages
	cut := false
	server := newAPI(t, func(_ int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !cut {
			next.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
		panic(http.ErrAbortHandler)
	})
	for i := range many {
		server.MustSet(t, fmt.Sprintf("p/%04d", i), strings.Repeat("v", i))
	}
	client, got := server.client(t, rest.Options{}), 0
	count := func(c rest.Config) error {
		if c.Name != fmt.Sprintf("p/%04d", got) || len(*c.Value) != got {
			return fmt.Errorf("got %s with %d bytes as number %d", c.Name, len(*c.Value), got)
		}
		got++
		return nil
	}
	if at, err := client.Configs(t.Context(), rest.List{Prefix: "p"}, count); err != nil || got != many || at == "" {
		t.Errorf("got %d configs at %q, %v", got, at, err)
	}
	children := 0
	err := client.Children(t.Context(), "p", func(c rest.Child) error { children++; return nil })
	if err != nil || children != many {
		t.Errorf("got %d children, %v", children, err)
	}
	changes := 0
	if err := client.Recent(t.Context(), rest.Selection{Prefix: "p", Operation: string(config.Created)}, func(rest.Revision) error { changes++; return nil }); err != nil || changes != many {
		t.Errorf("got %d changes, %v", changes, err)
	}
	cut, got = true, 0
	_, err = client.Configs(t.Context(), rest.List{Prefix: "p"}, count)
	if mustFail(t, err, rest.Failed, ""); got == 0 || got == many {
		t.Errorf("got %d configs of a list that was cut off", got)
	}
}

// TestReadsAreTriedAgain has the connection of a read break twice.
func TestReadsAreTriedAgain(t *testing.T) {
	server := newAPI(t, func(n int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
		if n%3 != 0 {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
	server.MustSet(t, "a", "1")
	if found, _, err := server.client(t, rest.Options{}).Config(t.Context(), "a", ""); err != nil || *found.Value != "1" {
		t.Errorf("got %+v, %v", found, err)
	}
}
