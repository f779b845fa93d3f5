// Package gqlsse is GraphQL over server-sent events, as a transport for gqlgen's handler, by the
// "distinct connections" mode of the graphql-sse protocol: one request, one stream. It takes the
// requests that gqlhttp takes, when they prefer text/event-stream, and subscriptions besides, also
// by GET, since a browser's EventSource sends nothing else. Add it before gqlhttp, and call
// [Transport.Shutdown] before the process ends: an HTTP server would wait for streams for ever.
//
// # What a client can rely on
//
// A request that is not GraphQL at all is answered with a 4xx, in JSON. All else is sent on the
// stream: each result is an event "next", also a refused document, and "complete" is the last
// event. An error that ends a stream is a "next" with errors and no data. A client asks again for a
// stream that breaks off without "complete". Each item has an id by which it goes on: see
// [fanout.LastEventID].
//
// # What it does not do
//
// It has no "single connection" mode. It does not notice that a client takes nothing: the HTTP
// server's write deadline does. Its subscribers share no work.
package gqlsse

import (
	"cmp"
	"context"
	"net/http"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/fanout"
	"configapi/graph/transport/gqlhttp"
	"configapi/graph/transport/gqlmsg"
	"configapi/internal/budget"
	"configapi/internal/eventstream"
	"configapi/internal/fault"
)

// Options of a [Transport]. The zero value gives the defaults.
type Options struct {
	// Budgets are shared with the other transports of a server. nil: budgets of its own.
	Budgets *bounds.Budgets
	// Rights returns what the client of a subscription may do, given the context of its request.
	// When these rights end, their error ends the subscription. nil: they never do.
	Rights func(context.Context) (fanout.Rights, error)

	maxBodyBytes int64 // for tests; 0: that of all edges, [budget.MaxBodyBytes]
}

// Transport answers requests. It is safe for concurrent use.
type Transport struct {
	budgets      *bounds.Budgets
	rights       func(context.Context) (fanout.Rights, error)
	maxBodyBytes int64
	streams      *eventstream.Streams // the subscriptions
}

var _ graphql.Transport = (*Transport)(nil)

// New returns the transport with these options. Call [Transport.Shutdown] when it is not needed any
// more.
func New(opts Options) *Transport {
	t := &Transport{budgets: opts.Budgets, rights: opts.Rights, maxBodyBytes: cmp.Or(opts.maxBodyBytes, budget.MaxBodyBytes), streams: eventstream.NewStreams()}
	if t.rights == nil {
		t.rights = func(ctx context.Context) (fanout.Rights, error) { return fanout.Rights{Context: ctx}, nil }
	}
	if t.budgets == nil {
		t.budgets = bounds.NewBudgets(bounds.Options{})
	}
	return t
}

// Supports is true for requests that prefer an event stream to what gqlhttp answers.
func (t *Transport) Supports(r *http.Request) bool {
	return gqlhttp.Accepted(r.Header["Accept"]) == gqlmsg.MediaEventStream
}

// Do answers the request, and returns when its stream is over.
func (t *Transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	defer gqlmsg.Recover(w, r, gqlmsg.MediaJSON, exec)
	var request gqlhttp.Request
	refused := request.Read(w, r, t.maxBodyBytes)
	if refused != nil && refused.Kind != fault.PersistedQuery {
		gqlmsg.WriteFault(w, gqlmsg.MediaJSON, refused)
		return
	}
	ctx := r.Context()
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		ctx = fanout.WithLastEventID(ctx, id)
	}
	operation, errs := create(ctx, exec, &request, refused)
	if len(errs) == 0 {
		var end func()
		var f *gqlmsg.Fault
		if ctx, end, f = t.begin(ctx, r, operation, request.BodyBytes); f != nil {
			gqlmsg.WriteFault(w, gqlmsg.MediaJSON, f)
			return
		}
		defer end()
	}
	stream, ctx := eventstream.Open(ctx, w, eventstream.DefaultCommentInterval)
	defer stream.Close()
	a := &answer{Stream: stream, exec: exec, budgets: t.budgets, rights: t.rights}
	if len(errs) == 0 {
		errs = a.execute(ctx, operation)
	}
	a.finish(ctx, errs)
}

// create returns the operation of a request, or the errors to send on the stream instead.
func create(ctx context.Context, exec graphql.GraphExecutor, request *gqlhttp.Request, refused *gqlmsg.Fault) (*graphql.OperationContext, gqlerror.List) {
	if refused != nil {
		return nil, refused.List()
	}
	return gqlmsg.Create(ctx, exec, &request.Params)
}

