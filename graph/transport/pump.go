package transport

import (
	"context"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	"configapi/internal/budget"
)

// update is what an item of a source has become.
type update struct {
	Step
	body []byte // the response; it must not be changed
	room *lease // of the body
}

// lease is the room of a message, held until all of its holders have sent it. A nil lease has none.
type lease struct {
	room *budget.Reservation
	held atomic.Int32 // how many holders it has
}

// retain adds a holder of the message.
func (l *lease) retain() {
	if l != nil {
		l.held.Add(1)
	}
}

// release removes a holder. The last one gives the room back.
func (l *lease) release() {
	if l != nil && l.held.Add(-1) == 0 {
		l.room.Release()
	}
}

// sending says what ends the sending of the message when others need its room.
func (l *lease) sending(cut func()) {
	if l != nil {
		l.room.Sending(cut)
	}
}

// sent counts bytes that were taken.
func (l *lease) sent(bytes int) {
	if l != nil {
		l.room.Sent(int64(bytes))
	}
}

// pump makes the messages of one subscription, one after the other. It waits for room before it
// reads, and gives up memory as soon as it can: after a large message it begins anew at its place,
// since gqlgen would keep the buffer. It is for one goroutine; its end must be called.
type pump struct {
	ctx         context.Context
	exec        graphql.GraphExecutor
	operation   *graphql.OperationContext
	room        *Room
	turn        *budget.Stream
	lastEventID string

	x      *execution // nil: it is to begin at the place
	place  Place      // nil: where its arguments say
	behind bool       // the next message is read from the store, as far as is known
	want   int64      // bytes of the message that had no room; 0: there is none
}

func newPump(ctx context.Context, exec graphql.GraphExecutor, operation *graphql.OperationContext, room *Room, place Place) *pump {
	return &pump{ctx: ctx, exec: exec, operation: operation, room: room, turn: budget.NewStream(room.opts.Streams), place: place, behind: true}
}

// end gives back what the pump holds. Messages that it has made have their own room.
func (p *pump) end() { p.turn.Release() }

// hasPlaces reports whether the resolver uses [Stream], so that the pump knows where it is.
func (p *pump) hasPlaces() bool { return p.x == nil && p.place != nil || p.x != nil && p.x.pull != nil }

// next waits for the next update, or reads on to an end: see [Source]. It returns false when there
// is none any more: with errors if the stream ended with some. The caller must release the room of
// an update.
func (p *pump) next(end int64) (u update, more bool, errs gqlerror.List) {
	for {
		u, more, errs = p.once(end)
		p.turn.Release()
		if more && p.want > 0 {
			continue // the message had no room, and is made again when it has
		}
		return u, more, errs
	}
}

// once makes an update. When there is no room for the message it sets want, and the update is void.
func (p *pump) once(end int64) (u update, more bool, errs gqlerror.List) {
	if err := p.await(); err != nil {
		return u, false, p.fail(err)
	}
	if p.x == nil {
		p.x = execute(p.ctx, p.exec, p.operation, p.place, p.lastEventID)
	}
	x := p.x
	if x.pull != nil {
		var err error
		if u.Step, err = x.pull(x.ctx, end); err != nil {
			return u, false, x.present(err)
		}
		p.behind = !u.CaughtUp
		if u.Silent {
			p.place = u.Place
			return u, true, nil
		}
	}
	if p.want == 0 {
		if err := p.turn.ReserveMessage(p.ctx, u.Bytes); err != nil {
			return u, false, p.fail(err)
		}
	}
	return p.make(u)
}

// await waits for room before anything is read.
func (p *pump) await() error {
	if p.want == 0 {
		return p.turn.ReservePage(p.ctx, p.behind)
	}
	return p.turn.Reserve(p.ctx, p.want)
}

// make turns the item that the source has given into a message.
func (p *pump) make(u update) (update, bool, gqlerror.List) {
	making := p.room.making.Reservation()
	defer making.Release()
	if u.Bytes > largeMessage {
		if err := making.Grow(p.ctx, maxMessage); err != nil {
			return u, false, p.fail(err)
		}
	}
	response := p.x.respond(p.room)
	if response == nil {
		return u, false, p.x.present(p.x.failure.get())
	}
	if errs := terminal(response); errs != nil {
		return u, false, errs
	}
	length := int64(len(response.Data)) + envelopeBytes
	if p.want < length && !p.turn.TryResize(length) && p.hasPlaces() {
		p.want, p.x = length, nil
		return u, true, nil
	}
	// The data is copied: gqlgen uses its memory again for the next response.
	u.body = appendResponse(make([]byte, 0, length), response)
	p.turn.Resize(int64(cap(u.body)))
	u.room = &lease{room: p.turn.Detach()}
	u.room.retain()
	p.want = 0
	if u.Place != nil {
		p.place = u.Place
		if cap(response.Data) > largeMessage {
			p.x = nil
		}
	}
	return u, true, nil
}

// envelopeBytes is what a message without errors has around its data.
const envelopeBytes = int64(len(`{"data":}`))

// fail ends a subscription that gets no room, or whose context has ended.
func (p *pump) fail(err error) gqlerror.List {
	if p.ctx.Err() != nil {
		return nil
	}
	return p.room.faultOf(err).list()
}

// execute calls the resolver of a subscription, which is to begin at a place; nil: where its
// arguments say, or its client's last event.
func execute(ctx context.Context, exec graphql.GraphExecutor, operation *graphql.OperationContext, begin Place, lastEventID string) *execution {
	x := &execution{exec: exec, begin: begin, lastEventID: lastEventID}
	x.responses, x.ctx = exec.DispatchOperation(context.WithValue(ctx, executionKey{}, x), operation)
	return x
}

// respond executes the operation on the item that the source has given, within the time and the
// size that a message may have. It returns nil when the subscription is over.
func (x *execution) respond(room *Room) *graphql.Response {
	if x.pull == nil { // it waits for the item itself
		return x.responses(x.ctx)
	}
	a := newMessage(x.ctx, room)
	defer a.end()
	response := x.responses(a)
	if f := a.check(a, response); f != nil {
		return &graphql.Response{Errors: f.list()}
	}
	return response
}

// present takes the error that ends a stream through the handler's error presenter. The end of the
// operation's own context is none.
func (x *execution) present(err error) gqlerror.List {
	if err == nil || x.ctx.Err() != nil {
		return nil
	}
	return presentErrors(x.ctx, x.exec, gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
}
