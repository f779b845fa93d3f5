package transport

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
)

// stream is one operation on a socket: a subscription, or a query or mutation, which gives one message.
type stream struct {
	id      string
	head    string      // of each message "next", up to its payload
	stopped atomic.Bool // the client said complete: nothing more is queued, and what is queued is dropped

	cancel context.CancelFunc // of the goroutine that serves the stream, nil before there was one; guarded by the socket's mutex
	member member             // for subscriptions
}

// subscribe starts an operation, or refuses it.
func (s *socket) subscribe(id string, operation envelope, room *lease) *CloseError {
	st := &stream{id: id, head: messageHead(id, "next") + `,"payload":`}
	if refused, full := s.claim(st); refused != nil || full != nil {
		if full != nil {
			s.reply(st.errorFrame(nil, full))
		}
		return refused
	}
	// Ids are free again before their goroutines have noticed, so that goroutines have a limit of their own: without
	// it, subscribe and complete in turns would start any number.
	select {
	case s.slots <- struct{}{}:
	case <-s.ctx.Done():
		return nil
	}
	room.retain()
	if !s.start(st, func(ctx context.Context) {
		defer func() { <-s.slots }()
		defer room.release()
		s.runStream(ctx, st, operation, room != nil)
	}) {
		room.release()
	}
	return nil
}

