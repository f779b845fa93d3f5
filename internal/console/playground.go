// Package console serves the web pages that are part of the program: the GraphQL playground.
//
// The playground is GraphiQL with the example operations of examples/ in tabs. All that it consists of is embedded in the
// program and served from /playground: a browser that shows it sends requests to the server it came from and to no other,
// and a Content-Security-Policy holds it to that. Queries and mutations go to the GraphQL endpoint over HTTP,
// subscriptions over a websocket of the protocol graphql-transport-ws.
//
// The package holds no rules and has no access to configs: the playground is a client of the API as any other, so who may
// do what is decided where its requests arrive.
package console

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"path"
)

// The paths, below the one that a proxy may have put in front of all of them. The page names others
// by relative URLs, so that it works there, too.
const (
	endpointPath = "graphql"
	pagePath     = "playground"
	assetPath    = "playground/assets/"
)

// contentPolicy is why no request can leave the machine: scripts, connections (websockets included), and the pictures
// that GraphiQL would show for a URL in a value, come from this server alone. GraphiQL's dialogs add a style element of
// their own, hence the one 'unsafe-inline'; its fonts are in its style sheet.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src data:; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var (
	//go:embed assets examples page
	files embed.FS

	//go:embed page/page.html
	pageText string
)

// Options of [Playground].
type Options struct {
	// Endpoint is the URL of the GraphQL endpoint, for HTTP and websocket alike, if it is not
	// /graphql beside /playground.
	Endpoint string
}

// Playground serves GET and HEAD of /playground, with or without a slash at the end, and of the files below
// /playground/assets/. Any other path gets 404, any other method 405. Files carry their hash in their path and may be kept
// for ever; the page is asked for anew each time, so that an upgraded program shows its own playground at once.
func Playground(opts Options) http.Handler {
	p := playground{}
	paths := p.addAssets()
	p["/"+pagePath] = newPage(opts, paths, "")
	p["/"+pagePath+"/"] = newPage(opts, paths, "../")
	return p
}

// newPage returns the page for one of its URLs, given the way from there to where all paths begin.
func newPage(opts Options, paths map[string]string, root string) *file {
	urls := make(map[string]string, len(paths)) // :: name → relative URL
	for name, path := range paths {
		urls[name] = root + path
	}
	page := newPlain("text/html; charset=utf-8", renderPage(urls, newSettings(cmp.Or(opts.Endpoint, root+endpointPath))))
	page.header = http.Header{
		"Cache-Control":              {"no-cache"},
		"Content-Security-Policy":    {contentPolicy},
		"Cross-Origin-Opener-Policy": {"same-origin"},
		"Referrer-Policy":            {"no-referrer"},
		"X-Frame-Options":            {"DENY"}, // for browsers that do not know frame-ancestors
	}
	return page
}

// playground is a fixed set of files.
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

// answerText writes the status's own words, without the line feed that http.Error adds.
func answerText(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	fmt.Fprint(w, http.StatusText(status))
}

// addAssets returns the path of each file by its name.
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

// settings is what the page hands to its script.
type settings struct {
	Endpoint string    `json:"endpoint"`
	Version  string    `json:"version"` // of the examples: the browser keeps the user's tabs under it
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

// renderPage panics when the embedded page asks for a file that is not embedded: no input can bring that about.
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

// shortHash is long enough to tell versions of a file apart, which is all that it is for.
func shortHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}
