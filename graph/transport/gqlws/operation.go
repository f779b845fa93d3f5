package gqlws

import (
	"context"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/fanout"
	"configapi/graph/transport/gqlmsg"
	"configapi/internal/budget"
	"configapi/internal/fault"
)

// operations is what the operations of one socket share.
type operations struct {
	exec     graphql.GraphExecutor
	budgets  *bounds.Budgets
	groups   *fanout.Groups
	answers  *budget.Budget // of the answers to queries and mutations
	out      *outbox
	registry *registry
	rights   fanout.Rights // that Init has found; zero before the acknowledgement
	over     atomic.Bool   // the context of the rights has ended before the socket
}

// mayDo reports whether the client still has the rights that it had at the acknowledgement.
func (o *operations) mayDo() bool { return !o.over.Load() && !o.rights.HaveEnded() }

// operation is one operation on a socket: a subscription, or a query or mutation, which gives one
// message. It is the receiver of its subscriber.
type operation struct {
	entry
	*operations
	head string // of each message "next", up to its payload
}

var _ fanout.Receiver = (*operation)(nil)

func newOperation(shared *operations, id string) *operation {
	return &operation{entry: entry{id: id}, operations: shared, head: messageHead(id, "next") + `,"payload":`}
}

// run executes the operation and sends what comes of it. It also ends when nothing can be sent any
// more. memory is that of a large request, nil: it is small.
func (op *operation) run(ctx context.Context, request gqlmsg.Request, memory *budget.Shared) {
	defer op.recover(ctx)
	ctx = graphql.StartOperationTrace(ctx)
	parsed, errs := gqlmsg.Create(ctx, op.exec, request.Params())
	switch {
	case len(errs) > 0:
		op.fail(ctx, errs)
	case parsed.Operation.Operation != ast.Subscription:
		op.runOnce(ctx, parsed)
	case memory != nil:
		op.fail(ctx, gqlerror.List{gqlmsg.NewError(fault.LimitExceeded, bounds.SubscriptionTooLarge)})
	default:
		op.runSubscription(ctx, parsed)
	}
}

// runSubscription serves a subscription until it is over, or until its group serves it.
func (op *operation) runSubscription(ctx context.Context, parsed *graphql.OperationContext) {
	retained, f := op.budgets.Retain(parsed)
	if f != nil {
		op.fail(ctx, f.List())
		return
	}
	s := op.groups.NewSubscriber(op.exec, parsed, retained, op, op.out)
	if op.registry.subscribe(&op.entry, s) {
		s.Serve(ctx)
	}
}

// runOnce executes a query or a mutation. Its answer counts among those of the socket.
func (op *operation) runOnce(ctx context.Context, parsed *graphql.OperationContext) {
	a := bounds.NewAnswer(ctx, op.budgets, op.answers)
	defer a.End()
	response, f := a.Perform(op.exec, parsed)
	if f != nil {
		op.fail(ctx, f.List())
		return
	}
	if errs := gqlmsg.Terminal(response); errs != nil {
		op.fail(ctx, errs)
		return
	}
	before, after := gqlmsg.AppendBeforeData([]byte(op.head), response), gqlmsg.AppendAfterData(nil, response)
	answer := textFrame(op, string(before), response.Data, string(append(after, '}')))
	answer.memory = a.Pass(len(before) + cap(response.Data) + len(after))
	answer.memory.Sending(op.out.Abort)
	if op.out.send(ctx, answer) == nil {
		op.Finish(ctx, nil)
	}
}

// recover ends an operation whose execution panicked outside of a resolver. It must be deferred.
func (op *operation) recover(ctx context.Context) {
	if value := recover(); value != nil {
		op.fail(ctx, gqlmsg.PresentPanic(ctx, op.exec, value))
	}
}

// Finish ends an operation that gives no more: with errors if there are any.
func (op *operation) Finish(ctx context.Context, errs gqlerror.List) {
	if len(errs) > 0 {
		op.fail(ctx, errs)
		return
	}
	complete := textFrame(op, messageHead(op.id, "complete"), nil, "}")
	complete.last = true
	_ = op.out.send(ctx, complete)
}

func (op *operation) fail(ctx context.Context, errs gqlerror.List) {
	failed := errorFrame(op, op.id, errs)
	failed.last = true
	_ = op.out.send(ctx, failed)
}

func errorFrame(owner owner, id string, errs gqlerror.List) frame {
	return textFrame(owner, messageHead(id, "error")+`,"payload":`, gqlmsg.AppendErrors(nil, errs), "}")
}

// Send queues a message of a subscription, and waits while the socket holds too much.
func (op *operation) Send(ctx context.Context, m *fanout.Message) error {
	return op.out.send(ctx, op.frameOf(m))
}

// Offer queues a message of a subscription if the quota of the outbox allows it.
func (op *operation) Offer(m *fanout.Message) bool { return op.out.offer(op.frameOf(m)) }

// frameOf returns the frame of a message. It shares the message's body and holds its memory, too.
func (op *operation) frameOf(m *fanout.Message) frame {
	f := textFrame(op, op.head, m.Body, "}")
	f.memory = m.Memory
	f.memory.Retain()
	return f
}

// Completed reports whether the client wants no more of the operation.
func (op *operation) Completed() bool { return op.completed.Load() }

// Serve has a goroutine serve the operation again, which its group has served.
func (op *operation) Serve(serve func(context.Context)) {
	op.registry.start(op.rights.Context, &op.entry, func(ctx context.Context) {
		defer op.recover(ctx)
		select {
		case op.registry.slots <- struct{}{}:
			defer func() { <-op.registry.slots }()
		case <-ctx.Done():
			return
		}
		serve(graphql.StartOperationTrace(ctx))
	})
}

func (op *operation) wanted() bool { return !op.completed.Load() && op.mayDo() }

func (op *operation) ended() { op.registry.forget(&op.entry) }
