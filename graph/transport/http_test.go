package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
)

const (
	typeJSON     = "application/json; charset=utf-8"
	typeResponse = "application/graphql-response+json; charset=utf-8"
)

// call is one request and what must come back. The zero method is POST, with the content type JSON unless another is given.
type call struct {
	name, method, target, body string
	header                     map[string]string

	status int
	media  string // the zero value means JSON
	want   string // the whole body; or
	code   string // the code of the first error, with
	says   string // a part of its message
	check  func(t *testing.T, header http.Header)
}

func (c call) do(t *testing.T, server http.Handler) {
	t.Helper()
	method, target := c.method, c.target
	if method == "" {
		method = http.MethodPost
	}
	if target == "" {
		target = "/graphql"
	}
	r := httptest.NewRequest(method, target, strings.NewReader(c.body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range c.header {
		if value == "" {
			r.Header.Del(name)
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	c.verify(t, w)
}

func (c call) verify(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	media := c.media
	if media == "" {
		media = typeJSON
	}
	if got := w.Header().Get("Content-Type"); w.Code != c.status || got != media {
		t.Fatalf("got %d %s, want %d %s: %s", w.Code, got, c.status, media, w.Body)
	}
	if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got headers %v, want nosniff and no-store", w.Header())
	}
	if c.check != nil {
		c.check(t, w.Header())
	}
	if c.want != "" && w.Body.String() != c.want {
		t.Errorf("got %s, want %s", w.Body, c.want)
	}
	if c.code != "" {
		c.verifyError(t, w.Body.Bytes())
	}
}

func (c call) verifyError(t *testing.T, body []byte) {
	t.Helper()
	var answer struct {
		Data   *json.RawMessage `json:"data"`
		Errors []struct {
			Message    string         `json:"message"`
			Extensions map[string]any `json:"extensions"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Errors) == 0 {
		t.Fatalf("got %q, want GraphQL errors: %v", body, err)
	}
	if bytes.Contains(body, []byte(`"data"`)) {
		t.Errorf("got %s, want no data", body)
	}
	first := answer.Errors[0]
	if first.Extensions["code"] != c.code || !strings.Contains(first.Message, c.says) {
		t.Errorf("got %v %q, want %s … %q", first.Extensions, first.Message, c.code, c.says)
	}
	if len(answer.Errors) > maxRequestErrors || bytes.Contains(body, []byte("s3cret")) || len(first.Message) > 600 {
		t.Errorf("got too much: %.2000s", body)
	}
}

func allows(methods string) func(*testing.T, http.Header) {
	return func(t *testing.T, header http.Header) {
		t.Helper()
		if got := header.Get("Allow"); got != methods {
			t.Errorf("got Allow %q, want %q", got, methods)
		}
	}
}

func hangsUp(t *testing.T, header http.Header) {
	t.Helper()
	if header.Get("Connection") != "close" {
		t.Errorf("got %v, want Connection: close", header)
	}
}

var acceptResponse = map[string]string{"Accept": "application/graphql-response+json"}

func TestVariablesKeepNumbersExact(t *testing.T) {
	server := newTestSchema().handler(NewHTTP(HTTPOptions{}))
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
		want := call{status: 200, want: `{"data":{"echo":` + quote(row.want) + `}}`}
		if row.want == "" {
			want = call{status: 200, code: CodeValidationFailed}
		}
		want.body = fmt.Sprintf(`{"query":%s,"variables":%s}`, quote(query), row.variables)
		t.Run(row.variables, func(t *testing.T) { want.do(t, server) })
	}
}

func TestStatusOfCodes(t *testing.T) {
	for code, want := range map[string]int{
		"FORBIDDEN": 403, "UNAVAILABLE": 503, "INTERNAL": 500, "SOMETHING_ELSE": 400, "LIMIT_EXCEEDED": 400,
	} {
		errs := gqlerror.List{newError(code, "no")}
		if got := mediaResponse.statusOf(errs); got != want {
			t.Errorf("%s: got %d, want %d", code, got, want)
		}
		if got := mediaJSON.statusOf(errs); got != http.StatusOK {
			t.Errorf("%s as application/json: got %d, want 200", code, got)
		}
	}
}

// TestResponsesThatAreNone are those that gqlgen gives when it did not execute.
func TestResponsesThatAreNone(t *testing.T) {
	next := true
	for _, c := range []struct {
		call
		response *graphql.Response
	}{
		{call{name: "refused by middleware", status: 403, code: "FORBIDDEN", says: "not you"}, &graphql.Response{Errors: gqlerror.List{newError("FORBIDDEN", "not you")}}},
		{call{name: "out of time", status: 503, code: CodeUnavailable, says: "out of time"}, nil},
		{call{name: "deferred", status: 400, code: CodeInvalidInput, says: "@defer"}, &graphql.Response{Data: []byte(`{}`), HasNext: &next}},
		{call{name: "no data, no error", status: 200, want: `{"data":null}`}, &graphql.Response{}},
		{call{name: "extensions", status: 200, want: `{"data":{},"extensions":{"a":"<"}}`}, &graphql.Response{Data: []byte("{}"), Extensions: map[string]any{"a": "<"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := newTestSchema().handler(NewHTTP(HTTPOptions{}))
			server.Use(responseOf{c.response})
			c.body, c.header, c.media = `{"query":"{hello}"}`, acceptResponse, typeResponse
			c.do(t, server)
		})
	}
}

// responseOf is an extension that puts its response in place of the execution.
type responseOf struct{ response *graphql.Response }

func (responseOf) ExtensionName() string                   { return "responseOf" }
func (responseOf) Validate(graphql.ExecutableSchema) error { return nil }
func (r responseOf) InterceptOperation(context.Context, graphql.OperationHandler) graphql.ResponseHandler {
	return graphql.OneShot(r.response)
}

func TestErrorsGoThroughThePresenter(t *testing.T) {
	server := newTestSchema().handler(NewHTTP(HTTPOptions{}))
	server.SetErrorPresenter(func(ctx context.Context, err error) *gqlerror.Error {
		presented := graphql.DefaultErrorPresenter(ctx, err)
		presented.Message = "presented: " + presented.Message
		return presented
	})
	call{body: `{"query":"{nonsense}"}`, status: 200, code: CodeValidationFailed, says: "presented: "}.do(t, server)
	call{body: `{"query":"{panics}"}`, status: 500, code: CodeInternal, says: "presented: it panicked"}.do(t, server)
}

func TestPresenterThatHidesAllErrorsStillGivesOne(t *testing.T) {
	server := newTestSchema().handler(NewHTTP(HTTPOptions{}))
	server.SetErrorPresenter(func(context.Context, error) *gqlerror.Error { return nil })
	call{body: `{"query":"{nonsense}"}`, status: 200, code: CodeValidationFailed}.do(t, server)
	call{body: `{"query":"{panics}"}`, status: 500, code: CodeInternal, says: "internal error"}.do(t, server)
}

func TestPresenterThatPanicsIsSurvived(t *testing.T) {
	server := newTestSchema().handler(NewHTTP(HTTPOptions{}))
	server.SetErrorPresenter(func(context.Context, error) *gqlerror.Error { panic("presenter") })
	call{body: `{"query":"{panics}"}`, status: 500, code: CodeInternal, says: "internal error"}.do(t, server)
}

func TestPanicsGetTheCodeInternalUnlessTheyHaveOne(t *testing.T) {
	server := newTestSchema().handler(NewHTTP(HTTPOptions{}))
	server.SetRecoverFunc(func(context.Context, any) error { return newError("UNAVAILABLE", "not now") })
	call{body: `{"query":"{panics}"}`, status: 500, code: "UNAVAILABLE", says: "not now"}.do(t, server)
}

// TestPanicWithAnotherExecutor: that the executor can present panics is not part of gqlgen's interface.
func TestPanicWithAnotherExecutor(t *testing.T) {
	schema := newTestSchema()
	server := schema.handler(onlyExecutor{NewHTTP(HTTPOptions{})})
	call{body: `{"query":"{panics}"}`, status: 500, code: CodeInternal, says: "internal error"}.do(t, server)
}

type onlyExecutor struct{ *HTTP }

func (o onlyExecutor) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	o.HTTP.Do(w, r, struct{ graphql.GraphExecutor }{exec})
}

func TestExtensionsThatCannotBeEncoded(t *testing.T) {
	server := newTestSchema().handler(NewHTTP(HTTPOptions{}))
	server.Use(responseOf{&graphql.Response{Extensions: map[string]any{"f": func() {}}}})
	call{body: `{"query":"{hello}"}`, status: 500, code: CodeInternal, says: "it panicked"}.do(t, server)
}
