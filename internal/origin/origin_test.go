package origin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"configapi/internal/origin"
)

func mustNew(t *testing.T, opts origin.Options) *origin.Guard {
	t.Helper()
	guard, err := origin.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

func TestHosts(t *testing.T) {
	guard := mustNew(t, origin.Options{
		Listen: "Listening.example:4000",
		Hosts:  []string{"config.example.com", "UPPER.example.:443", "*.wild.example", "compose_name", "127.0.0.1"},
	})
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:4000": true, "10.1.2.3": true, "203.0.113.9:80": true, "127.0.0.1.": true,
		"[::1]": true, "[::1]:4000": true, "[fe80::1%25eth0]:4000": true, "::1": true, "[2001:DB8::1]": true,
		"localhost": true, "LOCALHOST": true, "LocalHost.": true, "localhost.:4000": true, "localhost:4000": true,
		"a.localhost": true, "a.b.localhost:1": true,
		"listening.example": true, "LISTENING.EXAMPLE.:9": true,
		"config.example.com": true, "Config.Example.Com.:8080": true, "upper.example": true, "compose_name:4000": true,
		"a.wild.example": true, "a.b.Wild.example:1": true,

		"evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "evillocalhost": false,
		".localhost": false, "localhost..": false, "localhost:4000:5000": false, "localhost@evil.example": false,
		"127.1": false, "2130706433": false, "0177.0.0.1": false, "0x7f000001": false, "127.0.0.01": false, "127.0.0.1.2": false,
		"[::1": false, "[::1]evil.example": false, "[::1].evil.example": false, "[127.0.0.1]": false, "[localhost]": false,
		"[::1]:4000.evil.example": false,
		"wild.example":            false, "evilwild.example": false, "config.example.com.evil.example": false, "xconfig.example.com": false,
		"config.example.com..": false, ":4000": false, ".": false, "*": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/config", nil)
		r.Host = host
		r.Header.Set("X-Forwarded-Host", "localhost") // strangers write it, too
		if got := guard.AnswersFor(r); got != want {
			t.Errorf("Host %q: got %t, want %t", host, got, want)
		}
	}
}

func TestNoHost(t *testing.T) {
	guard := mustNew(t, origin.Options{})
	for minor, want := range map[int]bool{0: true, 1: false} {
		r := httptest.NewRequest(http.MethodGet, "/config", nil)
		r.Host, r.ProtoMajor, r.ProtoMinor = "", 1, minor
		if got := guard.AnswersFor(r); got != want {
			t.Errorf("HTTP/1.%d without a host: got %t, want %t", minor, got, want)
		}
	}
}

func TestAnyHost(t *testing.T) {
	guard := mustNew(t, origin.Options{Hosts: []string{"a.example", "*"}})
	r := httptest.NewRequest(http.MethodGet, "/config", nil)
	if r.Host = "evil.example"; !guard.AnswersFor(r) {
		t.Error("the star does not stand for every host")
	}
	if r.Host = ""; !guard.AnswersFor(r) {
		t.Error("the star does not stand for a host that is left empty")
	}
}

func TestHostsThatNeverMatch(t *testing.T) {
	for host, says := range map[string]string{
		"":                         "no name",
		"http://config.example":    "write the name alone",
		"config.example/path":      "write the name alone",
		"user@config.example":      "write the name alone",
		".example.com":             "*.example.com",
		"*.":                       "star",
		"a.*.example":              "star",
		"*example.com":             "star",
		"*.*.example":              "star",
		"a..b":                     "dot too many",
		"a b":                      "can be in no host name",
		"konfig.müller.example":    "xn--",
		"a,b":                      "can be in no host name",
		strings.Repeat("ä", 1000):  "xn--",
		"config.example:port:port": "can be in no host name",
	} {
		if _, err := origin.New(origin.Options{Hosts: []string{host}}); err == nil || !strings.Contains(err.Error(), says) || len(err.Error()) > 400 {
			t.Errorf("%.40q: got %v, want an error that says %q", host, err, says)
		}
	}
}

func TestOriginsThatNeverMatch(t *testing.T) {
	for text, says := range map[string]string{
		"localhost:5173":             "no scheme",
		"localhost":                  "no scheme",
		"":                           "no scheme",
		"null":                       "allow all pages with *",
		"//a.example":                "no scheme",
		"http://a.example/path":      "no path",
		"http://a.example//":         "no path",
		"http://a.example?q":         "no path",
		"http://a.example#f":         "no path",
		`http://a.example\b`:         "no path",
		"http://u:p@a.example":       "no user",
		"https://*.example.com":      "star",
		"http://*":                   "star",
		"http://a.example:*":         "star",
		"http://":                    "malformed",
		"http:///":                   "malformed",
		"http://:5173":               "malformed",
		"http://a.example:":          "port",
		"http://a.example:0":         "port",
		"http://a.example:65536":     "port",
		"http://a.example:web":       "malformed",
		"http://a b":                 "malformed",
		"http://a.example,b.example": "can be in no host name",
		"http://müller.example":      "xn--",
		"http://127.1":               "four numbers",
		"http://2130706433":          "four numbers",
		"http://0x7f.1":              "four numbers",
		"http://[::1":                "malformed",
		"http://[127.0.0.1]":         "malformed",
		"http://[fe80::1%25eth0]":    "brackets",
		"http://::1":                 "malformed",
		"ws://localhost:5173":        "http",
		"wss://a.example":            "https",
		"file:///index.html":         "scheme",
		"postgres://a.example":       "scheme",
		"http:/a.example":            "no scheme",
		`"http://a.example"`:         "scheme",
	} {
		if _, err := origin.New(origin.Options{Origins: []string{"https://good.example", text}}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v, want an error that says %q", text, err, says)
		}
	}
}

