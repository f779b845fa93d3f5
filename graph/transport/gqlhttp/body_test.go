package gqlhttp

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"configapi/graph/transport/transporttest"
)

// TestPost sends requests that are executed, also those whose execution fails.
func TestPost(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{maxBodyBytes: 20_000}))
	for _, c := range []transporttest.Call{
		{Name: "query", Body: `{"query":"{hello}"}`, Status: 200, Want: `{"data":{"hello":"hello world"}}`},
		{Name: "query, other form", Body: `{"query":"{hello}"}`, Header: transporttest.AcceptResponse, Status: 200, Media: transporttest.TypeResponse, Want: `{"data":{"hello":"hello world"}}`},
		{Name: "mutation, HTML left alone", Body: `{"query":"mutation{change}"}`, Status: 200, Want: `{"data":{"change":"changed \u003cb\u003e"}}`},
		{Name: "variables", Body: `{"query":"query($n:String!){hello(name:$n)}","variables":{"n":"<you>"}}`, Status: 200, Want: `{"data":{"hello":"hello \u003cyou\u003e"}}`},
		{Name: "operation name", Body: `{"query":"query A{a:hello} query B{b:hello}","operationName":"B"}`, Status: 200, Want: `{"data":{"b":"hello world"}}`},
		{Name: "nulls and members of others", Body: `{"query":"{hello}","operationName":null,"variables":null,"extensions":null,"id":7}`, Status: 200, Want: `{"data":{"hello":"hello world"}}`},
		{Name: "charset", Body: `{"query":"{hello}"}`, Header: map[string]string{"Content-Type": `Application/JSON;charset="UTF-8"`}, Status: 200, Want: `{"data":{"hello":"hello world"}}`},
		{Name: "no encoding", Body: `{"query":"{hello}"}`, Header: map[string]string{"Content-Encoding": "identity"}, Status: 200, Want: `{"data":{"hello":"hello world"}}`},
		{Name: "persisted", Body: `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"0"}}}`, Status: 200, Want: transporttest.PersistedAnswer},
		{Name: "persisted, other form", Body: `{"query":"","extensions":{"persistedQuery":{}}}`, Header: transporttest.AcceptResponse, Status: 200, Media: transporttest.TypeResponse, Want: transporttest.PersistedAnswer},
		{Name: "persisted, with the document", Body: `{"query":"{hello}","extensions":{"persistedQuery":{"version":1}}}`, Status: 200, Want: `{"data":{"hello":"hello world"}}`},
		{Name: "failed field", Body: `{"query":"{hello fails}"}`, Status: 200,
			Want: `{"errors":[{"message":"it failed"}],"data":{"hello":"hello world","fails":null}}`},
		{Name: "failed field, other form", Body: `{"query":"{fails}"}`, Header: transporttest.AcceptResponse, Status: 200, Media: transporttest.TypeResponse,
			Want: `{"errors":[{"message":"it failed"}],"data":{"fails":null}}`},
	} {
		t.Run(c.Name, func(t *testing.T) { c.Do(t, server) })
	}
}

