package console_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"configapi/internal/console"
)

func TestPageIsServedWithAndWithoutSlash(t *testing.T) {
	h := console.Playground()
	for _, path := range []string{"/playground", "/playground/"} {
		answer := get(t, h, path, nil)
		if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "<title>ConfigApi playground</title>") {
			t.Errorf("GET %s: got %d %.60q, want the page", path, answer.Code, answer.Body)
		}
		if got := answer.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("GET %s: got content type %q", path, got)
		}
		if got := answer.Header().Get("Cache-Control"); got != "no-cache" {
			t.Errorf("GET %s: got Cache-Control %q, want no-cache, or an upgrade is not seen", path, got)
		}
	}
}

// TestPageWorksBelowAnyPath checks the page behind a proxy that adds a path, with and without a
// final slash.
func TestPageWorksBelowAnyPath(t *testing.T) {
	h := console.Playground()
	for _, below := range []string{"", "/tools", "/a/b%2Fc"} {
		for _, path := range []string{"/playground", "/playground/"} {
			page := get(t, h, path, nil).Body.String()
			base, err := url.Parse("https://config.test" + below + path)
			if err != nil {
				t.Fatal(err)
			}
			references := regexp.MustCompile(`(?:src|href)="([^"]*)"|"endpoint":"([^"]*)"`).FindAllStringSubmatch(page, -1)
			if len(references) < 10 {
				t.Fatalf("got %d references", len(references))
			}
			for _, reference := range references {
				resolved, err := base.Parse(reference[1] + reference[2])
				if err != nil {
					t.Fatal(err)
				}
				rest, inside := strings.CutPrefix(resolved.EscapedPath(), below)
				if !inside || rest != "/graphql" && get(t, h, rest, nil).Code != http.StatusOK {
					t.Errorf("%s%s: %s leads to %s", below, path, reference[0], resolved)
				}
			}
		}
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	asset := mustFindAsset(t, "playground.js")
	rows := []struct {
		method, path string
		status       int
		body         string
	}{
		{http.MethodHead, "/playground", http.StatusOK, ""},
		{http.MethodHead, asset, http.StatusOK, ""},
		{http.MethodGet, "/", http.StatusNotFound, "Not Found"},
		{http.MethodGet, "/playground/assets/", http.StatusNotFound, "Not Found"},
		{http.MethodGet, "/playground/assets/playground.js", http.StatusNotFound, "Not Found"},
		{http.MethodGet, "/playground/assets/000000000000/playground.js", http.StatusNotFound, "Not Found"},
		{http.MethodGet, "/playground/page.html", http.StatusNotFound, "Not Found"},
		{http.MethodGet, asset + "/../../../page/page.html", http.StatusNotFound, "Not Found"},
		{http.MethodPost, "/playground", http.StatusMethodNotAllowed, "Method Not Allowed"},
		{http.MethodDelete, asset, http.StatusMethodNotAllowed, "Method Not Allowed"},
	}
	h := console.Playground()
	for _, row := range rows {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequest(row.method, row.path, nil))
		if answer.Code != row.status || answer.Body.String() != row.body {
			t.Errorf("%s %s: got %d %.40q, want %d %q", row.method, row.path, answer.Code, answer.Body, row.status, row.body)
		}
		if answer.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: no nosniff", row.method, row.path)
		}
		if allow := answer.Header().Get("Allow"); (allow == "GET, HEAD") != (row.status == http.StatusMethodNotAllowed) {
			t.Errorf("%s %s: got Allow %q", row.method, row.path, allow)
		}
	}
}

func TestAssetsComeInBothEncodings(t *testing.T) {
	h := console.Playground()
	for name, path := range assetPaths(t) {
		t.Run(name, func(t *testing.T) {
			plain := get(t, h, path, nil)
			zipped := get(t, h, path, http.Header{"Accept-Encoding": {"gzip, deflate, br, zstd"}})
			if got := plain.Header().Get("Content-Encoding"); got != "" {
				t.Errorf("without Accept-Encoding: got Content-Encoding %q", got)
			}
			if got := zipped.Header().Get("Content-Encoding"); got != "gzip" {
				t.Fatalf("with gzip accepted: got Content-Encoding %q", got)
			}
			if !bytes.Equal(plain.Body.Bytes(), unzip(t, zipped.Body.Bytes())) || plain.Body.Len() == 0 {
				t.Error("the two encodings differ in content")
			}
			for encoding, answer := range map[string]*httptest.ResponseRecorder{"plain": plain, "gzip": zipped} {
				checkAssetHeaders(t, h, path, encoding, answer)
			}
			if plain.Header().Get("ETag") == zipped.Header().Get("ETag") {
				t.Error("the two encodings share an entity tag")
			}
		})
	}
}

