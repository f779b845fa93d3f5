package gqlhttp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/gqlmsg"
	"configapi/graph/transport/transporttest"
	"configapi/internal/fault"
)

func TestVariablesKeepNumbersExact(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{}))
	const query = `query($i:Int $f:Float $t:String $l:[Int!]){echo(int:$i float:$f text:$t ints:$l)}`
	for _, row := range []struct{ variables, want string }{
		{`{"i":2147483647,"f":2}`, `int64 2147483647, int64 2, <nil> <nil>, <nil>`},
		{`{"i":9007199254740993}`, `int64 9007199254740993, <nil> <nil>, <nil> <nil>, <nil>`},
		{`{"i":3.0,"f":1.5}`, `int64 3, float64 1.5, <nil> <nil>, <nil>`},
		{`{"l":[1,2.0,9007199254740993]}`, `<nil> <nil>, <nil> <nil>, <nil> <nil>, [1 2 9007199254740993]`},
		{`{"l":4}`, `<nil> <nil>, <nil> <nil>, <nil> <nil>, [4]`},
		{`{"i":1.5}`, ""},
		{`{"l":[1.5]}`, ""},
		{`{"t":17}`, ""},
		{`{"t":1.5}`, ""},
		{`{"i":true}`, ""},
	} {
		want := transporttest.Call{Status: 200, Want: `{"data":{"echo":` + transporttest.Quote(row.want) + `}}`}
		if row.want == "" {
			want = transporttest.Call{Status: 200, Code: "GRAPHQL_VALIDATION_FAILED"}
		}
		want.Body = fmt.Sprintf(`{"query":%s,"variables":%s}`, transporttest.Quote(query), row.variables)
		t.Run(row.variables, func(t *testing.T) { want.Do(t, server) })
	}
}

// TestResponsesThatAreNone: what gqlgen returns when it did not execute is no success.
func TestResponsesThatAreNone(t *testing.T) {
	next := true
	for _, c := range []struct {
		transporttest.Call
		response *graphql.Response
	}{
		{transporttest.Call{Name: "refused by middleware", Status: 403, Code: "FORBIDDEN", Says: "not you"}, &graphql.Response{Errors: gqlerror.List{gqlmsg.NewError(fault.Forbidden, "not you")}}},
		{transporttest.Call{Name: "out of time", Status: 503, Code: "UNAVAILABLE", Says: "out of time"}, nil},
		{transporttest.Call{Name: "deferred", Status: 400, Code: "INVALID_INPUT", Says: "@defer"}, &graphql.Response{Data: []byte(`{}`), HasNext: &next}},
		{transporttest.Call{Name: "no data, no error", Status: 200, Want: `{"data":null}`}, &graphql.Response{}},
		{transporttest.Call{Name: "extensions", Status: 200, Want: `{"data":{},"extensions":{"a":"<"}}`}, &graphql.Response{Data: []byte("{}"), Extensions: map[string]any{"a": "<"}}},
	} {
		t.Run(c.Name, func(t *testing.T) {
			server := transporttest.NewSchema().Handler(New(Options{}))
			server.Use(transporttest.ResponseOf{Response: c.response})
			c.Body, c.Header, c.Media = `{"query":"{hello}"}`, transporttest.AcceptResponse, transporttest.TypeResponse
			c.Do(t, server)
		})
	}
}

func TestErrorsGoThroughThePresenter(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{}))
	server.SetErrorPresenter(func(ctx context.Context, err error) *gqlerror.Error {
		presented := graphql.DefaultErrorPresenter(ctx, err)
		presented.Message = "presented: " + presented.Message
		return presented
	})
	transporttest.Call{Body: `{"query":"{nonsense}"}`, Status: 200, Code: "GRAPHQL_VALIDATION_FAILED", Says: "presented: "}.Do(t, server)
	transporttest.Call{Body: `{"query":"{panics}"}`, Status: 500, Code: "INTERNAL", Says: "presented: it panicked"}.Do(t, server)
}

func TestPresenterThatHidesAllErrorsStillGivesOne(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{}))
	server.SetErrorPresenter(func(context.Context, error) *gqlerror.Error { return nil })
	transporttest.Call{Body: `{"query":"{nonsense}"}`, Status: 200, Code: "GRAPHQL_VALIDATION_FAILED"}.Do(t, server)
	transporttest.Call{Body: `{"query":"{panics}"}`, Status: 500, Code: "INTERNAL", Says: "internal error"}.Do(t, server)
}

func TestPresenterThatPanicsIsSurvived(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{}))
	server.SetErrorPresenter(func(context.Context, error) *gqlerror.Error { panic("presenter") })
	transporttest.Call{Body: `{"query":"{panics}"}`, Status: 500, Code: "INTERNAL", Says: "internal error"}.Do(t, server)
}