// TestPostRefusesBodies sends bodies that are no GraphQL request: 400 in both forms of answers.
func TestPostRefusesBodies(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{maxBodyBytes: 20_000}))
	for _, c := range []transporttest.Call{
		{Name: "no body", Status: 400, Code: "INVALID_INPUT", Says: `a JSON object with "query"`},
		{Name: "null", Body: "null", Status: 400, Code: "INVALID_INPUT", Says: `a JSON object with "query"`},
		{Name: "string", Body: `"s3cret"`, Status: 400, Code: "INVALID_INPUT", Says: `a JSON object with "query"`},
		{Name: "batch", Body: ` [{"query":"{s3cret}"}]`, Status: 400, Code: "INVALID_INPUT", Says: "batches are not supported"},
		{Name: "not JSON", Body: `{ "s3cret`, Status: 400, Code: "INVALID_INPUT", Says: "unexpected end"},
		{Name: "not JSON, other form", Body: `{ "s3cret`, Header: transporttest.AcceptResponse, Status: 400, Media: transporttest.TypeResponse, Code: "INVALID_INPUT", Says: "unexpected end"},
		{Name: "form in JSON's clothes", Body: `query=s3cret`, Status: 400, Code: "INVALID_INPUT", Says: `a JSON object with "query"`},
		{Name: "two documents", Body: `{"query":"{hello}"}{}`, Status: 400, Code: "INVALID_INPUT", Says: "bytes after the JSON value"},
		{Name: "duplicate member", Body: `{"query":"{s3cret}","query":"{hello}"}`, Status: 400, Code: "INVALID_INPUT", Says: `duplicate member "query"`},
		{Name: "byte order mark", Body: "\ufeff" + `{"query":"{hello}"}`, Status: 400, Code: "INVALID_INPUT", Says: "byte order mark"},
		{Name: "invalid UTF-8", Body: "{\"query\":\"{hello}\xff\"}", Status: 400, Code: "INVALID_INPUT", Says: "not valid UTF-8"},
		{Name: "lone surrogate", Body: `{"query":"{hello(name:\"\ud800\")}"}`, Status: 400, Code: "INVALID_INPUT", Says: "surrogate"},
		{Name: "deep variables", Body: `{"query":"{hello}","variables":{"a":` + strings.Repeat("[", 9000), Status: 400, Code: "INVALID_INPUT", Says: "levels deep"},
		{Name: "no query", Body: `{"qeury":"{hello}"}`, Status: 400, Code: "INVALID_INPUT", Says: `with "query", a string`},
		{Name: "other letter case", Body: `{"Query":"{hello}"}`, Status: 400, Code: "INVALID_INPUT", Says: `with "query", a string`},
		{Name: "null query", Body: `{"query":null}`, Status: 400, Code: "INVALID_INPUT", Says: `with "query", a string`},
		{Name: "empty query", Body: `{"query":""}`, Status: 400, Code: "INVALID_INPUT", Says: `with "query", a string`},
		{Name: "number as query", Body: `{"query":17}`, Status: 400, Code: "INVALID_INPUT", Says: `member "query" must be a string`},
		{Name: "object as operation name", Body: `{"query":"{hello}","operationName":{}}`, Status: 400, Code: "INVALID_INPUT", Says: `member "operationName" must be a string`},
		{Name: "array as variables", Body: `{"query":"{hello}","variables":["s3cret"]}`, Status: 400, Code: "INVALID_INPUT", Says: `member "variables" must be an object`},
		{Name: "string as extensions", Body: `{"query":"{hello}","extensions":"s3cret"}`, Status: 400, Code: "INVALID_INPUT", Says: `member "extensions" must be an object`},
	} {
		t.Run(c.Name, func(t *testing.T) { c.Do(t, server) })
	}
}

