package clientcmd_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/fault"
	"configapi/internal/problem"
)

// TestExitCodes ends commands with each of the codes that a server can cause.
func TestExitCodes(t *testing.T) {
	s := newServer(t, nil)
	s.run(t, "get", "a").must(t, 3, "there is no config a", "configapi list")
	s.run(t, "set", "a", "1").must(t, 0, "a created: 1, version 1, position 1-")
	s.run(t, "set", "a", "2", "--if-version", "2").must(t, 4, "version 2 was expected, but the config has version 1")
	s.run(t, "set", "a", "2", "--create").must(t, 4)
	s.run(t, "restore", "a").must(t, 4, "not deleted")
	s.run(t, "set", "a//b", "1").must(t, 8, "empty segment")
	s.run(t, "set", "a", "x\x00").must(t, 8, "value")
	s.run(t, "get", "a", "--at", "99-00000000").must(t, 8, "never handed out")
	s.run(t, "get").must(t, 2, "configapi get NAME")
	s.run(t, "get", "a", "-o", "xml").must(t, 2, "-o must be")
	s.run(t, "get", "a", "--at", "soon").must(t, 2, "the moment must be")
	s.run(t, "delete", "a").must(t, 0, "a deleted, version 2")
	s.run(t, "get", "a").must(t, 3, "a is deleted", "configapi restore a")
	s.run(t, "set", "a", "3").must(t, 3, "restore")
	s.run(t, "delete", "a").must(t, 3)

	secret := s.MustIssue(t, "reader", time.Time{}, "READ:a")
	stranger, _ := auth.NewSecret()
	reader := process{env: map[string]string{"CONFIGAPI_TOKEN": secret}}
	s.runIn(t, reader, "set", "a", "1").must(t, 5, "WRITE on a is not granted")
	s.runIn(t, reader, "list").must(t, 0)
	s.run(t, "get", "a").must(t, 5, "CONFIGAPI_TOKEN")
	s.runIn(t, process{env: map[string]string{"CONFIGAPI_TOKEN": stranger}}, "get", "a").must(t, 5, "the token is not valid")
	s.runIn(t, process{env: map[string]string{"CONFIGAPI_TOKEN": "no"}}, "get", "a").must(t, 2, "CONFIGAPI_TOKEN")
}

// TestUnreachable has nothing listen, a certificate that is not trusted, and servers that are none
// of ConfigApi, or not well.
func TestUnreachable(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	secured := httptest.NewTLSServer(nil)
	defer secured.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem.Problem{Kind: fault.Unavailable, Detail: "the server is starting"}.Write(w)
	}))
	defer busy.Close()
	moved := httptest.NewServer(http.RedirectHandler("https://elsewhere.example", http.StatusMovedPermanently))
	defer moved.Close()
	for want, url := range map[string]string{"nothing was sent": gone.URL, "certificate": secured.URL, "not one of ConfigApi": other.URL,
		"the server is starting": busy.URL, "redirects": moved.URL} {
		p := process{env: map[string]string{"CONFIGAPI_URL": url}}
		p.run(t, "set", "a", "1").must(t, 6, want)
		p.run(t, "get", "a").must(t, 6)
	}
}

// TestUnknownOutcome has a write reach the server, and its answer be lost. A second try with the
// same key decides, unless it is refused for a reason that says nothing of the first one.
func TestUnknownOutcome(t *testing.T) {
	for what, test := range map[string]struct {
		then fault.Kind // answers the second try
		code int
	}{
		"the second try is answered":     {0, 0},
		"the token is revoked meanwhile": {fault.Unauthenticated, 7},
		"the rights are taken":           {fault.Denied, 7},
		"too many tokens are refused":    {fault.RateLimited, 7},
	} {
		t.Run(what, func(t *testing.T) {
			var tries atomic.Int64
			s := newServer(t, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch n := tries.Add(1); {
					case n == 1:
						next.ServeHTTP(httptest.NewRecorder(), r)
						panic(http.ErrAbortHandler)
					case n == 2 && test.then != 0:
						problem.Problem{Kind: test.then, Detail: "no"}.Write(w)
					default:
						next.ServeHTTP(w, r)
					}
				})
			})
			got := s.run(t, "set", "a", "1").must(t, test.code, "sent again with its idempotency key")
			if test.code == 7 {
				got.must(t, 7, "the outcome is unknown", "look at the configs")
			}
			s.run(t, "get", "a", "-o", "json").must(t, 0, fmt.Sprintf(`"version": %d`, 1))
		})
	}
}

// TestServersCannotDriveTerminals has a server put control characters into all that it says.
func TestServersCannotDriveTerminals(t *testing.T) {
	const evil = "\x1b]0;title\x07 \u202e\u009b31m"
	for _, status := range []int{200, 400, 404, 500} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			quoted, _ := json.Marshal(evil)
			one := strings.ReplaceAll(`{"name":X,"value":X,"actor":X,"reason":X,"detail":X,"code":X,"position":X,"operation":X,"segment":X,"below":1,"current":null,`+
				`"errors":[{"message":X,"code":X,"current":{"name":X,"actor":X}},{"message":X}],"revisions":[{"name":X,"operation":X,"value":X}],`+
				`"unchanged":[X],"children":[{"segment":X,"name":X,"below":2,"config":{"name":X,"value":X}}]}`, "X", string(quoted))
			if r.URL.Path == "/config" {
				one = "[" + one + "]"
			}
			fmt.Fprint(w, one)
		}))
		defer s.Close()
		for _, command := range [][]string{{"get", "a"}, {"set", "a", "1"}, {"delete", "a"}, {"list"}, {"tree"}, {"list", "--deleted"}, {"list", "-o", "name"},
			{"log"}, {"get", "a", "-o", "name"}, {"set", "a", "1", "-o", "name"}} {
			p := process{env: map[string]string{"CONFIGAPI_URL": s.URL}, terminal: 80}
			got := p.run(t, command...)
			if strings.ContainsAny(got.stdout+got.stderr, "\x1b\x07\u202e\u009b") {
				t.Errorf("%d: %q printed %q", status, command, got.stdout+got.stderr)
			}
		}
	}
}
