package transport

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// persistedAnswer makes clients of persisted queries send their documents.
const persistedAnswer = `{"errors":[{"message":"PersistedQueryNotSupported","extensions":{"code":"PERSISTED_QUERY_NOT_SUPPORTED"}}]}`

// TestPost is what goes well, and what fails during the execution.
func TestPost(t *testing.T) {
	server := newTestSchema().handler(NewHTTP(HTTPOptions{MaxBodyBytes: 20_000}))
	for _, c := range []call{
		{name: "query", body: `{"query":"{hello}"}`, status: 200, want: `{"data":{"hello":"hello world"}}`},
		{name: "query, other form", body: `{"query":"{hello}"}`, header: acceptResponse, status: 200, media: typeResponse, want: `{"data":{"hello":"hello world"}}`},
		{name: "mutation, HTML left alone", body: `{"query":"mutation{change}"}`, status: 200, want: `{"data":{"change":"changed \u003cb\u003e"}}`},
		{name: "variables", body: `{"query":"query($n:String!){hello(name:$n)}","variables":{"n":"<you>"}}`, status: 200, want: `{"data":{"hello":"hello \u003cyou\u003e"}}`},
		{name: "operation name", body: `{"query":"query A{a:hello} query B{b:hello}","operationName":"B"}`, status: 200, want: `{"data":{"b":"hello world"}}`},
		{name: "nulls and members of others", body: `{"query":"{hello}","operationName":null,"variables":null,"extensions":null,"id":7}`, status: 200, want: `{"data":{"hello":"hello world"}}`},
		{name: "charset", body: `{"query":"{hello}"}`, header: map[string]string{"Content-Type": `Application/JSON;charset="UTF-8"`}, status: 200, want: `{"data":{"hello":"hello world"}}`},
		{name: "no encoding", body: `{"query":"{hello}"}`, header: map[string]string{"Content-Encoding": "identity"}, status: 200, want: `{"data":{"hello":"hello world"}}`},
		{name: "persisted", body: `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"0"}}}`, status: 200, want: persistedAnswer},
		{name: "persisted, other form", body: `{"query":"","extensions":{"persistedQuery":{}}}`, header: acceptResponse, status: 200, media: typeResponse, want: persistedAnswer},
		{name: "persisted, with the document", body: `{"query":"{hello}","extensions":{"persistedQuery":{"version":1}}}`, status: 200, want: `{"data":{"hello":"hello world"}}`},
		{name: "failed field", body: `{"query":"{hello fails}"}`, status: 200,
			want: `{"errors":[{"message":"it failed"}],"data":{"hello":"hello world","fails":null}}`},
		{name: "failed field, other form", body: `{"query":"{fails}"}`, header: acceptResponse, status: 200, media: typeResponse,
			want: `{"errors":[{"message":"it failed"}],"data":{"fails":null}}`},
	} {
		t.Run(c.name, func(t *testing.T) { c.do(t, server) })
	}
}

