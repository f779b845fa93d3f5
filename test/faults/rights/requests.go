package rights

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"configapi/internal/auth"
	"configapi/test/faults/cluster"
	"configapi/test/faults/record"
)

// answer is a whole answer to a request.
type answer struct {
	status int
	text   string
	at     time.Time
}

// ask sends a request to a node, directly and not through its link. A nil body is none.
func (w *world) ask(ctx context.Context, n *cluster.Node, secret, method, path string, body any) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return answer{}, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+n.Address()+path, bytes.NewReader(text))
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	authorize(request.Header, secret)
	got, err := w.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer got.Body.Close()
	all, err := io.ReadAll(got.Body)
	return answer{got.StatusCode, string(all), time.Now()}, err
}

func authorize(header http.Header, secret string) {
	if secret != "" {
		header.Set("Authorization", "Bearer "+secret)
	}
}

// configPath is the path of a config.
func configPath(name string) string { return "/config/" + url.PathEscape(name) }

// set sets a config.
func (w *world) set(ctx context.Context, n *cluster.Node, secret, name, value string) (answer, error) {
	return w.ask(ctx, n, secret, http.MethodPut, configPath(name), map[string]string{"value": value})
}

// get reads a config.
func (w *world) get(ctx context.Context, n *cluster.Node, secret, name string) (answer, error) {
	return w.ask(ctx, n, secret, http.MethodGet, configPath(name), nil)
}

// grant is READ, or more, on the names below a prefix.
type grant struct {
	Actions []string `json:"actions"`
	Prefix  string   `json:"prefix"`
}

// reading returns the grants to read below some prefixes.
func reading(prefixes ...string) []grant {
	var grants []grant
	for _, p := range prefixes {
		grants = append(grants, grant{[]string{"READ"}, p})
	}
	return grants
}

// everything are the grants of a token that may do everything.
func everything() []grant { return []grant{{[]string{"READ", "WRITE", "ADMIN"}, ""}} }

// made is an acknowledged change of a token.
type made struct {
	secret   string // the new one, if there is one
	position record.Position
	at       time.Time // when it was acknowledged
}

// changeToken sends a change of a token as the admin, and returns an error unless it was made.
func (w *world) changeToken(ctx context.Context, n *cluster.Node, method, path string, body any) (made, error) {
	a, err := w.ask(ctx, n, w.admin, method, "/tokens"+path, body)
	if err != nil {
		return made{}, err
	}
	var parsed struct{ Secret, Position string }
	if a.status/100 != 2 {
		return made{}, fmt.Errorf("%s /tokens%s on node %d: %d %.300s", method, path, n.Number, a.status, a.text)
	}
	if err := json.Unmarshal([]byte(a.text), &parsed); err != nil {
		return made{}, fmt.Errorf("%s /tokens%s on node %d: %w: %.300s", method, path, n.Number, err, a.text)
	}
	position, err := record.ParsePosition(parsed.Position)
	return made{parsed.Secret, position, a.at}, err
}

func (w *world) create(ctx context.Context, n *cluster.Node, name string, grants []grant) (made, error) {
	return w.changeToken(ctx, n, http.MethodPost, "", map[string]any{"name": name, "grants": grants})
}

func (w *world) revoke(ctx context.Context, n *cluster.Node, name string) (made, error) {
	return w.changeToken(ctx, n, http.MethodDelete, "/"+name, nil)
}

func (w *world) regrant(ctx context.Context, n *cluster.Node, name string, grants []grant) (made, error) {
	return w.changeToken(ctx, n, http.MethodPut, "/"+name+"/grants", map[string]any{"grants": grants})
}

// rotate gives a token another secret. The one before is good until a time; the zero time: no
// longer.
func (w *world) rotate(ctx context.Context, n *cluster.Node, name string, keep time.Time) (made, error) {
	body := map[string]any{}
	if !keep.IsZero() {
		body["keepOldUntil"] = keep.UTC().Format(time.RFC3339Nano)
	}
	return w.changeToken(ctx, n, http.MethodPost, "/"+name+"/rotate", body)
}

// stranger is a secret that has the form of one, and that no server knows.
func stranger() string {
	secret, _ := auth.NewSecret()
	return secret
}

// unreached reports whether a node answered that it cannot find something out.
func (a answer) unreached() bool { return a.status == http.StatusServiceUnavailable }

// refused reports whether a node refused the caller's secret: with 401, or with 429 after too many
// refusals.
func (a answer) refused() bool {
	return a.status == http.StatusUnauthorized || a.status == http.StatusTooManyRequests
}

// String shows an answer in a finding.
func (a answer) String() string {
	return fmt.Sprintf("%d %.200s", a.status, strings.TrimSpace(a.text))
}