// TestPostRefusesDocuments sends well-formed requests that fail before their execution: the form of
// the answer decides the status.
func TestPostRefusesDocuments(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{maxBodyBytes: 20_000}))
	server.SetParserTokenLimit(200)
	for _, c := range []transporttest.Call{
		{Name: "syntax error", Body: `{"query":"{"}`, Status: 200, Code: "GRAPHQL_PARSE_FAILED"},
		{Name: "syntax error, other form", Body: `{"query":"{"}`, Header: transporttest.AcceptResponse, Status: 400, Media: transporttest.TypeResponse, Code: "GRAPHQL_PARSE_FAILED"},
		{Name: "no operation", Body: `{"query":"# nothing"}`, Status: 200, Code: "GRAPHQL_VALIDATION_FAILED", Says: "no operation"},
		{Name: "unknown field", Body: `{"query":"{nonsense}"}`, Status: 200, Code: "GRAPHQL_VALIDATION_FAILED", Says: "nonsense"},
		{Name: "unknown field, other form", Body: `{"query":"{nonsense}"}`, Header: transporttest.AcceptResponse, Status: 400, Media: transporttest.TypeResponse, Code: "GRAPHQL_VALIDATION_FAILED"},
		{Name: "variable of the wrong type", Body: `{"query":"query($n:String!){hello(name:$n)}","variables":{"n":7}}`, Header: transporttest.AcceptResponse, Status: 400, Media: transporttest.TypeResponse, Code: "GRAPHQL_VALIDATION_FAILED"},
		{Name: "variable missing", Body: `{"query":"query($n:String!){hello(name:$n)}"}`, Header: transporttest.AcceptResponse, Status: 400, Media: transporttest.TypeResponse, Code: "GRAPHQL_VALIDATION_FAILED"},
		{Name: "two operations, no name", Body: `{"query":"query A{hello} query B{hello}"}`, Status: 200, Code: "GRAPHQL_VALIDATION_FAILED", Says: "say which one"},
		{Name: "unknown operation name", Body: `{"query":"query A{hello}","operationName":"s3cret"}`, Header: transporttest.AcceptResponse, Status: 400, Media: transporttest.TypeResponse, Code: "GRAPHQL_VALIDATION_FAILED", Says: "no operation of the name"},
		{Name: "too many tokens", Body: `{"query":"{` + strings.Repeat("hello ", 300) + `}"}`, Header: transporttest.AcceptResponse, Status: 400, Media: transporttest.TypeResponse, Code: "LIMIT_EXCEEDED", Says: "token limit"},
		{Name: "many errors", Body: `{"query":"{` + strings.Repeat("nonsense ", 50) + `}"}`, Status: 200, Code: "GRAPHQL_VALIDATION_FAILED"},
		{Name: "long name", Body: `{"query":"{` + strings.Repeat("é", 1) + strings.Repeat("n", 3000) + `}"}`, Status: 200, Code: "GRAPHQL_PARSE_FAILED"},
		{Name: "long unknown name", Body: `{"query":"{` + strings.Repeat("n", 3000) + `}"}`, Status: 200, Code: "GRAPHQL_VALIDATION_FAILED"},
		{Name: "subscription", Body: `{"query":"subscription{ticks}"}`, Status: 200, Code: "INVALID_INPUT", Says: "sub-protocol graphql-transport-ws"},
		{Name: "subscription, other form", Body: `{"query":"subscription{ticks}"}`, Header: transporttest.AcceptResponse, Status: 400, Media: transporttest.TypeResponse, Code: "INVALID_INPUT", Says: "websocket"},
		{Name: "panic outside of resolvers", Body: `{"query":"{panics}"}`, Status: 500, Code: "INTERNAL", Says: "it panicked"},
	} {
		t.Run(c.Name, func(t *testing.T) { c.Do(t, server) })
	}
}

