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
	"configapi/internal/config"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
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

// Caller is who sends the requests of a table. It decides what comes back.
type Caller int

const (
	// Unlimited may do everything, so that all answers are about the input.
	Unlimited Caller = iota
	// Elsewhere may read and write, but none of the names of the table. Bad input comes back as for
	// others; a write without a fault is FORBIDDEN, and a read finds nothing.
	Elsewhere
	// Unknown is not let in, whatever it sends.
	Unknown
)

// Reader builds and sends requests with the input as it is, without a check of its own.
type Reader interface {
	Read(t testing.TB, name string) Answer
	History(t testing.TB, name string) Answer
	ReadAt(t testing.TB, name, instant string) Answer
}

// Writer is as [Reader].
type Writer interface {
	// Set sets a config to a value. valueJSON is inserted unchanged.
	Set(t testing.TB, name, valueJSON string) Answer
	Delete(t testing.TB, name string) Answer
	Restore(t testing.TB, name string) Answer
	// SetWithKey is Set with an idempotency key.
	SetWithKey(t testing.TB, name, valueJSON, key string) Answer
	// Tampered sets Good to GoodValue by a request whose body, a JSON object, is changed by tamper.
	Tampered(t testing.TB, tamper func(body string) string) Answer
}

// Types is implemented by edges whose requests have a content type.
type Types interface {
	// Typed sets Good to GoodValue by a request with a content type.
	Typed(t testing.TB, contentType string) Answer
}

// Positions is implemented by edges that take positions.
type Positions interface {
	// After requests the changes after a position.
	After(t testing.TB, position string) Answer
}

// table is the table of bad input for one caller.
type table struct {
	store  *configstoretest.Store
	caller Caller
}

// Run runs all rows that apply to the edge, which implements some of the interfaces here, for one
// caller. It fails the test if a refused request wrote anything.
func Run(t *testing.T, store *configstoretest.Store, caller Caller, edge any) {
	x := table{store, caller}
	x.mustDo(t, configstoretest.Set(t, Good, GoodValue))
	reader, reads := edge.(Reader)
	writer, writes := edge.(Writer)
	if reads {
		t.Run("names", func(t *testing.T) { x.runNames(t, reader) })
		t.Run("instants", func(t *testing.T) { x.runInstants(t, reader) })
	}
	if writes {
		t.Run("written names", func(t *testing.T) { x.runWrittenNames(t, writer) })
		t.Run("values", func(t *testing.T) { x.runValues(t, writer) })
		t.Run("documents", func(t *testing.T) { x.runDocuments(t, writer) })
		t.Run("keys", func(t *testing.T) { x.runKeys(t, writer) })
	}
	if types, is := edge.(Types); is {
		t.Run("types", func(t *testing.T) { x.runTypes(t, types) })
	}
	if positions, is := edge.(Positions); is {
		t.Run("positions", func(t *testing.T) { x.runPositions(t, positions) })
	}
	if sets, is := edge.(Sets); is {
		t.Run("sets", func(t *testing.T) { x.runSets(t, sets) })
		if caller == Unlimited {
			t.Run("reverts", func(t *testing.T) { x.runReverts(t, sets) })
		}
	}
}

// mustDo changes a config, as the operator of the store.
func (x table) mustDo(t *testing.T, cmd config.Command) {
	t.Helper()
	if _, err := x.store.Do(t.Context(), auth.Local, config.Single(cmd)); err != nil {
		t.Fatalf("doing %+v: %v", cmd, err)
	}
}

// head returns the position of the newest change that this node has applied.
func (x table) head() eventstore.Position { return x.store.Reader(auth.Local).Head().Position() }

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

	unauthenticated = outcome{"UNAUTHENTICATED", 401}
	forbidden       = outcome{"FORBIDDEN", 403}
	hidden          = outcome{"NOT_FOUND", 404} // or an answer without the config
)

// of returns the row of another caller than Unlimited. reads reports whether the row is a read.
func (r row) of(caller Caller, reads bool) row {
	switch mayBeDone := r.want == done || r.want == otherKey; {
	case caller == Unknown:
		r.want, r.says = unauthenticated, "token"
	case caller == Elsewhere && mayBeDone && reads:
		r.want, r.says = hidden, ""
	case caller == Elsewhere && mayBeDone:
		r.want, r.says = forbidden, "WRITE on "
	}
	return r
}

// check compares the answer with the expected outcome.
func (r row) check(t *testing.T, got Answer) {
	t.Helper()
	switch {
	case r.want == hidden && got.Code == "":
	case r.want == done && got.Code != "":
		t.Errorf("%s: refused: %s %s", r.name, got.Code, got.Text)
	case r.want != done && got.Code == "":
		t.Errorf("%s: not refused; answer %q", r.name, got.Text)
	case r.want != refused && got.Code != r.want.code:
		t.Errorf("%s: got code %q, want %q; answer %q", r.name, got.Code, r.want.code, got.Text)
	case got.Status != 0 && got.Status != r.want.status:
		t.Errorf("%s: got status %d, want %d; answer %q", r.name, got.Status, r.want.status, got.Text)
	case !strings.Contains(got.Text, r.says):
		t.Errorf("%s: got %q, want it to say %q", r.name, got.Text, r.says)
	}
	if r.want == done {
		return
	}
	for _, inside := range []string{"SQLSTATE", "goroutine ", ".go:", "panic", GoodValue} {
		if strings.Contains(got.Text, inside) {
			t.Errorf("%s: the answer %q shows %q", r.name, got.Text, inside)
		}
	}
}

// unchanged fails the test if try writes anything.
func (x table) unchanged(t *testing.T, try func()) {
	t.Helper()
	before := x.head()
	try()
	after, err := x.store.Events.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after.Position() != before {
		t.Errorf("the position went from %s to %s", before, after.Position())
	}
}

// read runs a row whose request reads, and write one whose request writes.
func (x table) read(t *testing.T, r row, try func(testing.TB) Answer) {
	x.run(t, r.of(x.caller, true), try)
}
func (x table) write(t *testing.T, r row, try func(testing.TB) Answer) {
	x.run(t, r.of(x.caller, false), try)
}

// position runs a row whose request gives a position. Each caller may know positions, whatever it
// sees of the changes.
func (x table) position(t *testing.T, r row, try func(testing.TB) Answer) {
	if x.caller == Unknown {
		r = r.of(x.caller, true)
	}
	x.run(t, r, try)
}

func (x table) run(t *testing.T, r row, try func(testing.TB) Answer) {
	t.Helper()
	if r.want == done {
		r.check(t, try(t))
		return
	}
	x.unchanged(t, func() { r.check(t, try(t)) })
}
