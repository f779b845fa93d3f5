package httpd_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
	"configapi/internal/processtest"
)

// TestAdminSocket sends requests to an admin socket, and to the address of a server.
func TestAdminSocket(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustIssue(t, "ci", time.Time{}, "READ:a")
	server := start(t, httpd.Options{Store: store.Store})
	admin := startBy(t, httpd.Options{Store: store.Store}, (*httpd.Server).ServeAdmin)
	for _, test := range []struct {
		request        string
		admin, address int    // status
		want           string // in the answer of the admin socket
	}{
		{"GET /tokens", 200, 401, `"name":"ci"`},
		{"GET /v1/tokens/ci", 200, 401, `"createdBy":"local"`},
		{"GET /secrets/0123456789012345678901", 404, 401, "NOT_FOUND"},
		{"POST /tokens/ci/rotate", 200, 401, `"secret":"cfg_`},
		{"DELETE /tokens/ci", 200, 401, `"token":null`},
		{"GET /config", 404, 401, "the admin socket has tokens"},
		{"GET /tokensx", 404, 401, "the admin socket has tokens"},
		{"GET /health", 404, 200, "the admin socket has tokens"},
		{"GET /debug/pprof/", 200, 401, "goroutine"},
		{"GET /debug/pprof/heap?debug=1", 200, 401, "heap profile"},
		{"GET /debug/pprof/trace?seconds=1", 200, 401, "go 1."},
		{"GET /debug/pprof/cmdline", 404, 401, "may have a password"},
		{"GET /debug/pprof/profile?seconds=61", 400, 401, "from 1 to 60"},
		{"GET /debug/pprof/profile?seconds=-1", 400, 401, "from 1 to 60"},
	} {
		if got := server.ask(t, test.request+"\n"); got.StatusCode != test.address {
			t.Errorf("%s at the address: got %d %.200s, want %d", test.request, got.StatusCode, got.body, test.address)
		}
		got := admin.ask(t, test.request+"\n")
		if got.StatusCode != test.admin || !strings.Contains(got.body, test.want) {
			t.Errorf("%s: got %d %.200s, want %d and %q", test.request, got.StatusCode, got.body, test.admin, test.want)
		}
	}
	if lines := admin.log.with("request"); len(lines) != 14 {
		t.Errorf("got %d lines, want one per request", len(lines))
	}
	for _, line := range admin.log.with("request") {
		if line["actor"] != auth.LocalName {
			t.Errorf("got the line %v, want the actor local", line)
		}
	}
}

// TestProfilesEndWithTheServer stops a server while it records a profile of a minute, which the
// client gets.
func TestProfilesEndWithTheServer(t *testing.T) {
	admin := startBy(t, httpd.Options{}, (*httpd.Server).ServeAdmin)
	conn := admin.connect(t)
	go func() { _, _ = conn.Write([]byte("GET /debug/pprof/profile?seconds=60 HTTP/1.1\r\nHost: x\r\n\r\n")) }()
	for begin := time.Now(); !strings.Contains(admin.ask(t, "GET /debug/pprof/goroutine?debug=2\n").body, "net/http/pprof.sleep("); {
		if time.Since(begin) > processtest.Patience {
			t.Fatal("the profile has not begun")
		}
	}
	answered := make(chan int)
	go func() { answered <- readAnswer(t, conn).StatusCode }()
	admin.stop()
	if status := <-answered; status != http.StatusOK {
		t.Errorf("got %d", status)
	}
	if err := admin.wait(); err != nil {
		t.Errorf("got %v, want that nothing was cut off", err)
	}
}

// TestNothingIsAnsweredBeforeTheFirstToken has a server that is to issue one.
func TestNothingIsAnsweredBeforeTheFirstToken(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "a", "x")
	begun := make(chan struct{})
	server := start(t, httpd.Options{Store: store.Store, Begun: begun})
	admin := startBy(t, httpd.Options{Store: store.Store, Begun: begun}, (*httpd.Server).ServeAdmin)
	for _, path := range []string{"/config/a", "/graphql", "/playground", "/events", "/tokens", "/metrics", "/readyz"} {
		if got := server.ask(t, "GET "+path+"\n"); got.StatusCode != http.StatusServiceUnavailable || !strings.Contains(got.body, "its first token is not issued yet") {
			t.Errorf("%s: got %d %s", path, got.StatusCode, got.body)
		}
	}
	if got := admin.ask(t, "GET /tokens\n"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the admin socket: got %d %s", got.StatusCode, got.body)
	}
	if got := server.ask(t, "GET /livez\n"); got.StatusCode != http.StatusOK {
		t.Errorf("/livez: got %d", got.StatusCode)
	}
	if got := server.ask(t, "GET /health\n"); got.StatusCode != http.StatusOK || strings.Contains(got.body, "checks") {
		t.Errorf("/health: got %d %s, want its short form", got.StatusCode, got.body)
	}
	close(begun)
	for _, path := range []string{"/config/a", "/readyz"} {
		if got := server.ask(t, "GET "+path+"\n"); got.StatusCode != http.StatusOK {
			t.Errorf("%s afterwards: got %d %s", path, got.StatusCode, got.body)
		}
	}
}

// TestSecretsOfRequestsAreNotLogged has a client send a whole secret where something else is
// expected.
func TestSecretsOfRequestsAreNotLogged(t *testing.T) {
	server := start(t, httpd.Options{})
	secret, kept := auth.NewSecret()
	for _, request := range []string{
		"GET /secrets/" + secret + "\n",
		"GET /v1/secrets/" + secret + "\n",
		"GET /secrets/" + string(kept.ID) + secret[len("cfg_")+22:] + "\n",
		"DELETE /tokens/" + secret + "\n",
		"POST /v1/tokens/" + secret + "/rotate\nContent-Length: 0\n",
		"GET /config/" + secret + "\n",
		"GET /config/" + strings.ReplaceAll(secret, "_", "%5F") + "\n",
		"GET /" + secret + "\n",
		"GET /secrets/" + secret + "\nOrigin: http://" + secret + ".example\n",
		"GET /config\nOrigin: http://x.example\nSec-Fetch-Site: " + secret + "\n",
	} {
		before := len(server.log.with("request"))
		server.ask(t, request)
		if len(server.log.with("request")) != before+1 {
			t.Errorf("%q has no line", request)
		}
	}
	server.askRaw(t, "GET /config HTTP/1.1\nHost: "+secret+".example\n")
	all := fmt.Sprint(server.log.with("request"), server.log.with("refused a request for an unknown host; to allow the host, see --allow-host"),
		server.log.with("refused a request from a page of another origin; to allow the origin, see --allow-origin and docs/proxies.md"))
	if !strings.Contains(all, string(kept.ID)) || strings.Contains(all, secret[len("cfg_")+22+4:]) {
		t.Errorf("the log has no public id, or more:\n%s", all)
	}
}