// TestPostRefusesContent sends requests whose body is not read.
func TestPostRefusesContent(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{maxBodyBytes: 20_000}))
	for _, c := range []transporttest.Call{
		{Name: "no content type", Body: `{"query":"{hello}"}`, Header: map[string]string{"Content-Type": ""}, Status: 415, Code: "INVALID_INPUT", Says: "application/json"},
		{Name: "text", Body: `{"query":"{hello}"}`, Header: map[string]string{"Content-Type": "text/plain"}, Status: 415, Code: "INVALID_INPUT", Says: "application/json"},
		{Name: "form", Body: `query={hello}`, Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, Status: 415, Code: "INVALID_INPUT", Says: "application/json"},
		{Name: "multipart", Body: `--b`, Header: map[string]string{"Content-Type": "multipart/form-data; boundary=b"}, Status: 415, Code: "INVALID_INPUT", Says: "application/json"},
		{Name: "broken content type", Body: `{"query":"{hello}"}`, Header: map[string]string{"Content-Type": "application/json;;="}, Status: 415, Code: "INVALID_INPUT", Says: "application/json"},
		{Name: "other charset", Body: `{"query":"{hello}"}`, Header: map[string]string{"Content-Type": "application/json; charset=utf-16"}, Status: 415, Code: "INVALID_INPUT", Says: "UTF-8"},
		{Name: "gzip", Body: `{"query":"{hello}"}`, Header: map[string]string{"Content-Encoding": "gzip"}, Status: 415, Code: "INVALID_INPUT", Says: "without a content encoding"},
		{Name: "not acceptable", Body: `{"query":"{hello}"}`, Header: map[string]string{"Accept": "text/html"}, Status: 406, Code: "INVALID_INPUT", Says: "application/graphql-response+json or application/json"},
		{Name: "announced too large", Body: `{"query":"{hello}","x":"` + strings.Repeat("s3cret", 4000) + `"}`, Status: 413, Code: "INVALID_INPUT", Says: "20000 bytes", Check: transporttest.HangsUp},
		{Name: "PUT", Method: "PUT", Status: 405, Code: "INVALID_INPUT", Check: transporttest.Allows("GET, POST")},
		{Name: "OPTIONS", Method: "OPTIONS", Status: 405, Code: "INVALID_INPUT", Check: transporttest.Allows("GET, POST")},
		{Name: "HEAD", Method: "HEAD", Status: 405, Check: transporttest.Allows("GET, POST")},
	} {
		t.Run(c.Name, func(t *testing.T) { c.Do(t, server) })
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
	transporttest.NewSchema().Handler(New(Options{maxBodyBytes: 10_000})).ServeHTTP(w, r)
	transporttest.Call{Status: 413, Code: "INVALID_INPUT", Says: "10000 bytes", Check: transporttest.HangsUp}.Verify(t, w)
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
	transporttest.NewSchema().Handler(New(Options{maxBodyBytes: 10_000})).ServeHTTP(w, r)
	transporttest.Call{Status: 413, Code: "INVALID_INPUT", Says: "10000 bytes", Check: transporttest.HangsUp}.Verify(t, w)
	if body.taken != 0 {
		t.Errorf("took %d bytes", body.taken)
	}
}

func TestBodyOfExactlyTheLimit(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{maxBodyBytes: 100}))
	body := `{"query":"{hello}"}`
	body += strings.Repeat(" ", 100-len(body))
	transporttest.Call{Body: body, Status: 200, Want: `{"data":{"hello":"hello world"}}`}.Do(t, server)
	transporttest.Call{Body: body + " ", Status: 413, Code: "INVALID_INPUT"}.Do(t, server)
}

func TestUnreadableBody(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{}))
	for _, c := range []struct {
		transporttest.Call
		err error
	}{
		{transporttest.Call{Name: "limit of a middleware", Status: 413, Code: "INVALID_INPUT"}, &http.MaxBytesError{Limit: 7}},
		{transporttest.Call{Name: "broken connection", Status: 400, Code: "INVALID_INPUT", Says: "read to its end", Check: transporttest.HangsUp}, io.ErrUnexpectedEOF},
		{transporttest.Call{Name: "slow body", Status: 408, Code: "INVALID_INPUT", Says: "read to its end", Check: transporttest.HangsUp}, fmt.Errorf("reading: %w", os.ErrDeadlineExceeded)},
	} {
		t.Run(c.Name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/graphql", io.MultiReader(strings.NewReader(`{"query":"s3cret`), brokenReader{c.err}))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			server.ServeHTTP(w, r)
			c.Verify(t, w)
		})
	}
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }

// TestOverTheWire checks what only a real server shows.
func TestOverTheWire(t *testing.T) {
	server := httptest.NewServer(transporttest.NewSchema().Handler(New(Options{maxBodyBytes: 1000})))
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
