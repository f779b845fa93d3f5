package httpd

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstream"
)

// TestClients shows whom a server takes for the client. Its proxies are 10.0.0.0/8, 192.0.2.7 and
// 2001:db8:1::/48.
func TestClients(t *testing.T) {
	proxies, err := ParseProxies([]string{"10.1.2.3/8", "192.0.2.7", "2001:db8:1::/48"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, remote string
		headers      []string // X-Forwarded-For
		want         string
	}{
		{"no header", "10.0.0.1:9", nil, "10.0.0.1:9"},
		{"one proxy", "10.0.0.1:9", []string{"203.0.113.1"}, "203.0.113.1"},
		{"a proxy with IPv6", "[2001:db8:1::1]:9", []string{"2001:db8:2::1"}, "2001:db8:2::1"},
		{"a proxy as IPv6 writes IPv4", "[::ffff:192.0.2.7]:9", []string{"203.0.113.1"}, "203.0.113.1"},
		{"a proxy with a zone", "[2001:db8:1::1%eth0]:9", []string{"203.0.113.1"}, "203.0.113.1"},
		{"two proxies", "10.0.0.1:9", []string{"203.0.113.1, 192.0.2.7"}, "203.0.113.1"},
		{"two headers", "10.0.0.1:9", []string{"203.0.113.1", "192.0.2.7"}, "203.0.113.1"},
		{"what the client itself says", "10.0.0.1:9", []string{"198.51.100.1, 203.0.113.1"}, "203.0.113.1"},
		{"what the client itself says of a proxy", "10.0.0.1:9", []string{"198.51.100.1, 10.0.0.9, 203.0.113.1, 10.0.0.2"}, "203.0.113.1"},
		{"a client among the proxies", "10.0.0.1:9", []string{"10.0.0.5,10.0.0.2"}, "10.0.0.5"},
		{"with a port", "10.0.0.1:9", []string{"203.0.113.1:55"}, "203.0.113.1"},
		{"IPv6 with a port", "10.0.0.1:9", []string{"[2001:db8:2::1]:55"}, "2001:db8:2::1"},
		{"IPv6 in brackets", "10.0.0.1:9", []string{"[2001:db8:2::1]"}, "2001:db8:2::1"},
		{"IPv4 in IPv6", "10.0.0.1:9", []string{"::ffff:203.0.113.1"}, "203.0.113.1"},
		{"no address", "10.0.0.1:9", []string{"unknown"}, "10.0.0.1:9"},
		{"an empty header", "10.0.0.1:9", []string{""}, "10.0.0.1:9"},
		{"an empty last address", "10.0.0.1:9", []string{"203.0.113.1,"}, "10.0.0.1:9"},
		{"no address before a proxy", "10.0.0.1:9", []string{"_hidden, 10.0.0.2"}, "10.0.0.1:9"},
		{"no address before the client", "10.0.0.1:9", []string{"_hidden, 203.0.113.1"}, "203.0.113.1"},
		{"a long address", "10.0.0.1:9", []string{strings.Repeat("1", 5000)}, "10.0.0.1:9"},
		{"as many proxies as are read", "10.0.0.1:9", []string{"203.0.113.1" + strings.Repeat(",10.0.0.2", maxHops-1)}, "203.0.113.1"},
		{"one proxy more", "10.0.0.1:9", []string{"203.0.113.1" + strings.Repeat(",10.0.0.2", maxHops)}, "10.0.0.1:9"},
		{"not from a proxy", "203.0.113.9:9", []string{"198.51.100.1"}, "203.0.113.9:9"},
		{"beside a single proxy", "192.0.2.8:9", []string{"198.51.100.1"}, "192.0.2.8:9"},
		{"no remote address", "@", []string{"198.51.100.1"}, "@"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Header[forwardedFor] = test.remote, test.headers
		for _, p := range []*Proxies{proxies, nil} {
			want := test.want
			if p == nil {
				want = test.remote
			}
			got := r.Clone(t.Context())
			(&Server{opts: Options{Proxies: p}}).identify(new(exchange), got, new(connInfo))
			if got.RemoteAddr != want {
				t.Errorf("%s, with proxies: %t: got %s, want %s", test.name, p != nil, got.RemoteAddr, want)
			}
		}
	}
}

func TestProxiesThatNobodyHas(t *testing.T) {
	for text, says := range map[string]string{
		"proxy.example.com": "neither", "10.0.0.0/33": "neither", "10.0.0": "neither", "": "neither", "10.0.0.1:80": "neither", "fe80::1%eth0/64": "neither",
		"0.0.0.0/0": "every address", "::/0": "every address", "::ffff:0.0.0.0/96": "every address", "::ffff:0.0.0.0/90": "every address",
	} {
		if p, err := ParseProxies([]string{"10.0.0.1", text}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v, %v, want an error that says %q", text, p, err, says)
		}
	}
	if p, err := ParseProxies(nil); p != nil || err != nil {
		t.Errorf("none: got %v, %v", p, err)
	}
	if p, err := ParseProxies([]string{"::ffff:10.0.0.0/104"}); err != nil || !p.isProxy("10.9.9.9:1") || p.isProxy("11.0.0.1:1") {
		t.Errorf("IPv4 in IPv6: got %v, %v", p, err)
	}
}

// TestLimitBehindProxies has clients behind a proxy send requests at the same time.
func TestLimitBehindProxies(t *testing.T) {
	proxies, err := ParseProxies([]string{"10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	open, release := make(chan string), make(chan struct{})
	page := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		open <- r.RemoteAddr
		<-release
	})
	store := configstoretest.New(t, configstore.Options{}).Store
	s := New(Options{Store: store, REST: page, Playground: page, Proxies: proxies, MaxConnectionsPerAddress: 2})
	ended := make(chan struct{})
	send := func(remote, client string) *httptest.ResponseRecorder {
		r, answer := httptest.NewRequest("GET", "/playground", nil), httptest.NewRecorder()
		r.Host, r.RemoteAddr = "localhost", remote
		r.Header.Set(forwardedFor, client)
		go func() { s.ServeHTTP(answer, r); ended <- struct{}{} }()
		return answer
	}
	const client = "2001:db8::1"
	for _, address := range []string{client, "2001:db8::2", "2001:db8:0:1::1", "127.0.0.1", "127.0.0.1", "127.0.0.1"} {
		if send("10.0.0.1:9", address); <-open != address {
			t.Errorf("the request of %s has another address", address)
		}
	}
	refused := send("10.0.0.1:9", client)
	<-ended
	if refused.Code != http.StatusServiceUnavailable || refused.Header().Get("Retry-After") == "" || !strings.Contains(refused.Body.String(), "--max-connections-per-address") {
		t.Errorf("got %d %v %s", refused.Code, refused.Header(), refused.Body)
	}
	if got := counted(t, s.opts.Metrics, refusedAddress); got != 1 {
		t.Errorf("counted %v refusals", got)
	}
	send("10.0.0.2:9", client) // not from a proxy: the listener counts it
	if got := <-open; got != "10.0.0.2:9" {
		t.Errorf("got the address %s", got)
	}
	for range 7 {
		release <- struct{}{}
		<-ended
	}
	if got := s.clients.Count(); got != 0 {
		t.Errorf("%d requests are counted after their end", got)
	}
	send("10.0.0.1:9", client)
	<-open
	release <- struct{}{}
	<-ended
}

// TestConnectionsOfProxies opens more connections of a proxy than one address may have.
func TestConnectionsOfProxies(t *testing.T) {
	proxies, err := ParseProxies([]string{"203.0.113.1"})
	if err != nil {
		t.Fatal(err)
	}
	inner := newScript()
	l := limit(inner, Options{MaxConnections: 9, MaxConnectionsPerAddress: 1, Proxies: proxies, Metrics: NewMetrics()})
	for range 3 {
		inner.dial("203.0.113.1")
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if got := l.limit.Count(); got != 3 {
		t.Errorf("%d connections are counted", got)
	}
	if got := l.clientOf(addressed{nil, inner.Addr()}); got != (eventstream.Client{}) {
		t.Errorf("a connection without an address: got %v", got)
	}
}

// TestAtClose has a function called when a connection is closed, and at once afterwards.
func TestAtClose(t *testing.T) {
	inner := newScript()
	l, _ := limited(inner, 1, 0, t.Output())
	inner.dial("203.0.113.1")
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	called := 0
	trackedOf(conn).atClose(func() { called++ })
	if called != 0 {
		t.Error("called before the end")
	}
	for range 2 {
		_ = conn.Close()
	}
	if called != 1 {
		t.Errorf("called %d times at the end", called)
	}
	if trackedOf(conn).atClose(func() { called++ }); called != 2 {
		t.Errorf("called %d times after the end", called-1)
	}
}
