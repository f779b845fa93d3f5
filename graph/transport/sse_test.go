package transport

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
)

const typeEvents = "text/event-stream; charset=utf-8"

func newSSE(schema *testSchema) (*SSE, *handler.Server) {
	sse := NewSSE(SSEOptions{MaxBodyBytes: 1 << 10})
	return sse, schema.handler(sse, NewHTTP(HTTPOptions{}))
}

// streamRequest is a POST, or a GET when the target has a query.
func streamRequest(target, body string, headers ...string) *http.Request {
	method := http.MethodPost
	if strings.Contains(target, "?") {
		method = http.MethodGet
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "text/event-stream")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	return r
}

// events writes the events of a stream as it has them: "next" for each text, with an id where that begins with "#id ", and then
// "complete".
func events(next ...string) string {
	stream := ":\n\n"
	for _, data := range next {
		id := ""
		if text, identified := strings.CutPrefix(data, "#"); identified {
			id, data, _ = strings.Cut(text, " ")
			id = "id: " + id + "\n"
		}
		stream += "event: next\n" + id + "data: " + data + "\n\n"
	}
	return stream + "event: complete\ndata: \n\n"
}

func query(document string) string { return "/graphql?" + url.Values{"query": {document}}.Encode() }

func post(document string) string { return `{"query":` + quote(document) + `}` }

// TestEventStreams has the answers to what ends by itself, and to what is refused as a document.
func TestEventStreams(t *testing.T) {
	_, server := newSSE(newTestSchema())
	for _, c := range []struct {
		name, target, body string
		want               string // all of the answer, or
		code               string // that of the one error, which comes without data
	}{
		{"query", "/graphql", post(`{hello}`), events(`{"data":{"hello":"hello world"}}`), ""},
		{"query by GET", query(`{hello}`), "", events(`{"data":{"hello":"hello world"}}`), ""},
		{"mutation", "/graphql", post(`mutation{change}`), events(`{"data":{"change":` + quote("changed <b>") + `}}`), ""},
		{"field error", "/graphql", post(`{fails}`), events(`{"errors":[{"message":"it failed"}],"data":{"fails":null}}`), ""},
		{"persisted", "/graphql", `{"extensions":{"persistedQuery":{"version":1}}}`, events(persistedAnswer), ""},
		{"persisted by GET", "/graphql?extensions=" + url.QueryEscape(`{"persistedQuery":{}}`), "", events(persistedAnswer), ""},
		{"syntax error", "/graphql", post(`{`), "", CodeParseFailed},
		{"syntax error by GET", query(`{`), "", "", CodeParseFailed},
		{"validation error", "/graphql", post(`{nonsense}`), "", CodeValidationFailed},
		{"several operations", "/graphql", post(`query A{hello} query B{hello}`), "", CodeValidationFailed},
		{"variable", "/graphql", `{"query":"query($n:Int!){big(bytes:$n)}","variables":{"n":"s3cret"}}`, "", CodeValidationFailed},
		{"subscription that is refused", "/graphql", post(`subscription{refused}`), events(`{"errors":[{"message":"no such stream"}]}`), ""},
		{"panic", "/graphql", post(`{panics}`), "", CodeInternal},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			server.ServeHTTP(w, streamRequest(c.target, c.body))
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != typeEvents || !w.Flushed {
				t.Errorf("got %d %v", w.Code, w.Header())
			}
			if c.code == "" {
				if got := w.Body.String(); got != c.want {
					t.Errorf("got  %q\nwant %q", got, c.want)
				}
				return
			}
			data, opened := strings.CutPrefix(w.Body.String(), ":\n\nevent: next\ndata: ")
			data, complete := strings.CutSuffix(data, "\n\nevent: complete\ndata: \n\n")
			if !opened || !complete {
				t.Fatalf("got %q", w.Body)
			}
			call{code: c.code}.verifyError(t, []byte(data))
		})
	}
}

// TestNoStreams has the answers to what is no GraphQL request, which are those of plain HTTP.
func TestNoStreams(t *testing.T) {
	_, server := newSSE(newTestSchema())
	stream := func(header ...string) map[string]string {
		headers := map[string]string{"Accept": "text/event-stream"}
		for i := 0; i < len(header); i += 2 {
			headers[header[i]] = header[i+1]
		}
		return headers
	}
	for _, c := range []call{
		{name: "no JSON", body: `{`, header: stream(), status: 400, code: CodeInvalidInput},
		{name: "no query", body: `{}`, header: stream(), status: 400, code: CodeInvalidInput},
		{name: "no query by GET", method: "GET", header: stream(), status: 400, code: CodeInvalidInput},
		{name: "form", body: `query={hello}`, header: stream("Content-Type", "application/x-www-form-urlencoded"), status: 415, code: CodeInvalidInput},
		{name: "too large", body: post(strings.Repeat(" ", 1<<10)), header: stream(), status: 413, code: CodeInvalidInput, check: hangsUp},
		{name: "mutation by GET", method: "GET", target: query(`mutation{change}`), header: stream(), status: 405, code: CodeInvalidInput, check: allows("POST")},
		{name: "HEAD", method: "HEAD", target: query(`{hello}`), header: stream(), status: 405, code: CodeInvalidInput, check: allows(allowedMethods)},
		{name: "OPTIONS", method: "OPTIONS", header: stream(), status: 405, code: CodeInvalidInput, check: allows(allowedMethods)},
		{name: "PUT", method: "PUT", header: stream(), status: 405, code: CodeInvalidInput, check: allows(allowedMethods)},
	} {
		t.Run(c.name, func(t *testing.T) { c.do(t, server) })
	}
}

// listening is a request for a stream that is under way.
type listening struct {
	w     *httptest.ResponseRecorder
	leave context.CancelFunc
	over  chan struct{} // closed when it has been answered
}

