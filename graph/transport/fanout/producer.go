package fanout

import (
	"context"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/gqlmsg"
	"configapi/internal/budget"
)

// Message is what an item of a source has become.
type Message struct {
	Step
	Body   []byte         // the response as JSON; it must not be changed
	Memory *budget.Shared // of the body
}

// Producer makes the messages of one source, one after the other. It waits for memory before it
// reads, and gives memory up as soon as it can: after a large message it calls the resolver again
// at its offset, since gqlgen would keep the buffer. It is for one goroutine; its End must be
// called.
type Producer struct {
	ctx       context.Context
	exec      graphql.GraphExecutor
	operation *graphql.OperationContext
	budgets   *bounds.Budgets
	memory    *budget.Stream

	call   *call  // of the resolver; nil: not called yet, or to be called again at the offset
	rights string // of the source
	offset Offset // where the call starts; nil: where its arguments say
	behind bool   // the next message is read from the event store, as far as is known
	wanted int64  // bytes of the message for which there was no memory; 0: there is none
}

// NewProducer returns the producer of a subscription from an offset; nil: from where its arguments
// say.
func NewProducer(ctx context.Context, exec graphql.GraphExecutor, operation *graphql.OperationContext, budgets *bounds.Budgets, from Offset) *Producer {
	return &Producer{
		ctx: ctx, exec: exec, operation: operation, budgets: budgets, memory: budget.NewStream(budgets.Streams),
		offset: from, behind: true,
	}
}

// End gives back what the producer holds. Its messages have memory of their own.
func (p *Producer) End() { p.memory.Release() }

// hasOffsets reports whether the resolver uses [Stream], so that the producer knows where it is.
func (p *Producer) hasOffsets() bool {
	return p.call == nil && p.offset != nil || p.call != nil && p.call.pull != nil
}

// Next waits for the next message, or reads on to an end: see [Source]. It returns false when there
// is none any more: with errors if the subscription ended with some. The caller must release the
// message's memory.
func (p *Producer) Next(end int64) (m Message, more bool, errs gqlerror.List) {
	defer p.memory.Release()
	for {
		if err := p.await(); err != nil {
			return m, false, p.fail(err)
		}
		if p.call == nil {
			p.call = newCall(p.ctx, p.exec, p.operation, p.offset)
			p.rights = p.call.rights
		}
		var err error
		if m.Step, err = p.call.next(end); err != nil {
			return m, false, p.call.present(err)
		}
		p.behind = !m.CaughtUp
		if m.Silent {
			p.offset = m.Offset
			return m, true, nil
		}
		if p.wanted == 0 {
			if err := p.memory.ReserveMessage(p.ctx, m.Bytes); err != nil {
				return m, false, p.fail(err)
			}
		}
		if more, errs = p.encode(&m); !more || p.wanted == 0 {
			return m, more, errs
		}
		p.memory.Release() // there was no memory for the message: it is made again when there is
	}
}

// await waits for memory before anything is read.
func (p *Producer) await() error {
	if p.wanted == 0 {
		return p.memory.ReservePage(p.ctx, p.behind)
	}
	return p.memory.Reserve(p.ctx, p.wanted)
}

// encode turns the item that the source has given into a message. When there is no memory for the
// message it sets wanted, and the message is void.
func (p *Producer) encode(m *Message) (more bool, errs gqlerror.List) {
	making := p.budgets.Messages.Reservation()
	defer making.Release()
	if m.Bytes > largeMessage {
		if err := making.Grow(p.ctx, bounds.MaxMessage); err != nil {
			return false, p.fail(err)
		}
	}
	response := p.call.respond(p.budgets)
	if response == nil {
		return false, nil
	}
	if errs := gqlmsg.Terminal(response); errs != nil {
		return false, errs
	}
	length := int64(len(response.Data)) + envelopeBytes
	if p.wanted < length && !p.memory.TryResize(length) && p.hasOffsets() {
		p.wanted, p.call = length, nil
		return true, nil
	}
	// The data is copied: gqlgen uses its memory again for the next response.
	m.Body = gqlmsg.Append(make([]byte, 0, length), response)
	p.memory.Resize(int64(cap(m.Body)))
	m.Memory = budget.Share(p.memory.Detach())
	p.wanted = 0
	if m.Offset != nil {
		p.offset = m.Offset
		if cap(response.Data) > largeMessage {
			p.call = nil
		}
	}
	return true, nil
}

const (
	// largeMessage is how many bytes of items make a message large: it is made in its turn.
	largeMessage = 64 << 10
	// envelopeBytes is what a message without errors has around its data.
	envelopeBytes = int64(len(`{"data":}`))
)

// fail ends a subscription that gets no memory, or whose context has ended.
func (p *Producer) fail(err error) gqlerror.List {
	if p.ctx.Err() != nil {
		return nil
	}
	return p.budgets.FaultOf(err).List()
}
