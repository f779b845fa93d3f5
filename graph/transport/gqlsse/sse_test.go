package gqlsse

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/fanout"
	"configapi/graph/transport/gqlhttp"
	"configapi/graph/transport/transporttest"
)

const typeEvents = "text/event-stream; charset=utf-8"

func newSSE(schema *transporttest.Schema) (*Transport, *handler.Server) {
	sse := New(Options{maxBodyBytes: 1 << 10})
	return sse, schema.Handler(sse, gqlhttp.New(gqlhttp.Options{}))
}

// TestEventStreams: queries and mutations, and documents that are refused, are answered on a
// stream.
func TestEventStreams(t *testing.T) {
	_, server := newSSE(transporttest.NewSchema())
	for _, c := range []struct {
		name, target, body string
		want               string // all of the answer, or
		code               string // that of the one error, which comes without data
	}{
		{"query", "/graphql", transporttest.Post(`{hello}`), transporttest.EventStream(`{"data":{"hello":"hello world"}}`), ""},
		{"query by GET", transporttest.Query(`{hello}`), "", transporttest.EventStream(`{"data":{"hello":"hello world"}}`), ""},
		{"mutation", "/graphql", transporttest.Post(`mutation{change}`), transporttest.EventStream(`{"data":{"change":` + transporttest.Quote("changed <b>") + `}}`), ""},
		{"field error", "/graphql", transporttest.Post(`{fails}`), transporttest.EventStream(`{"errors":[{"message":"it failed"}],"data":{"fails":null}}`), ""},
		{"persisted", "/graphql", `{"extensions":{"persistedQuery":{"version":1}}}`, transporttest.EventStream(transporttest.PersistedAnswer), ""},
		{"persisted by GET", "/graphql?extensions=" + url.QueryEscape(`{"persistedQuery":{}}`), "", transporttest.EventStream(transporttest.PersistedAnswer), ""},
		{"syntax error", "/graphql", transporttest.Post(`{`), "", "GRAPHQL_PARSE_FAILED"},
		{"syntax error by GET", transporttest.Query(`{`), "", "", "GRAPHQL_PARSE_FAILED"},
		{"validation error", "/graphql", transporttest.Post(`{nonsense}`), "", "GRAPHQL_VALIDATION_FAILED"},
		{"several operations", "/graphql", transporttest.Post(`query A{hello} query B{hello}`), "", "GRAPHQL_VALIDATION_FAILED"},
		{"variable", "/graphql", `{"query":"query($n:Int!){big(bytes:$n)}","variables":{"n":"s3cret"}}`, "", "GRAPHQL_VALIDATION_FAILED"},
		{"subscription that is refused", "/graphql", transporttest.Post(`subscription{refused}`), transporttest.EventStream(`{"errors":[{"message":"no such stream"}]}`), ""},
		{"panic", "/graphql", transporttest.Post(`{panics}`), "", "INTERNAL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			server.ServeHTTP(w, transporttest.StreamRequest(c.target, c.body))
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
			transporttest.Call{Code: c.code}.VerifyError(t, []byte(data))
		})
	}
}