// start has a goroutine serve the stream, unless the stream has ended already. It reports whether
// it has.
func (s *socket) start(st *stream, serve func(context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || st.stopped.Load() {
		return false
	}
	ctx, cancel := context.WithCancel(s.operations)
	st.cancel = cancel
	s.running.Go(func() {
		defer cancel()
		serve(ctx)
	})
	return true
}

func inUse(id string) *CloseError {
	return &CloseError{CloseDuplicateStream, fmt.Sprintf("Subscriber for %s already exists", id)}
}

func (s *socket) isInUse(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[id] != nil
}

// claim takes the id for the stream. It is full when the socket, or the server, has no place for
// one more.
func (s *socket) claim(st *stream) (refused *CloseError, full gqlerror.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams[st.id] != nil {
		return inUse(st.id), nil
	}
	if len(s.streams) >= s.transport.options.MaxStreams {
		message := fmt.Sprintf("one socket can have %d streams at a time", s.transport.options.MaxStreams)
		return nil, gqlerror.List{newError(CodeLimitExceeded, message)}
	}
	if err := s.transport.options.Room.opts.Limit.Open(s.client); err != nil {
		return nil, faultOfLimit(err).list()
	}
	if s.streams == nil {
		s.streams = make(map[string]*stream)
	}
	s.streams[st.id] = st
	return nil, nil
}

// remove frees a stream's id. It needs s.mu.
func (s *socket) remove(id string) {
	s.streams[id].member.holding.Swap(nil).release()
	delete(s.streams, id)
	s.transport.options.Room.opts.Limit.Close(s.client)
}

// complete stops a stream because the client wants no more of it. Ids that it does not know are those of streams that
// have just ended.
func (s *socket) complete(id string) {
	s.mu.Lock()
	st := s.streams[id]
	if st != nil {
		s.remove(id)
		st.stopped.Store(true)
		if st.cancel != nil {
			st.cancel()
		}
	}
	s.mu.Unlock()
	if st != nil {
		s.transport.groups.leave(&st.member)
	}
}

// forget frees the stream's id, which may already be another's.
func (s *socket) forget(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams[st.id] == st {
		s.remove(st.id)
	}
}

// runStream executes the operation and sends what comes of it. That nothing can be sent any more ends it, too.
func (s *socket) runStream(ctx context.Context, st *stream, operation envelope, large bool) {
	defer s.recoverStream(ctx, st)
	ctx = graphql.StartOperationTrace(ctx)
	opCtx, errs := s.exec.CreateOperationContext(ctx, paramsOf(operation))
	if len(errs) > 0 {
		s.sendErrors(ctx, st, presentErrors(graphql.WithOperationContext(ctx, opCtx), s.exec, requestErrors(opCtx, errs)))
		return
	}
	if opCtx.Operation.Operation == ast.Subscription {
		if large {
			s.sendErrors(ctx, st, gqlerror.List{newError(CodeLimitExceeded, subscriptionTooLarge)})
			return
		}
		h, f := s.transport.options.Room.kept.hold(opCtx)
		if f != nil {
			s.sendErrors(ctx, st, f.list())
			return
		}
		if !s.hold(st, h) {
			return
		}
		st.member.init(s, st, opCtx)
		st.member.serve(ctx)
		return
	}
	s.runOnce(ctx, st, opCtx)
}

// runOnce executes a query or a mutation, in the room of the socket's answers.
func (s *socket) runOnce(ctx context.Context, st *stream, operation *graphql.OperationContext) {
	a := newAnswer(ctx, s.transport.options.Room, s.answers)
	defer a.end()
	response, f := a.perform(s.exec, operation)
	if f != nil {
		s.finish(ctx, st, f.list())
		return
	}
	if errs := terminal(response); errs != nil {
		s.finish(ctx, st, errs)
		return
	}
	answer := st.answerFrame(response, a)
	answer.lease.sending(s.abort)
	if s.send(ctx, answer) == nil {
		s.finish(ctx, st, nil)
	}
}

// recoverStream ends a stream whose execution panicked outside of a resolver; gqlgen itself takes care of those inside.
func (s *socket) recoverStream(ctx context.Context, st *stream) {
	if value := recover(); value != nil {
		s.sendErrors(ctx, st, presentPanic(ctx, s.exec, value))
	}
}

func paramsOf(operation envelope) *graphql.RawParams {
	params := &graphql.RawParams{
		Query:      *operation.Query,
		Variables:  operation.Variables,
		Extensions: operation.Extensions,
	}
	if operation.OperationName != nil {
		params.OperationName = *operation.OperationName
	}
	return params
}

// terminal gives the errors of a response that is none, but says that there will be no response.
func terminal(response *graphql.Response) gqlerror.List {
	if response.HasNext != nil {
		return gqlerror.List{newError(CodeInvalidInput, "@defer is not supported: ask without it")}
	}
	if response.Data == nil && len(response.Errors) > 0 {
		return response.Errors
	}
	return nil
}

// finish ends a stream that gives no more: with what went wrong, if anything did.
func (s *socket) finish(ctx context.Context, st *stream, errs gqlerror.List) {
	if len(errs) > 0 {
		s.sendErrors(ctx, st, errs)
		return
	}
	_ = s.send(ctx, st.completeFrame())
}

func (s *socket) sendErrors(ctx context.Context, st *stream, errs gqlerror.List) {
	_ = s.send(ctx, st.errorFrame(st, errs))
}

func (st *stream) errorFrame(owner *stream, errs gqlerror.List) frame {
	f := textFrame(owner, messageHead(st.id, "error")+`,"payload":`, appendErrors(nil, errs), "}")
	f.last = owner != nil
	return f
}

// updateFrame is the message of an update, and holds its room, too.
func (st *stream) updateFrame(u *update) frame {
	f := textFrame(st, st.head, u.body, "}")
	f.lease = u.room
	f.lease.retain()
	return f
}

// answerFrame is the message of the answer to a query or a mutation. It takes over the answer's
// room.
func (st *stream) answerFrame(response *graphql.Response, a *Answer) frame {
	before, after := appendBeforeData([]byte(st.head), response), appendAfterData(nil, response)
	f := textFrame(st, string(before), response.Data, string(append(after, '}')))
	f.lease = a.pass(len(before) + cap(response.Data) + len(after))
	return f
}

func (st *stream) completeFrame() frame {
	f := textFrame(st, messageHead(st.id, "complete"), nil, "}")
	f.last = true
	return f
}

func messageHead(id, kind string) string {
	// The id came as valid UTF-8, so that quoting it cannot fail.
	quoted, _ := jsontext.AppendQuote([]byte(`{"id":`), id)
	return string(quoted) + `,"type":"` + kind + `"`
}

// FailStream says why a subscription ends: a resolver calls it with the context it was given and then closes its channel,
// and the client gets "error" instead of "complete". The error goes through the handler's error presenter. The first one counts. Outside
// of a subscription it does nothing.
func FailStream(ctx context.Context, err error) {
	if x, ours := ctx.Value(executionKey{}).(*execution); ours {
		x.failure.set(err)
	}
}

// failure is where a resolver leaves the error that ends its stream.
type failure struct {
	mu  sync.Mutex // guards err
	err error
}

func (f *failure) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *failure) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
