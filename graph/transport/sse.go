package transport

import (
	"context"
	"net/http"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	"configapi/internal/eventstream"
)

// SSE is GraphQL over server-sent events, by the "distinct connections" mode of the graphql-sse protocol: one request, one
// stream. It takes the requests that [HTTP] takes, when they prefer text/event-stream, and subscriptions besides, also by GET,
// since a browser's EventSource sends nothing else.
//
// What is no GraphQL request at all has its 4xx, in JSON. All else is told on the stream: each result is an event "next", a
// refused document, too, and "complete" is the last event. An error that ends a stream is a "next" with errors and no data. A
// stream that breaks off without "complete" is to be asked for again.
//
// The next response is asked for when the one before is on its way to the client. That a client takes nothing is for the HTTP
// server's write deadline to notice.
type SSE struct {
	options SSEOptions
	http    *HTTP
	streams *eventstream.Streams // the subscriptions
}

var _ graphql.Transport = (*SSE)(nil)

// NewSSE returns the transport with these options. Call [SSE.Shutdown] when it is not needed any more.
func NewSSE(options SSEOptions) *SSE {
	return &SSE{
		options: options.withDefaults(),
		http:    NewHTTP(HTTPOptions{MaxBodyBytes: options.MaxBodyBytes}),
		streams: eventstream.NewStreams(),
	}
}

// Supports is true for requests that prefer an event stream to what [HTTP] answers.
func (s *SSE) Supports(r *http.Request) bool {
	return negotiate(r.Header["Accept"]) == mediaEventStream
}

// Do answers the request, and returns when its stream is over.
func (s *SSE) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	defer recoverRequest(w, r, mediaJSON, exec)
	request := new(request) // not one of those that are used again: it would be held for as long as the stream
	refused := s.http.read(w, r, request)
	if refused != nil && refused.code != CodePersistedQueryNotSupported {
		writeFault(w, mediaJSON, refused)
		return
	}
	request.params.Headers = r.Header
	ctx := r.Context()
	operation, errs := s.create(ctx, exec, request, refused)
	if len(errs) == 0 {
		var end func()
		var f *fault
		if ctx, end, f = s.begin(r, operation, len(request.body)); f != nil {
			writeFault(w, mediaJSON, f)
			return
		}
		defer end()
	}
	stream, ctx := eventstream.Open(ctx, w, s.options.CommentInterval)
	defer stream.Close()
	e := &eventStream{Stream: stream, exec: exec, room: s.options.Room, lastEventID: r.Header.Get("Last-Event-ID")}
	if len(errs) == 0 {
		errs = e.execute(ctx, operation)
	}
	e.finish(ctx, errs)
}

// create returns the operation of a request, or the errors to tell on the stream instead.
func (s *SSE) create(ctx context.Context, exec graphql.GraphExecutor, request *request, refused *fault) (*graphql.OperationContext, gqlerror.List) {
	if refused != nil {
		return nil, refused.list()
	}
	operation, errs := exec.CreateOperationContext(ctx, &request.params)
	if len(errs) > 0 {
		return nil, presentErrors(graphql.WithOperationContext(ctx, operation), exec, requestErrors(operation, errs))
	}
	return operation, nil
}

// begin returns the context of the operation, and what is to be called when it is over.
func (s *SSE) begin(r *http.Request, operation *graphql.OperationContext, size int) (context.Context, func(), *fault) {
	if kind := operation.Operation.Operation; kind != ast.Subscription {
		return r.Context(), func() {}, refuseMutation(r.Method, kind)
	}
	if size > maxKeptRequest {
		return nil, nil, &fault{status: http.StatusRequestEntityTooLarge, code: CodeLimitExceeded, message: subscriptionTooLarge}
	}
	h, f := s.options.Room.kept.hold(operation)
	if f != nil {
		return nil, nil, f
	}
	ctx, end, err := s.streams.BeginFrom(r.Context(), s.options.Room.opts.Limit, eventstream.ClientOf(r.RemoteAddr))
	if err != nil {
		h.release()
		return nil, nil, faultOfLimit(err)
	}
	return ctx, func() { end(); h.release() }, nil
}

// EndAll ends the subscriptions that are there without "complete", so that clients come back.
func (s *SSE) EndAll() { s.streams.EndAll() }

// Shutdown refuses new subscriptions with 503, ends those that are there without "complete", so that clients come back, and
// waits for that until ctx ends. Queries and mutations are answered: they end by themselves.
func (s *SSE) Shutdown(ctx context.Context) error { return s.streams.Shutdown(ctx) }

// eventStream is the answer to one request.
type eventStream struct {
	*eventstream.Stream
	exec        graphql.GraphExecutor
	room        *Room
	lastEventID string
}

// execute sends what comes of the operation, and returns the errors that ended it.
func (e *eventStream) execute(ctx context.Context, operation *graphql.OperationContext) (errs gqlerror.List) {
	defer func() {
		if value := recover(); value != nil {
			errs = presentPanic(ctx, e.exec, value)
		}
	}()
	if operation.Operation.Operation != ast.Subscription {
		return e.executeOnce(ctx, operation)
	}
	p := newPump(ctx, e.exec, operation, e.room, nil)
	defer p.end()
	p.lastEventID = e.lastEventID
	for {
		next, more, errs := p.next(0)
		if !more {
			return errs
		}
		if e.sendUpdate(&next) != nil {
			return nil // who is gone needs no answer
		}
	}
}

// executeOnce sends the answer to a query or a mutation.
func (e *eventStream) executeOnce(ctx context.Context, operation *graphql.OperationContext) gqlerror.List {
	if e.lastEventID != "" {
		ctx = context.WithValue(ctx, executionKey{}, &execution{lastEventID: e.lastEventID})
	}
	a := newAnswer(ctx, e.room, e.room.opts.Answers)
	defer a.end()
	response, f := a.perform(e.exec, operation)
	if f != nil {
		return f.list()
	}
	if errs := terminal(response); errs != nil {
		return errs
	}
	before, after := appendBeforeData(nil, response), appendAfterData(nil, response)
	a.hold(len(before) + cap(response.Data) + len(after))
	a.reservation.Sending(e.Cut)
	_ = e.Send(eventstream.Event{Type: "next", Data: before, Rest: [][]byte{response.Data, after}, Sent: a.reservation.Sent})
	return nil
}

// sendUpdate sends a message of a subscription, and gives back its room.
func (e *eventStream) sendUpdate(u *update) error {
	defer u.room.release()
	u.room.sending(e.Cut)
	var id string
	if u.Place != nil {
		id = u.Place.ID()
	}
	return e.Send(eventstream.Event{Type: "next", ID: id, Data: u.body, Sent: func(n int64) { u.room.sent(int(n)) }})
}

func (e *eventStream) sendNext(body []byte, id string) error {
	return e.Send(eventstream.Event{Type: "next", ID: id, Data: body})
}

// finish tells the client that there will be no more, and why. One whose context has ended is not told: it is gone, or is to
// come back. Errors have no id, so that who comes back goes on after the last item.
func (e *eventStream) finish(ctx context.Context, errs gqlerror.List) {
	if ctx.Err() != nil {
		return
	}
	if len(errs) > 0 {
		_ = e.sendNext(appendResponse(nil, &graphql.Response{Errors: errs}), "")
	}
	_ = e.Send(eventstream.Event{Type: "complete"})
}