// TestNoStreams: what is no GraphQL request is answered as over plain HTTP.
func TestNoStreams(t *testing.T) {
	_, server := newSSE(transporttest.NewSchema())
	stream := func(header ...string) map[string]string {
		headers := map[string]string{"Accept": "text/event-stream"}
		for i := 0; i < len(header); i += 2 {
			headers[header[i]] = header[i+1]
		}
		return headers
	}
	for _, c := range []transporttest.Call{
		{Name: "no JSON", Body: `{`, Header: stream(), Status: 400, Code: "INVALID_INPUT"},
		{Name: "no query", Body: `{}`, Header: stream(), Status: 400, Code: "INVALID_INPUT"},
		{Name: "no query by GET", Method: "GET", Header: stream(), Status: 400, Code: "INVALID_INPUT"},
		{Name: "form", Body: `query={hello}`, Header: stream("Content-Type", "application/x-www-form-urlencoded"), Status: 415, Code: "INVALID_INPUT"},
		{Name: "too large", Body: transporttest.Post(strings.Repeat(" ", 1<<10)), Header: stream(), Status: 413, Code: "INVALID_INPUT", Check: transporttest.HangsUp},
		{Name: "mutation by GET", Method: "GET", Target: transporttest.Query(`mutation{change}`), Header: stream(), Status: 405, Code: "INVALID_INPUT", Check: transporttest.Allows("POST")},
		{Name: "HEAD", Method: "HEAD", Target: transporttest.Query(`{hello}`), Header: stream(), Status: 405, Code: "INVALID_INPUT", Check: transporttest.Allows("GET, POST")},
		{Name: "OPTIONS", Method: "OPTIONS", Header: stream(), Status: 405, Code: "INVALID_INPUT", Check: transporttest.Allows("GET, POST")},
		{Name: "PUT", Method: "PUT", Header: stream(), Status: 405, Code: "INVALID_INPUT", Check: transporttest.Allows("GET, POST")},
	} {
		t.Run(c.Name, func(t *testing.T) { c.Do(t, server) })
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
	for target, body := range map[string]string{"/graphql": transporttest.Post(`subscription{ticks}`), transporttest.Query(`subscription{ticks}`): ""} {
		schema := transporttest.NewSchema()
		sse, server := newSSE(schema)
		l := listenTo(t, server, transporttest.StreamRequest(target, body))
		for _, event := range []string{"one", "two"} {
			schema.Events <- event
		}
		close(schema.Events)
		l.want(t, transporttest.EventStream(`{"data":{"ticks":"one"}}`, `{"data":{"ticks":"two"}}`))
		<-schema.Ended
		transporttest.WantEmpty(t, sse.budgets)
	}
}

func TestEventStreamThatFails(t *testing.T) {
	schema := transporttest.NewSchema()
	_, server := newSSE(schema)
	l := listenTo(t, server, transporttest.StreamRequest("/graphql", transporttest.Post(`subscription{fails}`)))
	schema.Events <- "one"
	schema.Fail <- errors.New("the store is unreachable")
	l.want(t, transporttest.EventStream(`{"data":{"fails":"one"}}`, `{"errors":[{"message":"the store is unreachable"}]}`))

	l = listenTo(t, server, transporttest.StreamRequest("/graphql", transporttest.Post(`subscription{panics}`)))
	schema.Events <- "one"
	l.want(t, transporttest.EventStream(`{"errors":[{"message":"it panicked","extensions":{"code":"INTERNAL"}}]}`))
}

// TestEventsSayHowFarTheyCome: items have ids, errors have none. A client that reconnects after an
// error has not seen the item that the error replaced.
func TestEventsSayHowFarTheyCome(t *testing.T) {
	schema := transporttest.NewSchema()
	schema.Log.Add("one", "two")
	_, server := newSSE(schema)
	l := listenTo(t, server, transporttest.StreamRequest("/graphql", transporttest.Post(`subscription{log(after:1)}`)))
	for schema.Log.Executions() == 0 {
		runtime.Gosched()
	}
	schema.Log.Fail(errors.New("no"))
	l.want(t, transporttest.EventStream(`#2-a {"data":{"log":"two"}}`, `{"errors":[{"message":"no"}]}`))
}

func TestLastEventID(t *testing.T) {
	for _, c := range []struct {
		r    *http.Request
		want string
	}{
		{transporttest.StreamRequest("/graphql", transporttest.Post(`{hello}`), "Last-Event-ID: 7-a"), "7-a"},
		{transporttest.StreamRequest(transporttest.Query(`{hello}`), "", "Last-Event-ID: garbage \x01"), "garbage \x01"},
		{transporttest.StreamRequest("/graphql", transporttest.Post(`{hello}`)), ""},
		{transporttest.StreamRequest("/graphql", transporttest.Post(`{hello}`), "Accept: application/json", "Last-Event-ID: 7-a"), ""},
	} {
		schema := transporttest.NewSchema()
		heard := "nothing"
		schema.OnContext = func(ctx context.Context) { heard = fanout.LastEventID(ctx) }
		_, server := newSSE(schema)
		server.ServeHTTP(httptest.NewRecorder(), c.r)
		if heard != c.want {
			t.Errorf("%v: got %q, want %q", c.r.Header, heard, c.want)
		}
	}
}

// TestStreamsEnd: a stream whose client leaves, and one of a server that stops, end without
// "complete".
func TestStreamsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		schema := transporttest.NewSchema()
		sse, server := newSSE(schema)
		left := listenTo(t, server, transporttest.StreamRequest("/graphql", transporttest.Post(`subscription{ticks}`)))
		schema.Events <- "one"
		left.leave()
		left.want(t, ":\n\nevent: next\ndata: {\"data\":{\"ticks\":\"one\"}}\n\n")

		restarted := listenTo(t, server, transporttest.StreamRequest("/graphql", transporttest.Post(`subscription{ticks}`)))
		schema.Events <- "one"
		synctest.Wait()
		sse.EndAll()
		restarted.want(t, ":\n\nevent: next\ndata: {\"data\":{\"ticks\":\"one\"}}\n\n")

		stopped := listenTo(t, server, transporttest.StreamRequest("/graphql", transporttest.Post(`subscription{ticks}`)))
		asked := listenTo(t, server, transporttest.StreamRequest("/graphql", transporttest.Post(`{wait}`)))
		schema.Events <- "two"
		gate := <-schema.Waits
		if err := sse.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		stopped.want(t, ":\n\nevent: next\ndata: {\"data\":{\"ticks\":\"two\"}}\n\n")
		close(gate) // a query is answered all the same
		asked.want(t, transporttest.EventStream(`{"data":{"wait":"waited"}}`))
		transporttest.Call{Body: transporttest.Post(`subscription{ticks}`), Header: map[string]string{"Accept": "text/event-stream"}, Status: 503, Code: "UNAVAILABLE"}.Do(t, server)
		transporttest.Call{Body: transporttest.Post(`subscription{ticks}`), Status: 200, Code: "INVALID_INPUT"}.Do(t, server)
		time.Sleep(time.Hour) // no comment is sent by a stream that is over
	})
}

