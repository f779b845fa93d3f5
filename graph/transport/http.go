package transport

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	"configapi/internal/eventstream"
)

// HTTP is GraphQL over HTTP: queries and mutations by POST, queries by GET. It supports every request, so that it also
// answers those that nobody understands; add it after the other transports.
//
// Both forms of answers have the same bytes. With application/graphql-response+json a request that failed before its execution has
// a 4xx or 5xx status; with application/json it has 200. In both, what is no GraphQL request at all has 4xx.
type HTTP struct {
	options HTTPOptions
}

var _ graphql.Transport = (*HTTP)(nil)

// NewHTTP returns the transport with these options.
func NewHTTP(options HTTPOptions) *HTTP {
	return &HTTP{options: options.withDefaults()}
}

// Supports is true for every request.
func (h *HTTP) Supports(*http.Request) bool { return true }

const allowedMethods = "GET, POST"

// Do answers the request.
func (h *HTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	media := negotiate(r.Header["Accept"])
	defer recoverRequest(w, r, media, exec)
	if media == mediaNone || media == mediaEventStream {
		writeFault(w, mediaJSON, &fault{status: http.StatusNotAcceptable, code: CodeInvalidInput,
			message: "the answer can be application/graphql-response+json or application/json"})
		return
	}
	request := requests.Get().(*request)
	defer request.recycle()
	if err := h.read(w, r, request); err != nil {
		writeFault(w, media, err)
		return
	}
	request.params.Headers = r.Header
	h.answer(w, r, media, exec, request)
}

func (h *HTTP) read(w http.ResponseWriter, r *http.Request, request *request) *fault {
	switch r.Method {
	case http.MethodPost:
		return h.readPost(r, request)
	case http.MethodGet:
		return readGet(r, request)
	default:
		return &fault{status: http.StatusMethodNotAllowed, code: CodeInvalidInput, message: "the method must be GET or POST", allow: allowedMethods}
	}
}

// answer executes the request and writes what came of it.
func (h *HTTP) answer(w http.ResponseWriter, r *http.Request, media mediaType, exec graphql.GraphExecutor, request *request) {
	ctx := r.Context()
	operation, errs := exec.CreateOperationContext(ctx, &request.params)
	if len(errs) > 0 {
		errs = presentErrors(graphql.WithOperationContext(ctx, operation), exec, requestErrors(operation, errs))
		writeErrors(w, media, media.statusOf(errs), errs)
		return
	}
	if f := refuseOperation(r.Method, operation.Operation.Operation, media); f != nil {
		writeFault(w, media, f)
		return
	}
	a := newAnswer(ctx, h.options.Room, h.options.Room.opts.Answers)
	defer a.end()
	response, f := a.perform(exec, operation)
	if f != nil {
		if f.status == http.StatusBadRequest {
			f.status = media.statusOf(f.list())
		}
		writeFault(w, media, f)
		return
	}
	status := http.StatusOK
	if response.Data == nil && len(response.Errors) > 0 {
		status = media.statusOf(response.Errors)
	}
	if len(response.Data) > largeAnswer {
		a.writeLarge(w, media, status, response)
		return
	}
	request.answer = appendResponse(request.answer[:0], response)
	writeResponse(w, media, status, request.answer)
}

func refuseOperation(method string, operation ast.Operation, media mediaType) *fault {
	if operation == ast.Subscription {
		const message = "a subscription needs a stream: open a websocket to this URL with the sub-protocol " + Subprotocol +
			", or send the same request with Accept: " + eventstream.ContentType
		return &fault{status: media.statusOf(nil), code: CodeInvalidInput, message: message}
	}
	return refuseMutation(method, operation)
}

func refuseMutation(method string, operation ast.Operation) *fault {
	if operation == ast.Mutation && method == http.MethodGet {
		return &fault{status: http.StatusMethodNotAllowed, code: CodeInvalidInput, message: "a mutation needs POST", allow: http.MethodPost}
	}
	return nil
}

// refuseResponse finds the two responses that must not be sent on: none at all, which is how gqlgen says that the context ended first,
// and one that more would follow, which this transport cannot deliver.
func refuseResponse(response *graphql.Response) *fault {
	if response == nil {
		return &fault{status: http.StatusServiceUnavailable, code: CodeUnavailable, message: "the request ran out of time"}
	}
	if response.HasNext != nil {
		return invalidInput("@defer is not supported: ask without it")
	}
	return nil
}

// presentErrors takes errors through the handler's error presenter.
func presentErrors(ctx context.Context, exec graphql.GraphExecutor, errs gqlerror.List) gqlerror.List {
	if presented := exec.DispatchError(ctx, errs); presented != nil && len(presented.Errors) > 0 {
		return presented.Errors
	}
	return errs
}

// recoverRequest answers a request whose execution panicked outside of a resolver; gqlgen itself takes care of those inside.
func recoverRequest(w http.ResponseWriter, r *http.Request, media mediaType, exec graphql.GraphExecutor) {
	value := recover()
	if value == nil {
		return
	}
	writeErrors(w, media, http.StatusInternalServerError, presentPanic(r.Context(), exec, value))
}

// presentPanic gives the panic to the handler's recover function, which logs it, and then to its error presenter.
func presentPanic(ctx context.Context, exec graphql.GraphExecutor, value any) (errs gqlerror.List) {
	errs = gqlerror.List{newError(CodeInternal, "internal error")}
	// A presenter that panics as well must not take the process with it.
	defer func() { _ = recover() }()
	presenter, ok := exec.(interface {
		PresentRecoveredError(ctx context.Context, value any) error
	})
	if !ok {
		return errs
	}
	presented, ok := errors.AsType[*gqlerror.Error](presenter.PresentRecoveredError(ctx, value))
	if !ok || presented == nil {
		return errs
	}
	if presented.Extensions["code"] == nil {
		return gqlerror.List{newError(CodeInternal, presented.Message)}
	}
	return gqlerror.List{presented}
}

// request holds what one request needs while it is answered, to be used again by later ones.
type request struct {
	params graphql.RawParams
	body   []byte
	answer []byte
	// query and operationName are where the envelope's pointers point, so that decoding allocates the strings alone.
	query, operationName string
}

// maxRecycled keeps a few large requests from holding their memory for ever.
const maxRecycled = 64 << 10

var requests = sync.Pool{New: func() any { return new(request) }}

func (r *request) recycle() {
	if cap(r.body) > maxRecycled || cap(r.answer) > maxRecycled {
		return
	}
	*r = request{body: r.body[:0], answer: r.answer[:0]}
	requests.Put(r)
}