func TestPanicsGetTheCodeInternalUnlessTheyHaveOne(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{}))
	server.SetRecoverFunc(func(context.Context, any) error { return gqlmsg.NewError(fault.Unavailable, "not now") })
	transporttest.Call{Body: `{"query":"{panics}"}`, Status: 500, Code: "UNAVAILABLE", Says: "not now"}.Do(t, server)
}

// TestPanicWithAnotherExecutor: gqlgen's interface does not require that an executor can present
// panics.
func TestPanicWithAnotherExecutor(t *testing.T) {
	schema := transporttest.NewSchema()
	server := schema.Handler(onlyExecutor{New(Options{})})
	transporttest.Call{Body: `{"query":"{panics}"}`, Status: 500, Code: "INTERNAL", Says: "internal error"}.Do(t, server)
}

type onlyExecutor struct{ *Transport }

func (o onlyExecutor) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	o.Transport.Do(w, r, struct{ graphql.GraphExecutor }{exec})
}

func TestExtensionsThatCannotBeEncoded(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{}))
	server.Use(transporttest.ResponseOf{Response: &graphql.Response{Extensions: map[string]any{"f": func() {}}}})
	transporttest.Call{Body: `{"query":"{hello}"}`, Status: 500, Code: "INTERNAL", Says: "it panicked"}.Do(t, server)
}

// TestLimitsOfTheParser pins the texts by which the parser's limits are recognised.
func TestLimitsOfTheParser(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{}))
	deep := strings.Repeat("{hello", 2000)
	transporttest.Call{Body: `{"query":"` + deep + `"}`, Status: 200, Code: "LIMIT_EXCEEDED", Says: "nesting depth"}.Do(t, server)
	server.SetParserTokenLimit(10)
	transporttest.Call{Body: `{"query":"` + deep + `"}`, Status: 200, Code: "LIMIT_EXCEEDED", Says: "token limit"}.Do(t, server)
	// Documents cannot give themselves this code.
	transporttest.Call{Body: `{"query":"{ exceeded token limit of }"}`, Status: 200, Code: "GRAPHQL_VALIDATION_FAILED"}.Do(t, server)
}

// TestLargeAnswerIsWhole: answers that are written in pieces, without a copy, have every byte.
func TestLargeAnswerIsWhole(t *testing.T) {
	budgets := bounds.NewBudgets(bounds.Options{})
	server := httptest.NewServer(transporttest.NewSchema().Handler(New(Options{Budgets: budgets})))
	defer server.Close()
	for _, bytes := range []int{largeAnswer - 100, largeAnswer, largeAnswer + 1, 3 * transporttest.MiB} {
		w, err := http.Post(server.URL, "application/json", strings.NewReader(transporttest.Post(fmt.Sprintf(`{big(bytes:%d)}`, bytes))))
		if err != nil {
			t.Fatal(err)
		}
		read, err := io.ReadAll(w.Body)
		if err != nil {
			t.Error(err)
		}
		body := string(read)
		if want := `{"data":{"big":"` + strings.Repeat("x", bytes) + `"}}`; body != want || w.ContentLength != int64(len(want)) {
			t.Errorf("%d bytes: got %d, Content-Length %d", bytes, len(body), w.ContentLength)
		}
	}
	server.Close()
	transporttest.WantEmpty(t, budgets)
}

// watched is a response writer that is looked at with each write.
type watched struct {
	*httptest.ResponseRecorder
	look func()
}

func (w watched) Write(p []byte) (int, error) {
	w.look()
	return w.ResponseRecorder.Write(p)
}

// TestLargeAnswerLeavesItsSlot: an answer that is being sent is made, and others may be made.
func TestLargeAnswerLeavesItsSlot(t *testing.T) {
	budgets := bounds.NewBudgets(bounds.Options{})
	looks := 0
	w := watched{httptest.NewRecorder(), func() {
		looks++
		if slots, held := budgets.LargeAnswers.Held(), budgets.Answers.Held(); slots != 0 || held < 2*transporttest.MiB {
			t.Errorf("while it is sent, %d slots and %d bytes are held", slots, held)
		}
	}}
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(transporttest.Post(`{big(bytes:2097152)}`)))
	r.Header.Set("Content-Type", "application/json")
	transporttest.NewSchema().Handler(New(Options{Budgets: budgets})).ServeHTTP(w, r)
	if w.Code != http.StatusOK || looks < 2 {
		t.Errorf("got %d in %d writes", w.Code, looks)
	}
	transporttest.WantEmpty(t, budgets)
}