// TestPostRefusesBodies has what is no GraphQL request at all: 400 in both forms of answers.
func TestPostRefusesBodies(t *testing.T) {
	server := newTestSchema().handler(NewHTTP(HTTPOptions{MaxBodyBytes: 20_000}))
	for _, c := range []call{
		{name: "no body", status: 400, code: CodeInvalidInput, says: `a JSON object with "query"`},
		{name: "null", body: "null", status: 400, code: CodeInvalidInput, says: `a JSON object with "query"`},
		{name: "string", body: `"s3cret"`, status: 400, code: CodeInvalidInput, says: `a JSON object with "query"`},
		{name: "batch", body: ` [{"query":"{s3cret}"}]`, status: 400, code: CodeInvalidInput, says: "batches are not supported"},
		{name: "not JSON", body: `{ "s3cret`, status: 400, code: CodeInvalidInput, says: "unexpected end"},
		{name: "not JSON, other form", body: `{ "s3cret`, header: acceptResponse, status: 400, media: typeResponse, code: CodeInvalidInput, says: "unexpected end"},
		{name: "form in JSON's clothes", body: `query=s3cret`, status: 400, code: CodeInvalidInput, says: `a JSON object with "query"`},
		{name: "two documents", body: `{"query":"{hello}"}{}`, status: 400, code: CodeInvalidInput, says: "bytes after the JSON value"},
		{name: "duplicate member", body: `{"query":"{s3cret}","query":"{hello}"}`, status: 400, code: CodeInvalidInput, says: `duplicate member "query"`},
		{name: "byte order mark", body: "\ufeff" + `{"query":"{hello}"}`, status: 400, code: CodeInvalidInput, says: "byte order mark"},
		{name: "invalid UTF-8", body: "{\"query\":\"{hello}\xff\"}", status: 400, code: CodeInvalidInput, says: "not valid UTF-8"},
		{name: "lone surrogate", body: `{"query":"{hello(name:\"\ud800\")}"}`, status: 400, code: CodeInvalidInput, says: "surrogate"},
		{name: "deep variables", body: `{"query":"{hello}","variables":{"a":` + strings.Repeat("[", 9000), status: 400, code: CodeInvalidInput, says: "levels deep"},
		{name: "no query", body: `{"qeury":"{hello}"}`, status: 400, code: CodeInvalidInput, says: `with "query", a string`},
		{name: "other letter case", body: `{"Query":"{hello}"}`, status: 400, code: CodeInvalidInput, says: `with "query", a string`},
		{name: "null query", body: `{"query":null}`, status: 400, code: CodeInvalidInput, says: `with "query", a string`},
		{name: "empty query", body: `{"query":""}`, status: 400, code: CodeInvalidInput, says: `with "query", a string`},
		{name: "number as query", body: `{"query":17}`, status: 400, code: CodeInvalidInput, says: `member "query" must be a string`},
		{name: "object as operation name", body: `{"query":"{hello}","operationName":{}}`, status: 400, code: CodeInvalidInput, says: `member "operationName" must be a string`},
		{name: "array as variables", body: `{"query":"{hello}","variables":["s3cret"]}`, status: 400, code: CodeInvalidInput, says: `member "variables" must be an object`},
		{name: "string as extensions", body: `{"query":"{hello}","extensions":"s3cret"}`, status: 400, code: CodeInvalidInput, says: `member "extensions" must be an object`},
	} {
		t.Run(c.name, func(t *testing.T) { c.do(t, server) })
	}
}