// TestOriginsAreNormalised: what is meant counts, and the browser has one form only.
func TestOriginsAreNormalised(t *testing.T) {
	for text, sent := range map[string]string{
		"HTTPS://Console.Example.com":  "https://console.example.com",
		"https://console.example.com/": "https://console.example.com",
		"https://a.example:443":        "https://a.example",
		"http://a.example:80":          "http://a.example",
		"https://a.example:80":         "https://a.example:80",
		"http://localhost:05173":       "http://localhost:5173",
		"http://[0:0:0::1]:5173":       "http://[::1]:5173",
		"http://127.0.0.1:5173":        "http://127.0.0.1:5173",
		"http://a.example.":            "http://a.example.",
		"moz-extension://0a1b-2c":      "moz-extension://0a1b-2c",
		"tauri://localhost":            "tauri://localhost",
	} {
		guard := mustNew(t, origin.Options{Origins: []string{text}})
		if got := guard.Check(request(http.MethodPut, "Origin: "+sent)); got != origin.Allowed {
			t.Errorf("--allow-origin %s: the page %s is not allowed", text, sent)
		}
	}
}

// request is one to http://config.test:4000, with headers.
func request(method string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "http://config.test:4000/config/a", nil)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func TestPages(t *testing.T) {
	const own, allowed, refused = origin.Own, origin.Allowed, origin.Refused
	const (
		sameSite  = "Sec-Fetch-Site: same-site"
		crossSite = "Sec-Fetch-Site: cross-site"
		navigate  = "Sec-Fetch-Mode: navigate"
		document  = "Sec-Fetch-Dest: document"
		upgrade   = "Upgrade: websocket"
		evil      = "Origin: http://evil.example"
		friend    = "Origin: http://localhost:5173"
	)
	guard := mustNew(t, origin.Options{Origins: []string{"https://console.example.com", "http://localhost:5173"}})
	for _, row := range []struct {
		name, method string
		headers      []string
		want         origin.Verdict
	}{
		{"a program", "PUT", nil, own},
		{"the own page", "PUT", []string{"Origin: http://config.test:4000", "Sec-Fetch-Site: same-origin"}, own},
		{"the own page, old browser", "PUT", []string{"Origin: http://CONFIG.test:4000"}, own},
		{"the own page, without referrer", "PUT", []string{"Origin: null", "Sec-Fetch-Site: same-origin"}, own},
		{"the own page behind a proxy that changes Host", "PUT", []string{"Origin: https://public.example", "Sec-Fetch-Site: same-origin"}, own},
		{"a typed address", "GET", []string{"Sec-Fetch-Site: none", navigate, document}, own},
		{"a link in a wiki", "GET", []string{crossSite, navigate, document}, own},
		{"a link from a neighbour", "GET", []string{sameSite, navigate, document}, own},
		{"an allowed page", "PUT", []string{friend, sameSite}, allowed},
		{"an allowed page, old browser", "PUT", []string{friend}, allowed},
		{"another allowed page", "GET", []string{"Origin: https://console.example.com", crossSite}, allowed},
		{"a websocket of an allowed page", "GET", []string{friend, upgrade}, allowed},
		{"a websocket of the own page", "GET", []string{"Origin: http://config.test:4000", upgrade}, own},
		{"a websocket of the own page, browser that minds ws", "GET", []string{"Origin: http://config.test:4000", upgrade, crossSite}, own},

		{"another page writes", "PUT", []string{evil, crossSite}, refused},
		{"another page writes, old browser", "PUT", []string{evil}, refused},
		{"another page reads", "GET", []string{evil}, refused},
		{"fetch", "GET", []string{evil, crossSite, "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"}, refused},
		{"no-cors fetch", "GET", []string{crossSite, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: empty"}, refused},
		{"script", "GET", []string{crossSite, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"}, refused},
		{"script of a neighbour", "GET", []string{sameSite, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"}, refused},
		{"image", "GET", []string{crossSite, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}, refused},
		{"frame", "GET", []string{crossSite, navigate, "Sec-Fetch-Dest: iframe"}, refused},
		{"object", "GET", []string{crossSite, navigate, "Sec-Fetch-Dest: object"}, refused},
		{"form", "POST", []string{evil, crossSite, navigate, document}, refused},
		{"form without origin", "POST", []string{crossSite, navigate, document}, refused},
		{"question", "OPTIONS", []string{evil, "Access-Control-Request-Method: PUT"}, refused},
		{"page without origin", "PUT", []string{"Origin: null"}, refused},
		{"page without origin, with site", "PUT", []string{"Origin: null", crossSite}, refused},
		{"empty origin", "PUT", []string{"Origin: "}, refused},
		{"two origins", "PUT", []string{friend, evil}, refused},
		{"two sites", "PUT", []string{crossSite, "Sec-Fetch-Site: none"}, refused},
		{"unknown site", "GET", []string{"Sec-Fetch-Site: elsewhere"}, refused},
		{"other port", "PUT", []string{"Origin: http://config.test:81"}, refused},
		{"no port", "PUT", []string{"Origin: http://config.test"}, refused},
		{"begins like ours", "PUT", []string{"Origin: http://config.test:4000.evil.example"}, refused},
		{"ends like ours", "PUT", []string{"Origin: http://evil-config.test:4000"}, refused},
		{"user", "PUT", []string{"Origin: http://config.test:4000@evil.example"}, refused},
		{"other scheme", "PUT", []string{"Origin: tauri://config.test:4000"}, refused},
		{"no scheme", "PUT", []string{"Origin: config.test:4000"}, refused},
		{"begins like an allowed one", "PUT", []string{"Origin: http://localhost:51730"}, refused},
		{"allowed one with another scheme", "PUT", []string{"Origin: https://localhost:5173"}, refused},
		{"websocket", "GET", []string{evil, upgrade}, refused},
		{"websocket of a page without origin", "GET", []string{"Origin: null", upgrade}, refused},
	} {
		if got := guard.Check(request(row.method, row.headers...)); got != row.want {
			t.Errorf("%s %q: got %d, want %d", row.name, row.headers, got, row.want)
		}
	}
	link := request(http.MethodGet, crossSite, navigate, document)
	if link.URL.Path = "/graphql"; guard.Check(link) != refused {
		t.Error("a link of another page runs a query")
	}
	everybody := mustNew(t, origin.Options{Origins: []string{"https://a.example", "*"}})
	for _, headers := range [][]string{{evil}, {"Origin: null", crossSite}, {crossSite, "Sec-Fetch-Mode: no-cors"}, {evil, upgrade}} {
		if got := everybody.Check(request(http.MethodGet, headers...)); got != allowed {
			t.Errorf("with all pages allowed, %q: got %d", headers, got)
		}
	}
}

// TestOwnPageBehindTLS has the default ports of both schemes, which a proxy in front makes of one
// another.
func TestOwnPageBehindTLS(t *testing.T) {
	guard := mustNew(t, origin.Options{})
	for host, page := range map[string]string{
		"config.test": "https://config.test", "config.test:443": "https://config.test", "config.test:80": "http://config.test",
		"Config.test.": "https://config.test", "config.test:8443": "https://config.test.:8443", "[::1]:4000": "http://[::1]:4000",
	} {
		r := request(http.MethodPut, "Origin: "+page)
		if r.Host = host; guard.Check(r) != origin.Own {
			t.Errorf("Host %s: the page %s is another one's", host, page)
		}
	}
	for host, page := range map[string]string{"config.test:443": "http://config.test", "config.test": "http://config.test:443", "": "http://"} {
		r := request(http.MethodPut, "Origin: "+page)
		if r.Host = host; guard.Check(r) != origin.Refused {
			t.Errorf("Host %q: the page %s is the own one", host, page)
		}
	}
}

// BenchmarkCheck is what every request pays.
func BenchmarkCheck(b *testing.B) {
	guard, err := origin.New(origin.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, host := range []string{"localhost", "127.0.0.1:4000", "[::1]:4000"} {
		b.Run(host, func(b *testing.B) {
			r := request(http.MethodGet)
			r.Host = host
			b.ReportAllocs()
			for b.Loop() {
				if !guard.AnswersFor(r) || guard.Check(r) != origin.Own {
					b.Fatal("refused")
				}
			}
		})
	}
}

// TestResourcePolicy is about the header that keeps other sites' pages from an answer: every answer has it, also one to a
// request that does not say whose page it is of.
func TestResourcePolicy(t *testing.T) {
	for origins, want := range map[string]string{"": "same-origin", "https://wiki.example": "same-origin", "*": "cross-origin"} {
		guard := mustNew(t, origin.Options{Origins: strings.Fields(origins)})
		answer := http.Header{}
		guard.Describe(answer, httptest.NewRequest("GET", "/config/a", nil), origin.Own)
		if got := answer.Get("Cross-Origin-Resource-Policy"); got != want {
			t.Errorf("with the origins %q: got %q, want %q", origins, got, want)
		}
	}
}
