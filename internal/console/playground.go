// Package console serves the playground, the web page that is part of the program.
//
// The playground is GraphiQL with the example operations of examples/ in tabs. All its files are
// embedded and served below /playground. A Content-Security-Policy limits the page to requests to
// its own server: queries and mutations over HTTP, subscriptions over a websocket with the protocol
// graphql-transport-ws.
//
// The package has no access to configs and decides nothing: the playground is a client of the API
// like any other.
package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"path"
)

// Paths, relative to the root that a proxy may have put in front of them. The page refers to files
// by relative URLs.
const (
	endpointPath = "graphql"
	pagePath     = "playground"
	assetPath    = "playground/assets/"
)

// contentPolicy keeps the page from sending a request to another server: scripts, connections
// (websockets included), and images that GraphiQL shows for URLs in values. GraphiQL's dialogs add
// a style element, hence 'unsafe-inline', and its style sheet contains its fonts.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src data:; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var (
	//go:embed assets examples page
	files embed.FS

	//go:embed page/page.html
	pageText string
)

// Playground returns a handler of GET and HEAD for /playground, with or without a final slash, and
// for the files below /playground/assets/. Any other path gets 404, any other method 405. Paths of
// files contain their hash, so they may be cached for ever; the page itself is revalidated each
// time, so that a new version shows at once.
func Playground() http.Handler {
	p := playground{}
	paths := p.addAssets()
	p["/"+pagePath] = newPage(paths, "")
	p["/"+pagePath+"/"] = newPage(paths, "../")
	return p
}

// newPage returns the page for one of its URLs. root is the relative URL from there to the root.
func newPage(paths map[string]string, root string) *file {
	urls := make(map[string]string, len(paths)) // :: name → relative URL
	for name, path := range paths {
		urls[name] = root + path
	}
	page := newPlain("text/html; charset=utf-8", renderPage(urls, newSettings(root+endpointPath)))
	page.header = http.Header{
		"Cache-Control":              {"no-cache"},
		"Content-Security-Policy":    {contentPolicy},
		"Cross-Origin-Opener-Policy": {"same-origin"},
		"Referrer-Policy":            {"no-referrer"},
		"X-Frame-Options":            {"DENY"}, // for browsers without frame-ancestors
	}
	return page
}

// playground is an immutable set of files.
type playground map[string]*file // :: URL path → file

func (p playground) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := p[r.URL.Path]
	if !ok {
		answerText(w, http.StatusNotFound)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		answerText(w, http.StatusMethodNotAllowed)
		return
	}
	f.serve(w, r)
}

// answerText writes the status text, without the line feed of http.Error.
func answerText(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	fmt.Fprint(w, http.StatusText(status))
}

// addAssets adds the files and returns their paths by name.
func (p playground) addAssets() map[string]string {
	paths := make(map[string]string)
	for name, f := range assets() {
		f.header = http.Header{
			"Cache-Control":                {"public, max-age=31536000, immutable"},
			"Cross-Origin-Resource-Policy": {"same-origin"},
		}
		paths[name] = path.Join(assetPath, f.hash, name)
		p["/"+paths[name]] = f
	}
	return paths
}

// settings is the data for the page's script.
type settings struct {
	Endpoint string `json:"endpoint"`
	// of the examples: the browser stores the user's tabs under it
	Version  string    `json:"version"`
	Examples []Example `json:"examples"`
}

func newSettings(endpoint string) settings {
	examples := Examples()
	data, err := json.Marshal(examples)
	if err != nil {
		panic(fmt.Errorf("encoding the playground's examples: %w", err))
	}
	return settings{Endpoint: endpoint, Version: shortHash(data), Examples: examples}
}

// renderPage renders the page. It panics if the page refers to a file that is not embedded, which
// does not depend on input.
func renderPage(urls map[string]string, s settings) []byte {
	asset := func(name string) (string, error) {
		url, ok := urls[name]
		if !ok {
			return "", fmt.Errorf("no asset %q", name)
		}
		return url, nil
	}
	page := template.Must(template.New("page").Funcs(template.FuncMap{"asset": asset}).Parse(pageText))
	var out bytes.Buffer
	if err := page.Execute(&out, s); err != nil {
		panic(fmt.Errorf("rendering the playground: %w", err))
	}
	return out.Bytes()
}

// shortHash returns a hash that distinguishes versions of a file. It is too short for anything
// else.
func shortHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}