// TestPostRefusesDocuments has well-formed requests that fail before their execution: the form of the answer decides about the status.
func TestPostRefusesDocuments(t *testing.T) {
	server := newTestSchema().handler(NewHTTP(HTTPOptions{MaxBodyBytes: 20_000}))
	server.SetParserTokenLimit(200)
	for _, c := range []call{
		{name: "syntax error", body: `{"query":"{"}`, status: 200, code: CodeParseFailed},
		{name: "syntax error, other form", body: `{"query":"{"}`, header: acceptResponse, status: 400, media: typeResponse, code: CodeParseFailed},
		{name: "no operation", body: `{"query":"# nothing"}`, status: 200, code: CodeValidationFailed, says: "no operation"},
		{name: "unknown field", body: `{"query":"{nonsense}"}`, status: 200, code: CodeValidationFailed, says: "nonsense"},
		{name: "unknown field, other form", body: `{"query":"{nonsense}"}`, header: acceptResponse, status: 400, media: typeResponse, code: CodeValidationFailed},
		{name: "variable of the wrong type", body: `{"query":"query($n:String!){hello(name:$n)}","variables":{"n":7}}`, header: acceptResponse, status: 400, media: typeResponse, code: CodeValidationFailed},
		{name: "variable missing", body: `{"query":"query($n:String!){hello(name:$n)}"}`, header: acceptResponse, status: 400, media: typeResponse, code: CodeValidationFailed},
		{name: "two operations, no name", body: `{"query":"query A{hello} query B{hello}"}`, status: 200, code: CodeValidationFailed, says: "say which one"},
		{name: "unknown operation name", body: `{"query":"query A{hello}","operationName":"s3cret"}`, header: acceptResponse, status: 400, media: typeResponse, code: CodeValidationFailed, says: "no operation of the name"},
		{name: "too many tokens", body: `{"query":"{` + strings.Repeat("hello ", 300) + `}"}`, header: acceptResponse, status: 400, media: typeResponse, code: CodeLimitExceeded, says: "token limit"},
		{name: "many errors", body: `{"query":"{` + strings.Repeat("nonsense ", 50) + `}"}`, status: 200, code: CodeValidationFailed},
		{name: "long name", body: `{"query":"{` + strings.Repeat("é", 1) + strings.Repeat("n", 3000) + `}"}`, status: 200, code: CodeParseFailed},
		{name: "long unknown name", body: `{"query":"{` + strings.Repeat("n", 3000) + `}"}`, status: 200, code: CodeValidationFailed},
		{name: "subscription", body: `{"query":"subscription{ticks}"}`, status: 200, code: CodeInvalidInput, says: "sub-protocol graphql-transport-ws"},
		{name: "subscription, other form", body: `{"query":"subscription{ticks}"}`, header: acceptResponse, status: 400, media: typeResponse, code: CodeInvalidInput, says: "websocket"},
		{name: "panic outside of resolvers", body: `{"query":"{panics}"}`, status: 500, code: CodeInternal, says: "it panicked"},
	} {
		t.Run(c.name, func(t *testing.T) { c.do(t, server) })
	}
}

// TestPostRefusesContent has requests whose body is not even looked at.
func TestPostRefusesContent(t *testing.T) {
	server := newTestSchema().handler(NewHTTP(HTTPOptions{MaxBodyBytes: 20_000}))
	for _, c := range []call{
		{name: "no content type", body: `{"query":"{hello}"}`, header: map[string]string{"Content-Type": ""}, status: 415, code: CodeInvalidInput, says: "application/json"},
		{name: "text", body: `{"query":"{hello}"}`, header: map[string]string{"Content-Type": "text/plain"}, status: 415, code: CodeInvalidInput, says: "application/json"},
		{name: "form", body: `query={hello}`, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, status: 415, code: CodeInvalidInput, says: "application/json"},
		{name: "multipart", body: `--b`, header: map[string]string{"Content-Type": "multipart/form-data; boundary=b"}, status: 415, code: CodeInvalidInput, says: "application/json"},
		{name: "broken content type", body: `{"query":"{hello}"}`, header: map[string]string{"Content-Type": "application/json;;="}, status: 415, code: CodeInvalidInput, says: "application/json"},
		{name: "other charset", body: `{"query":"{hello}"}`, header: map[string]string{"Content-Type": "application/json; charset=utf-16"}, status: 415, code: CodeInvalidInput, says: "UTF-8"},
		{name: "gzip", body: `{"query":"{hello}"}`, header: map[string]string{"Content-Encoding": "gzip"}, status: 415, code: CodeInvalidInput, says: "without a content encoding"},
		{name: "not acceptable", body: `{"query":"{hello}"}`, header: map[string]string{"Accept": "text/html"}, status: 406, code: CodeInvalidInput, says: "application/graphql-response+json or application/json"},
		{name: "announced too large", body: `{"query":"{hello}","x":"` + strings.Repeat("s3cret", 4000) + `"}`, status: 413, code: CodeInvalidInput, says: "20000 bytes", check: hangsUp},
		{name: "PUT", method: "PUT", status: 405, code: CodeInvalidInput, check: allows("GET, POST")},
		{name: "OPTIONS", method: "OPTIONS", status: 405, code: CodeInvalidInput, check: allows("GET, POST")},
		{name: "HEAD", method: "HEAD", status: 405, check: allows("GET, POST")},
	} {
		t.Run(c.name, func(t *testing.T) { c.do(t, server) })
	}
}