// TestStreamsEndWithRights: the item that comes when the rights of its client have ended is not
// sent, and neither is one that a client waits for when their context ends. The reason is.
func TestStreamsEndWithRights(t *testing.T) {
	for name, early := range map[string]bool{"rights first": true, "context first": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				schema := transporttest.NewSchema()
				ctx, cancel := context.WithCancelCause(t.Context())
				var ended atomic.Bool
				sse := New(Options{Rights: func(context.Context) (fanout.Rights, error) {
					return fanout.Rights{Context: ctx, Err: func() error {
						if ended.Load() {
							return errors.New("revoked")
						}
						return nil
					}}, nil
				}})
				stream := listenTo(t, schema.Handler(sse), transporttest.StreamRequest("/graphql", transporttest.Post(`subscription{ticks}`)))
				schema.Events <- "one"
				synctest.Wait()
				ended.Store(true)
				if early {
					schema.Events <- "two"
					synctest.Wait()
				}
				cancel(errors.New("revoked"))
				stream.want(t, ":\n\nevent: next\ndata: {\"data\":{\"ticks\":\"one\"}}\n\n"+strings.TrimPrefix(transporttest.EventStream(`{"errors":[{"message":"revoked"}]}`), ":\n\n"))
			})
		})
	}
}

// TestStreamsOfRefusedRights: a subscription whose client has no rights does not begin.
func TestStreamsOfRefusedRights(t *testing.T) {
	sse := New(Options{Rights: func(context.Context) (fanout.Rights, error) { return fanout.Rights{}, errors.New("not valid") }})
	w := httptest.NewRecorder()
	transporttest.NewSchema().Handler(sse).ServeHTTP(w, transporttest.StreamRequest("/graphql", transporttest.Post(`subscription{ticks}`)))
	if got, want := w.Body.String(), transporttest.EventStream(`{"errors":[{"message":"not valid"}]}`); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestCommentsWhileNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		schema := transporttest.NewSchema()
		sse, server := newSSE(schema)
		sse.budgets = transporttest.PatientBudgets()
		idle := listenTo(t, server, transporttest.StreamRequest("/graphql", transporttest.Post(`subscription{ticks}`)))
		waiting := listenTo(t, server, transporttest.StreamRequest("/graphql", transporttest.Post(`{wait}`)))
		gate := <-schema.Waits
		time.Sleep(31 * time.Second)
		close(gate)
		close(schema.Events)
		idle.want(t, ":\n\n:\n\n"+transporttest.EventStream())
		waiting.want(t, ":\n\n:\n\n"+transporttest.EventStream(`{"data":{"wait":"waited"}}`))
	})
}

func TestLargeSubscriptionOverSSE(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{}))
	w := httptest.NewRecorder()
	server.ServeHTTP(w, transporttest.StreamRequest("/graphql", transporttest.Post("subscription{ticks"+strings.Repeat(" ", 2*bounds.MaxSubscriptionBytes)+"}")))
	if w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), bounds.SubscriptionTooLarge) {
		t.Errorf("got %d, %s", w.Code, w.Body)
	}
}

// TestNoMemoryForAnAnswer has operations over each transport while others hold all memory: they are
// refused after 2 s, before they execute.
func TestNoMemoryForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budgets, leave := transporttest.FullBudgets(t)
		schema := transporttest.NewSchema()
		began := time.Now()
		server := schema.Handler(New(Options{Budgets: budgets}), gqlhttp.New(gqlhttp.Options{Budgets: budgets}))
		for _, accept := range []string{"application/json", "application/graphql-response+json"} {
			w := httptest.NewRecorder()
			r := transporttest.StreamRequest("/graphql", transporttest.Post(`{panics}`), "Accept: "+accept)
			server.ServeHTTP(w, r)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"code":"UNAVAILABLE"`) ||
				strings.Contains(w.Body.String(), `"data"`) {
				t.Errorf("%s: got %d, %v, %s", accept, w.Code, w.Header(), w.Body)
			}
		}
		l := listenTo(t, server, transporttest.StreamRequest("/graphql", transporttest.Post(`{panics}`)))
		l.want(t, transporttest.EventStream(`{"errors":[{"message":"the server has no memory for another answer at the moment; try again","extensions":{"code":"UNAVAILABLE"}}]}`))
		if waited := time.Since(began); waited != 6*time.Second {
			t.Errorf("three operations waited %v, want 2 s each", waited)
		}
		leave()
		transporttest.WantEmpty(t, budgets)
	})
}
