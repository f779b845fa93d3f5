// Package edgetest is what every edge has to do with bad input, as one table: names, values, instants, positions and the JSON
// that they come in. REST and GraphQL run the same rows, on each of the stores, so that no client finds a door that is less
// well kept than the others.
//
// It is for tests. An edge takes part with a few words that say how a request of its kind looks: see [Edge].
package edgetest

import (
	"strings"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/configstore/configstoretest"
)

// Good is a name that every row may use. [Run] makes a config of it, with the value GoodValue.
const (
	Good      = "edgetest/good"
	GoodValue = "good-value"
)

// Answer is what a client gets.
type Answer struct {
	// Code says why the request was refused, as in GraphQL's extensions.code. "": it was carried out.
	Code string
	// Text is all that the client can read, values that it asked for apart.
	Text string
}

// Edge puts inputs into requests of its kind, as a client would that does not look at them.
type Edge interface {
	// Set asks for a config to get a value. The value is JSON, and goes into the request as it stands.
	Set(t testing.TB, name, valueJSON string) Answer
	Delete(t testing.TB, name string) Answer
	Restore(t testing.TB, name string) Answer
	Read(t testing.TB, name string) Answer
	History(t testing.TB, name string) Answer
	ReadAt(t testing.TB, name, instant string) Answer
	// Tampered sends a request as Set would for Good and GoodValue, with its body, a JSON object, changed.
	Tampered(t testing.TB, tamper func(body string) string) Answer
}

// Positions is for edges that take positions.
type Positions interface {
	// After asks for the changes after a position.
	After(t testing.TB, position string) Answer
}

// Run runs all rows that apply to the edge of a store. Nothing that is refused may have been written.
func Run(t *testing.T, store *configstoretest.Store, edge Edge) {
	store.MustSet(t, Good, GoodValue)
	t.Run("names", func(t *testing.T) { runNames(t, store, edge) })
	t.Run("values", func(t *testing.T) { runValues(t, store, edge) })
	t.Run("documents", func(t *testing.T) { runDocuments(t, store, edge) })
	t.Run("instants", func(t *testing.T) { runInstants(t, store, edge) })
	if positions, ok := edge.(Positions); ok {
		t.Run("positions", func(t *testing.T) { runPositions(t, store, positions) })
	}
}

// row is one input and what must come back.
type row struct {
	name  string
	input string
	code  string // "": it is carried out; refused: it is not, whatever the edge calls that
	says  string // part of the text, so that the client learns which rule it broke
}

const refused = "refused"

// check checks the answer to one row.
func (r row) check(t *testing.T, got Answer) {
	t.Helper()
	switch {
	case r.code == "" && got.Code != "":
		t.Errorf("refused: %s %s", got.Code, got.Text)
	case r.code == refused && got.Code == "":
		t.Errorf("not refused; answer %q", got.Text)
	case r.code != refused && got.Code != r.code:
		t.Errorf("got code %q, want %q; answer %q", got.Code, r.code, got.Text)
	case !strings.Contains(got.Text, r.says):
		t.Errorf("got %q, want it to say %q", got.Text, r.says)
	}
	if r.code == "" {
		return
	}
	for _, inside := range []string{"SQLSTATE", "goroutine ", ".go:", "panic", GoodValue} {
		if strings.Contains(got.Text, inside) {
			t.Errorf("the answer %q shows %q", got.Text, inside)
		}
	}
}

// unchanged fails the test when try wrote anything.
func unchanged(t *testing.T, store *configstoretest.Store, try func()) {
	t.Helper()
	before := store.Reader(auth.Anonymous).Head()
	try()
	if after := store.Reader(auth.Anonymous).Head(); !after.Same(before) {
		t.Errorf("the position went from %s to %s", before.Bookmark(), after.Bookmark())
	}
}

// run runs one row in a test of its own.
func (r row) run(t *testing.T, store *configstoretest.Store, try func(testing.TB) Answer) {
	t.Run(r.name, func(t *testing.T) {
		if r.code == "" {
			r.check(t, try(t))
			return
		}
		unchanged(t, store, func() { r.check(t, try(t)) })
	})
}