// endless is a body without end; it counts what was taken from it.
type endless struct{ taken int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.taken += len(p)
	return len(p), nil
}

func TestEndlessBodyIsCutOff(t *testing.T) {
	body := new(endless)
	r := httptest.NewRequest(http.MethodPost, "/graphql", body)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	newTestSchema().handler(NewHTTP(HTTPOptions{MaxBodyBytes: 10_000})).ServeHTTP(w, r)
	call{status: 413, code: CodeInvalidInput, says: "10000 bytes", check: hangsUp}.verify(t, w)
	if body.taken > 40_000 {
		t.Errorf("took %d bytes of a body that may have 10000", body.taken)
	}
}

func TestBodyThatIsAnnouncedTooLargeIsNotRead(t *testing.T) {
	body := new(endless)
	r := httptest.NewRequest(http.MethodPost, "/graphql", body)
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = 10_001
	w := httptest.NewRecorder()
	newTestSchema().handler(NewHTTP(HTTPOptions{MaxBodyBytes: 10_000})).ServeHTTP(w, r)
	call{status: 413, code: CodeInvalidInput, says: "10000 bytes", check: hangsUp}.verify(t, w)
	if body.taken != 0 {
		t.Errorf("took %d bytes", body.taken)
	}
}

func TestBodyOfExactlyTheLimit(t *testing.T) {
	server := newTestSchema().handler(NewHTTP(HTTPOptions{MaxBodyBytes: 100}))
	body := `{"query":"{hello}"}`
	body += strings.Repeat(" ", 100-len(body))
	call{body: body, status: 200, want: `{"data":{"hello":"hello world"}}`}.do(t, server)
	call{body: body + " ", status: 413, code: CodeInvalidInput}.do(t, server)
}

func TestUnreadableBody(t *testing.T) {
	server := newTestSchema().handler(NewHTTP(HTTPOptions{}))
	for _, c := range []struct {
		call
		err error
	}{
		{call{name: "limit of a middleware", status: 413, code: CodeInvalidInput}, &http.MaxBytesError{Limit: 7}},
		{call{name: "broken connection", status: 400, code: CodeInvalidInput, says: "read to its end", check: hangsUp}, io.ErrUnexpectedEOF},
		{call{name: "slow body", status: 408, code: CodeInvalidInput, says: "read to its end", check: hangsUp}, fmt.Errorf("reading: %w", os.ErrDeadlineExceeded)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/graphql", io.MultiReader(strings.NewReader(`{"query":"s3cret`), brokenReader{c.err}))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			server.ServeHTTP(w, r)
			c.verify(t, w)
		})
	}
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }

// TestOverTheWire checks what only a real server shows.
func TestOverTheWire(t *testing.T) {
	server := httptest.NewServer(newTestSchema().handler(NewHTTP(HTTPOptions{MaxBodyBytes: 1000})))
	// Close would wait for the last connection, which net/http keeps for half a second.
	defer server.CloseClientConnections()
	defer server.Listener.Close()
	for _, size := range []int{1, 2000, 2020, 2040, 2048, 3000, 100_000} {
		r, err := http.Post(server.URL, "application/json", strings.NewReader(fmt.Sprintf(`{"query":"{big(bytes:%d)}"}`, size)))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if want := size + len(`{"data":{"big":""}}`); err != nil || len(body) != want || r.ContentLength != int64(want) {
			t.Errorf("got %d bytes, Content-Length %d, %v; want %d", len(body), r.ContentLength, err, want)
		}
		r.Body.Close()
	}
	r, err := http.Post(server.URL, "application/json", new(endless))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusRequestEntityTooLarge || !r.Close {
		t.Errorf("got %s, close %v; want 413 and a closed connection", r.Status, r.Close)
	}
}