func listenTo(t *testing.T, server http.Handler, r *http.Request) *listening {
	ctx, leave := context.WithCancel(t.Context())
	l := &listening{httptest.NewRecorder(), leave, make(chan struct{})}
	go func() {
		defer close(l.over)
		server.ServeHTTP(l.w, r.WithContext(ctx))
	}()
	return l
}

// want waits for the end of the stream and compares all of it.
func (l *listening) want(t *testing.T, stream string) {
	t.Helper()
	<-l.over
	if got := l.w.Body.String(); got != stream {
		t.Errorf("got  %q\nwant %q", got, stream)
	}
}

func TestEventStreamOfASubscription(t *testing.T) {
	for target, body := range map[string]string{"/graphql": post(`subscription{ticks}`), query(`subscription{ticks}`): ""} {
		schema := newTestSchema()
		_, server := newSSE(schema)
		l := listenTo(t, server, streamRequest(target, body))
		for _, event := range []string{"one", "two"} {
			schema.events <- event
		}
		close(schema.events)
		l.want(t, events(`{"data":{"ticks":"one"}}`, `{"data":{"ticks":"two"}}`))
		<-schema.ended
	}
}

func TestEventStreamThatFails(t *testing.T) {
	schema := newTestSchema()
	_, server := newSSE(schema)
	l := listenTo(t, server, streamRequest("/graphql", post(`subscription{fails}`)))
	schema.events <- "one"
	schema.fail <- errors.New("the store is away")
	l.want(t, events(`{"data":{"fails":"one"}}`, `{"errors":[{"message":"the store is away"}]}`))

	l = listenTo(t, server, streamRequest("/graphql", post(`subscription{panics}`)))
	schema.events <- "one"
	l.want(t, events(`{"errors":[{"message":"it panicked","extensions":{"code":"INTERNAL"}}]}`))
}

// TestEventsSayHowFarTheyCome: errors do not. Who comes back after one must not be taken to have what it came in place of.
func TestEventsSayHowFarTheyCome(t *testing.T) {
	schema := newTestSchema()
	schema.log.add("one", "two")
	_, server := newSSE(schema)
	l := listenTo(t, server, streamRequest("/graphql", post(`subscription{log(after:1)}`)))
	for schema.log.executions() == 0 {
		runtime.Gosched()
	}
	schema.log.fail(errors.New("no"))
	l.want(t, events(`#2-a {"data":{"log":"two"}}`, `{"errors":[{"message":"no"}]}`))
}

func TestLastEventID(t *testing.T) {
	for _, c := range []struct {
		r    *http.Request
		want string
	}{
		{streamRequest("/graphql", post(`{hello}`), "Last-Event-ID: 7-a"), "7-a"},
		{streamRequest(query(`{hello}`), "", "Last-Event-ID: garbage \x01"), "garbage \x01"},
		{streamRequest("/graphql", post(`{hello}`)), ""},
		{streamRequest("/graphql", post(`{hello}`), "Accept: application/json", "Last-Event-ID: 7-a"), ""},
	} {
		schema := newTestSchema()
		heard := "nothing"
		schema.onContext(func(ctx context.Context) {
			heard = LastEventID(ctx)
		})
		_, server := newSSE(schema)
		server.ServeHTTP(httptest.NewRecorder(), c.r)
		if heard != c.want {
			t.Errorf("%v: got %q, want %q", c.r.Header, heard, c.want)
		}
	}
}

// TestStreamsEnd has streams whose client leaves, and streams of a server that stops: neither is told that it is complete.
func TestStreamsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		schema := newTestSchema()
		sse, server := newSSE(schema)
		left := listenTo(t, server, streamRequest("/graphql", post(`subscription{ticks}`)))
		schema.events <- "one"
		left.leave()
		left.want(t, ":\n\nevent: next\ndata: {\"data\":{\"ticks\":\"one\"}}\n\n")

		restarted := listenTo(t, server, streamRequest("/graphql", post(`subscription{ticks}`)))
		schema.events <- "one"
		synctest.Wait()
		sse.EndAll()
		restarted.want(t, ":\n\nevent: next\ndata: {\"data\":{\"ticks\":\"one\"}}\n\n")

		stopped := listenTo(t, server, streamRequest("/graphql", post(`subscription{ticks}`)))
		asked := listenTo(t, server, streamRequest("/graphql", post(`{wait}`)))
		schema.events <- "two"
		gate := <-schema.waits
		if err := sse.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		stopped.want(t, ":\n\nevent: next\ndata: {\"data\":{\"ticks\":\"two\"}}\n\n")
		close(gate) // a query is answered all the same
		asked.want(t, events(`{"data":{"wait":"waited"}}`))
		call{body: post(`subscription{ticks}`), header: map[string]string{"Accept": "text/event-stream"}, status: 503, code: CodeUnavailable}.do(t, server)
		call{body: post(`subscription{ticks}`), status: 200, code: CodeInvalidInput}.do(t, server)
		time.Sleep(time.Hour) // no comment is sent by a stream that is over
	})
}

func TestCommentsWhileNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		schema := newTestSchema()
		sse, server := newSSE(schema)
		sse.options.Room = patientRoom()
		idle := listenTo(t, server, streamRequest("/graphql", post(`subscription{ticks}`)))
		waiting := listenTo(t, server, streamRequest("/graphql", post(`{wait}`)))
		gate := <-schema.waits
		time.Sleep(31 * time.Second)
		close(gate)
		close(schema.events)
		idle.want(t, ":\n\n:\n\n"+events())
		waiting.want(t, ":\n\n:\n\n"+events(`{"data":{"wait":"waited"}}`))
	})
}