func checkAssetHeaders(t *testing.T, h http.Handler, path, encoding string, answer *httptest.ResponseRecorder) {
	t.Helper()
	types := map[string]string{
		"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8",
		"svg": "image/svg+xml", "txt": "text/plain; charset=utf-8",
	}
	want := map[string]string{
		"Content-Type":           types[path[strings.LastIndexByte(path, '.')+1:]],
		"Content-Length":         strconv.Itoa(answer.Body.Len()),
		"Cache-Control":          "public, max-age=31536000, immutable",
		"Vary":                   "Accept-Encoding",
		"X-Content-Type-Options": "nosniff",
	}
	for name, value := range want {
		if got := answer.Header().Get(name); got != value {
			t.Errorf("%s: got %s %q, want %q", encoding, name, got, value)
		}
	}
	again := get(t, h, path, http.Header{
		"If-None-Match":   {answer.Header().Get("ETag")},
		"Accept-Encoding": answer.Header().Values("Content-Encoding"),
	})
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("%s: with its own entity tag: got %d and %d bytes, want 304", encoding, again.Code, again.Body.Len())
	}
}

func TestGzipOnlyWhenAccepted(t *testing.T) {
	rows := map[string]bool{ // :: Accept-Encoding → gzip is accepted
		"":                       false,
		"gzip":                   true,
		"GZIP":                   true,
		"br, gzip;q=0.5":         true,
		"*":                      true,
		"gzip;q=0":               false,
		"gzip; q=0.000":          false,
		"*;q=0":                  false,
		"*, gzip;q=0":            false,
		"identity;q=1, *;q=0":    false,
		"gzip;q=much":            false,
		"gzippo, br":             false,
		"gzip;q=1.0, identity":   true,
		"identity, *;q=0.1, br":  true,
		"deflate, gzip ;q=0.2":   true,
		"deflate, gzip ; Q=0 ":   false,
		"deflate;q=0, gzip;foo=": true,
	}
	h := console.Playground()
	for header, want := range rows {
		answer := get(t, h, "/playground", http.Header{"Accept-Encoding": {header}})
		if got := answer.Header().Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("Accept-Encoding %q: got gzip %t, want %t", header, got, want)
		}
	}
}

func TestNothingIsLoadedFromElsewhere(t *testing.T) {
	h := console.Playground()
	address := regexp.MustCompile(`(?i)(https?|wss?)://.|["'(=]//[a-z0-9]`)
	bodies := map[string]string{"page": get(t, h, "/playground", nil).Body.String()}
	for name, path := range assetPaths(t) {
		bodies[name] = get(t, h, path, nil).Body.String()
	}
	for _, name := range []string{"page", "playground.js", "access.js", "storage.js", "playground.css", "graphql-ws.min.js"} {
		if found := address.FindString(bodies[name]); found != "" {
			t.Errorf("%s names another host: %s", name, found)
		}
	}
	if got, want := address.FindAllString(bodies["favicon.svg"], -1), `http://w`; len(got) != 1 || got[0] != want {
		t.Errorf("favicon.svg: got %q, want the namespace alone", got)
	}
	for _, source := range regexp.MustCompile(`url\(\s*["']?(.{5})`).FindAllStringSubmatch(bodies["graphiql.min.css"], -1) {
		if source[1] != "data:" {
			t.Errorf("graphiql.min.css loads %s", source[0])
		}
	}
	if strings.Contains(bodies["graphiql.min.css"], "@import") {
		t.Error("graphiql.min.css imports a style sheet")
	}
}

