// Package edgetest is what every edge has to do with bad input, as one table: names, values, instants, positions and the JSON
// that they come in. REST and GraphQL run the same rows, on each of the stores, so that no client finds a door that is less
// well kept than the others. [Errors] is the same for errors: each has one code, on whichever edge.
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
	// Status is that of HTTP. 0: the edge has none that tells anything.
	Status int
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
	// SetWithKey is Set with an idempotency key.
	SetWithKey(t testing.TB, name, valueJSON, key string) Answer
	// Tampered sends a request as Set would for Good and GoodValue, with its body, a JSON object, changed.
	Tampered(t testing.TB, tamper func(body string) string) Answer
	// Typed sends a request as Set would for Good and GoodValue, with a content type.
	Typed(t testing.TB, contentType string) Answer
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
	t.Run("types", func(t *testing.T) { runTypes(t, store, edge) })
	t.Run("documents", func(t *testing.T) { runDocuments(t, store, edge) })
	t.Run("keys", func(t *testing.T) { runKeys(t, store, edge) })
	t.Run("instants", func(t *testing.T) { runInstants(t, store, edge) })
	if positions, ok := edge.(Positions); ok {
		t.Run("positions", func(t *testing.T) { runPositions(t, store, positions) })
	}
}

// row is one input and what must come back.
type row struct {
	name  string
	input string
	want  outcome
	says  string // part of the text, so that the client learns which rule it broke
}

// outcome is what an input leads to.
type outcome struct {
	code   string
	status int // of an edge that has statuses
}

var (
	done      = outcome{"", 200}
	refused   = outcome{"whatever the edge calls it", 400}
	invalid   = outcome{"INVALID_INPUT", 400}
	tooLarge  = outcome{"INVALID_INPUT", 413}
	wrongType = outcome{"INVALID_INPUT", 415}
	otherKey  = outcome{"IDEMPOTENCY_MISMATCH", 422}
	unknown   = outcome{"POSITION_UNKNOWN", 400}
)

// check checks the answer to one row.
func (r row) check(t *testing.T, got Answer) {
	t.Helper()
	switch {
	case r.want == done && got.Code != "":
		t.Errorf("refused: %s %s", got.Code, got.Text)
	case r.want != done && got.Code == "":
		t.Errorf("not refused; answer %q", got.Text)
	case r.want != refused && got.Code != r.want.code:
		t.Errorf("got code %q, want %q; answer %q", got.Code, r.want.code, got.Text)
	case got.Status != 0 && got.Status != r.want.status:
		t.Errorf("got status %d, want %d; answer %q", got.Status, r.want.status, got.Text)
	case !strings.Contains(got.Text, r.says):
		t.Errorf("got %q, want it to say %q", got.Text, r.says)
	}
	if r.want == done {
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
	after, err := store.Events.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !after.Same(before) {
		t.Errorf("the position went from %s to %s", before.Position(), after.Position())
	}
}

// run runs one row in a test of its own.
func (r row) run(t *testing.T, store *configstoretest.Store, try func(testing.TB) Answer) {
	t.Run(r.name, func(t *testing.T) {
		if r.want == done {
			r.check(t, try(t))
			return
		}
		unchanged(t, store, func() { r.check(t, try(t)) })
	})
}