// begin returns the context of the operation, and a function that must be called when it is over.
func (t *Transport) begin(ctx context.Context, r *http.Request, operation *graphql.OperationContext, bodyBytes int) (context.Context, func(), *gqlmsg.Fault) {
	if kind := operation.Operation.Operation; kind != ast.Subscription {
		return ctx, func() {}, gqlhttp.RefuseMutation(r.Method, kind)
	}
	if bodyBytes > bounds.MaxSubscriptionBytes {
		return nil, nil, &gqlmsg.Fault{Kind: fault.LimitExceeded, Message: bounds.SubscriptionTooLarge}
	}
	retained, f := t.budgets.Retain(operation)
	if f != nil {
		return nil, nil, f
	}
	ctx, end, err := t.streams.BeginFrom(ctx, t.budgets.Limit, eventstream.ClientOf(r.RemoteAddr))
	if err != nil {
		retained.Release()
		return nil, nil, bounds.FaultOfLimit(err)
	}
	return ctx, func() { end(); retained.Release() }, nil
}

// EndAll ends the present subscriptions without "complete", so that clients reconnect.
func (t *Transport) EndAll() { t.streams.EndAll() }

// Shutdown refuses new subscriptions with 503, ends the present ones without "complete", so that
// clients reconnect, and waits for that until ctx ends. Queries and mutations are answered: they
// end by themselves.
func (t *Transport) Shutdown(ctx context.Context) error { return t.streams.Shutdown(ctx) }

// answer is the stream that answers one request.
type answer struct {
	*eventstream.Stream
	exec    graphql.GraphExecutor
	budgets *bounds.Budgets
	rights  func(context.Context) (fanout.Rights, error)
}

// execute sends what comes of the operation, and returns the errors that ended it.
func (a *answer) execute(ctx context.Context, operation *graphql.OperationContext) (errs gqlerror.List) {
	defer func() {
		if value := recover(); value != nil {
			errs = gqlmsg.PresentPanic(ctx, a.exec, value)
		}
	}()
	if operation.Operation.Operation != ast.Subscription {
		return a.executeOnce(ctx, operation)
	}
	rights, err := a.rights(ctx)
	if err != nil {
		return a.present(ctx, operation, err)
	}
	p := fanout.NewProducer(rights.Context, a.exec, operation, a.budgets, nil)
	defer p.End()
	for {
		next, more, errs := p.Next(0)
		if rights.HaveEnded() {
			next.Memory.Release()
			return a.present(ctx, operation, rights.Err())
		}
		if !more {
			return errs
		}
		if a.sendNext(&next) != nil {
			return nil // the client has gone
		}
	}
}

// present takes an error about the client's rights through the handler's error presenter.
func (a *answer) present(ctx context.Context, operation *graphql.OperationContext, err error) gqlerror.List {
	return gqlmsg.Present(graphql.WithOperationContext(ctx, operation), a.exec, gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
}

// executeOnce sends the answer to a query or a mutation.
func (a *answer) executeOnce(ctx context.Context, operation *graphql.OperationContext) gqlerror.List {
	bounded := bounds.NewAnswer(ctx, a.budgets, a.budgets.Answers)
	defer bounded.End()
	response, f := bounded.Perform(a.exec, operation)
	if f != nil {
		return f.List()
	}
	if errs := gqlmsg.Terminal(response); errs != nil {
		return errs
	}
	before, after := gqlmsg.AppendBeforeData(nil, response), gqlmsg.AppendAfterData(nil, response)
	memory := bounded.Hold(len(before) + cap(response.Data) + len(after))
	memory.Sending(a.Cut)
	_ = a.Send(eventstream.Event{Type: "next", Data: before, Rest: [][]byte{response.Data, after}, Sent: memory.Sent})
	return nil
}

// sendNext sends a message of a subscription, and releases its memory.
func (a *answer) sendNext(m *fanout.Message) error {
	defer m.Memory.Release()
	m.Memory.Sending(a.Cut)
	var id string
	if m.Offset != nil {
		id = m.Offset.ID()
	}
	return a.Send(eventstream.Event{Type: "next", ID: id, Data: m.Body, Sent: m.Memory.Sent})
}

// finish sends the errors, if any, and that no more follows. A client whose context has ended gets
// nothing: it has disconnected, or is to reconnect. Errors have no id, so that a client that
// reconnects goes on after the last item.
func (a *answer) finish(ctx context.Context, errs gqlerror.List) {
	if ctx.Err() != nil {
		return
	}
	if len(errs) > 0 {
		_ = a.Send(eventstream.Event{Type: "next", Data: gqlmsg.Append(nil, &graphql.Response{Errors: errs})})
	}
	_ = a.Send(eventstream.Event{Type: "complete"})
}
