// Package gqlhttp is GraphQL over HTTP, as a transport for gqlgen's handler: queries and mutations
// by POST, queries by GET. It supports every request, so that it also answers those that nobody
// understands: add it after all other transports.
//
// # What a client can rely on
//
// Both forms of answers have the same bytes. With application/graphql-response+json, a request that
// failed before its execution has a 4xx or 5xx status; with application/json it has 200. In both,
// what is no GraphQL request at all has 4xx. All audits of npm's graphql-http pass.
//
// # What it does not do
//
// It has no batches, no uploads and no subscriptions, and takes no body but JSON. It does not check
// which page a request comes from; the HTTP server must do so before.
package gqlhttp

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/gqlmsg"
	"configapi/internal/budget"
	"configapi/internal/eventstream"
	"configapi/internal/fault"
)

// Options of a [Transport]. The zero value gives the defaults.
type Options struct {
	// Budgets are shared with the other transports of a server. nil: budgets of its own.
	Budgets *bounds.Budgets

	maxBodyBytes int64 // for tests; 0: that of all edges, [budget.MaxBodyBytes]
}

// Transport answers requests. It is safe for concurrent use.
type Transport struct {
	budgets      *bounds.Budgets
	maxBodyBytes int64
}

var _ graphql.Transport = (*Transport)(nil)

// New returns the transport with these options.
func New(opts Options) *Transport {
	t := &Transport{budgets: opts.Budgets, maxBodyBytes: cmp.Or(opts.maxBodyBytes, budget.MaxBodyBytes)}
	if t.budgets == nil {
		t.budgets = bounds.NewBudgets(bounds.Options{})
	}
	return t
}

// Refuse answers a request that is refused before it is read.
func Refuse(w http.ResponseWriter, kind fault.Kind, message string) {
	gqlmsg.WriteFault(w, gqlmsg.MediaJSON, &gqlmsg.Fault{Kind: kind, Message: message})
}

// Supports is true for every request.
func (t *Transport) Supports(*http.Request) bool { return true }

// Do answers the request.
func (t *Transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	media := Accepted(r.Header["Accept"])
	defer gqlmsg.Recover(w, r, media, exec)
	if media == gqlmsg.MediaNone || media == gqlmsg.MediaEventStream {
		gqlmsg.WriteFault(w, gqlmsg.MediaJSON, &gqlmsg.Fault{Kind: fault.NotAcceptable,
			Message: "the answer can be application/graphql-response+json or application/json"})
		return
	}
	request := new(Request)
	if f := request.Read(w, r, t.maxBodyBytes); f != nil {
		gqlmsg.WriteFault(w, media, f)
		return
	}
	t.answer(w, r, media, exec, request)
}

// answer executes the request and writes what came of it.
func (t *Transport) answer(w http.ResponseWriter, r *http.Request, media gqlmsg.Media, exec graphql.GraphExecutor, request *Request) {
	ctx := r.Context()
	operation, errs := gqlmsg.Create(ctx, exec, &request.Params)
	if len(errs) > 0 {
		gqlmsg.WriteErrors(w, media, media.StatusOf(errs), errs)
		return
	}
	if f := refuseOperation(r.Method, operation.Operation.Operation, media); f != nil {
		gqlmsg.WriteFault(w, media, f)
		return
	}
	a := bounds.NewAnswer(ctx, t.budgets, t.budgets.Answers)
	defer a.End()
	response, f := a.Perform(exec, operation)
	if f != nil {
		if f.HTTPStatus() == http.StatusBadRequest {
			f.Status = media.StatusOf(f.List())
		}
		gqlmsg.WriteFault(w, media, f)
		return
	}
	status := http.StatusOK
	if response.Data == nil && len(response.Errors) > 0 {
		status = media.StatusOf(response.Errors)
	}
	if len(response.Data) > largeAnswer {
		writeLarge(w, media, status, response, a)
		return
	}
	buffer := buffers.Get().(*[]byte)
	defer recycle(buffer)
	*buffer = gqlmsg.Append((*buffer)[:0], response)
	gqlmsg.Write(w, media, status, *buffer)
}

func refuseOperation(method string, operation ast.Operation, media gqlmsg.Media) *gqlmsg.Fault {
	if operation == ast.Subscription {
		const text = "a subscription needs a stream: open a websocket to this URL with the sub-protocol graphql-transport-ws" +
			", or send the same request with Accept: " + eventstream.ContentType
		return &gqlmsg.Fault{Kind: fault.InvalidInput, Status: media.StatusOf(nil), Message: text}
	}
	return RefuseMutation(method, operation)
}

// RefuseMutation returns the fault of a mutation that does not come by POST, nil for all else.
func RefuseMutation(method string, operation ast.Operation) *gqlmsg.Fault {
	if operation == ast.Mutation && method == http.MethodGet {
		return &gqlmsg.Fault{Kind: fault.MethodNotAllowed,
			Message: "a mutation needs POST", Allow: http.MethodPost}
	}
	return nil
}

const (
	// largeAnswer is how long the data of an answer is, in bytes, when it is written without a
	// copy: the copy would be memory that the answer's budget does not count.
	largeAnswer = 64 << 10
	// pieceBytes is how much of a large answer goes out with one write.
	pieceBytes = 64 << 10
)

// writeLarge writes an answer in pieces. It holds the answer's memory meanwhile, and stops when
// others need the memory and this client is the slowest.
func writeLarge(w http.ResponseWriter, media gqlmsg.Media, status int, response *graphql.Response, a *bounds.Answer) {
	before, after := gqlmsg.AppendBeforeData(nil, response), gqlmsg.AppendAfterData(nil, response)
	length := len(before) + len(response.Data) + len(after)
	memory := a.Hold(length)
	memory.Sending(func() {
		// A blocked write then fails. An error means that the connection is gone.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now())
	})
	gqlmsg.WriteHeader(w, media, status, length)
	for _, part := range [][]byte{before, response.Data, after} {
		for piece := range slices.Chunk(part, pieceBytes) {
			if memory.IsCut() {
				return // the server closes a connection whose answer is not whole
			}
			if _, err := w.Write(piece); err != nil {
				return
			}
			memory.Sent(int64(len(piece)))
		}
	}
}