func TestPolicyAllowsNoForeignAndNoInlineScript(t *testing.T) {
	answer := get(t, console.Playground(), "/playground", nil)
	policy := make(map[string]string) // :: directive → sources
	for directive := range strings.SplitSeq(answer.Header().Get("Content-Security-Policy"), ";") {
		name, sources, _ := strings.Cut(strings.TrimSpace(directive), " ")
		policy[name] = sources
	}
	want := map[string]string{
		"default-src": "'none'", "script-src": "'self'", "connect-src": "'self'", "style-src": "'self' 'unsafe-inline'",
		"img-src": "'self' data:", "font-src": "data:", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
	}
	for name, sources := range want {
		if policy[name] != sources {
			t.Errorf("got %s %q, want %q", name, policy[name], sources)
		}
	}
	if len(policy) != len(want) {
		t.Errorf("got %d directives, want %d: %v", len(policy), len(want), policy)
	}
	for _, tag := range regexp.MustCompile(`<script[^>]*>`).FindAllString(answer.Body.String(), -1) {
		if !strings.Contains(tag, " src=") && !strings.Contains(tag, `type="application/json"`) {
			t.Errorf("the policy blocks the inline script %s", tag)
		}
	}
}

func TestSettingsReachTheScriptAsData(t *testing.T) {
	for path, want := range map[string]string{"/playground": "graphql", "/playground/": "../graphql"} {
		body := get(t, console.Playground(), path, nil).Body.String()
		_, rest, _ := strings.Cut(body, `<script type="application/json" id="settings">`)
		data, _, found := strings.Cut(rest, "</script>")
		var settings struct {
			Endpoint, Version string
			Examples          []console.Example
		}
		if err := json.Unmarshal([]byte(data), &settings); err != nil || !found {
			t.Fatalf("%s: the settings are not JSON: %v", path, err)
		}
		if settings.Endpoint != want {
			t.Errorf("%s: got endpoint %q, want %q", path, settings.Endpoint, want)
		}
		if !slices.Equal(settings.Examples, console.Examples()) {
			t.Errorf("%s: got the examples %v", path, settings.Examples)
		}
		if !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(settings.Version) {
			t.Errorf("%s: got version %q, want 12 hex digits: storage.js looks for such names", path, settings.Version)
		}
	}
}

// The sums are in the format of sha256sum, and equal those of the files in the npm packages.
func TestVendoredFilesAreThoseListed(t *testing.T) {
	sums, err := os.ReadFile("assets/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	h := console.Playground()
	paths := assetPaths(t)
	listed := 0
	for line := range strings.Lines(string(sums)) {
		want, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		sum := sha256.Sum256(get(t, h, paths[name], nil).Body.Bytes())
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s: got sha256 %s, want %s", name, got, want)
		}
		listed++
	}
	files, err := os.ReadDir("assets")
	if err != nil {
		t.Fatal(err)
	}
	if want := len(files) - len([]string{"SHA256SUMS", "LICENSES.txt"}); listed != want {
		t.Errorf("got %d sums for %d files", listed, want)
	}
}

func TestLicensesOfVendoredPackagesAreServed(t *testing.T) {
	text := get(t, console.Playground(), mustFindAsset(t, "LICENSES.txt"), nil).Body.String()
	for _, want := range []string{"graphiql, ", "react, react-dom", "codemirror", "SIL OPEN FONT LICENSE", "Apache License",
		"Copyright (c) 2021 GraphQL Contributors", "Copyright (c) Facebook, Inc. and its affiliates."} {
		if !strings.Contains(text, want) {
			t.Errorf("LICENSES.txt does not say %q", want)
		}
	}
}

// assetPaths returns the paths that the page refers to, by file name.
func assetPaths(t *testing.T) map[string]string {
	t.Helper()
	page := get(t, console.Playground(), "/playground", nil).Body.String()
	paths := make(map[string]string)
	for _, match := range regexp.MustCompile(`(?:src|href)="([^"]*/([^"/]+))"`).FindAllStringSubmatch(page, -1) {
		paths[match[2]] = "/" + match[1]
	}
	if len(paths) < 9 {
		t.Fatalf("the page refers to %d files only: %v", len(paths), paths)
	}
	return paths
}

func mustFindAsset(t *testing.T, name string) string {
	t.Helper()
	path, ok := assetPaths(t)[name]
	if !ok {
		t.Fatalf("the page does not refer to %s", name)
	}
	return path
}

func get(t *testing.T, h http.Handler, path string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer
}

func unzip(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}
