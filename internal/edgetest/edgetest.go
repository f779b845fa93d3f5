// Package edgetest tests that all edges treat bad input alike: names, values, instants, positions,
// idempotency keys, change sets, and the JSON around them. REST and GraphQL run the same table on
// each store. [Errors] is a table of errors: each has the same code on every edge.
//
// It is for tests only, and knows nothing of HTTP or GraphQL: an edge takes part by an [Edge] that
// builds its requests.
package edgetest

import (
	"strings"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/configstore/configstoretest"
)

// Good is a valid name. [Run] sets it to GoodValue before the first row.
const (
	Good      = "edgetest/good"
	GoodValue = "good-value"
)

// Answer is what a client receives.
type Answer struct {
	// Code is the code of the error, as in GraphQL's extensions.code. "": none.
	Code string
	// Status is the HTTP status. 0: it says nothing on this edge.
	Status int
	// Text is all text of the answer, except requested values.
	Text string
}

// Edge builds and sends requests with the input as it is, without a check of its own.
type Edge interface {
	// Set sets a config to a value. valueJSON is inserted unchanged.
	Set(t testing.TB, name, valueJSON string) Answer
	Delete(t testing.TB, name string) Answer
	Restore(t testing.TB, name string) Answer
	Read(t testing.TB, name string) Answer
	History(t testing.TB, name string) Answer
	ReadAt(t testing.TB, name, instant string) Answer
	// SetWithKey is Set with an idempotency key.
	SetWithKey(t testing.TB, name, valueJSON, key string) Answer
	// Tampered sets Good to GoodValue by a request whose body, a JSON object, is changed by tamper.
	Tampered(t testing.TB, tamper func(body string) string) Answer
	// Typed sets Good to GoodValue by a request with a content type.
	Typed(t testing.TB, contentType string) Answer
}

// Positions is implemented by edges that take positions.
type Positions interface {
	// After requests the changes after a position.
	After(t testing.TB, position string) Answer
}

// Run runs all rows that apply to the edge. It fails the test if a refused request wrote anything.
func Run(t *testing.T, store *configstoretest.Store, edge Edge) {
	store.MustSet(t, Good, GoodValue)
	t.Run("names", func(t *testing.T) { runNames(t, store, edge) })
	t.Run("values", func(t *testing.T) { runValues(t, store, edge) })
	t.Run("types", func(t *testing.T) { runTypes(t, store, edge) })
	t.Run("documents", func(t *testing.T) { runDocuments(t, store, edge) })
	t.Run("keys", func(t *testing.T) { runKeys(t, store, edge) })
	t.Run("instants", func(t *testing.T) { runInstants(t, store, edge) })
	if sets, ok := edge.(Sets); ok {
		t.Run("sets", func(t *testing.T) { runSets(t, store, sets) })
		t.Run("reverts", func(t *testing.T) { runReverts(t, store, sets) })
	}
	if positions, ok := edge.(Positions); ok {
		t.Run("positions", func(t *testing.T) { runPositions(t, store, positions) })
	}
}

// row is an input and the expected outcome.
type row struct {
	name  string
	input string
	want  outcome
	says  string // a part of the text, which names the rule
}

// outcome is what an input leads to.
type outcome struct {
	code   string
	status int // on edges where the status says something
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

// check compares the answer with the expected outcome.
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

// unchanged fails the test if try writes anything.
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

// run runs the row as a subtest.
func (r row) run(t *testing.T, store *configstoretest.Store, try func(testing.TB) Answer) {
	t.Run(r.name, func(t *testing.T) {
		if r.want == done {
			r.check(t, try(t))
			return
		}
		unchanged(t, store, func() { r.check(t, try(t)) })
	})
}
