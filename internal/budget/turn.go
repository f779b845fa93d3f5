package budget

import (
	"context"
	"time"
)

const (
	// turnBytes is what a stream reserves before it reads a page of 1 MiB: the page, and what it is
	// turned into.
	turnBytes = 4 << 20
	// copies is about how many copies of what it tells a message needs while it is made.
	copies = 3
	// messageBytes is what a message takes that tells nothing.
	messageBytes = 4 << 10
	// turnTime is how long a stream may hold a page's bytes before it has read the page.
	turnTime = time.Second
)

// Turn is the room of the messages of one stream, one after the other. It is for one goroutine.
//
//	turn := budget.NewTurn(streams)
//	defer turn.End()
//	for {
//		turn.Begin(ctx, behind)  // waits while other streams that are behind have their turn
//		changes, err := …        // reads, or waits for something to happen
//		turn.Read(ctx, bytes)    // waits for room for what is to be made of it
//		message := …
//		turn.Hold(len(message))
//		turn.Sending(cut)
//		…                        // sends
//		turn.End()
//	}
type Turn struct {
	room    *Reservation
	giving  *time.Timer   // gives back what a turn has not used in time; nil: there is none
	givenUp chan struct{} // closed when that has happened
}

// NewTurn returns the turns of a stream. A nil budget has room for all.
func NewTurn(streams *Budget) *Turn {
	t := &Turn{room: new(Reservation)}
	if streams != nil {
		t.room = streams.Reservation()
	}
	return t
}

// Begin reserves room for a page when the stream is behind, so that it will read one from the
// store, and waits for it. A stream that finds nothing to read for 1 s loses the room. The error is
// that of ctx, or [ErrNoRoom] when too many wait already.
func (t *Turn) Begin(ctx context.Context, behind bool) error {
	if !behind || t.room.budget == nil {
		return nil
	}
	if err := t.room.Grow(ctx, turnBytes); err != nil {
		return err
	}
	t.givenUp = make(chan struct{})
	over := t.givenUp
	t.giving = time.AfterFunc(turnTime, func() {
		t.room.Release()
		close(over)
	})
	return nil
}

// Read says how many bytes a message tells of, and waits until there is room to make the message. A
// stream that has a turn does not wait again. The error is that of [Turn.Begin].
func (t *Turn) Read(ctx context.Context, bytes int64) error {
	need := copies*bytes + messageBytes
	if t.giving != nil {
		if !t.giving.Stop() {
			<-t.givenUp
		}
		t.giving = nil
		if t.room.Held() > 0 {
			t.Hold(need)
			return nil
		}
	}
	if need > t.room.largest() {
		t.room.Force(need) // one change set at least, whatever the limits say
		return nil
	}
	return t.room.Grow(ctx, need)
}

// Await reserves room for so many bytes, as a new turn: for a message that is made again because it
// had no room. The error is that of [Turn.Begin].
func (t *Turn) Await(ctx context.Context, bytes int64) error {
	if bytes > t.room.largest() {
		t.room.Force(bytes)
		return nil
	}
	return t.room.Grow(ctx, bytes)
}

// TryHold keeps room for so many bytes, or for what it has if there is not enough, and reports
// whether there was. What is larger than the whole budget always has room.
func (t *Turn) TryHold(bytes int64) bool {
	surplus := t.room.Held() - bytes
	switch {
	case surplus >= 0:
		t.room.Shrink(surplus)
		return true
	case bytes > t.room.largest():
		t.room.Force(-surplus)
		return true
	}
	return t.room.TryGrow(-surplus)
}

// Hold keeps room for so many bytes, whether there is any or not.
func (t *Turn) Hold(bytes int64) {
	switch surplus := t.room.Held() - bytes; {
	case surplus > 0:
		t.room.Shrink(surplus)
	case surplus < 0:
		t.room.Force(-surplus)
	}
}

// Sending is [Reservation.Sending].
func (t *Turn) Sending(cut func()) { t.room.Sending(cut) }

// Sent is [Reservation.Sent].
func (t *Turn) Sent(bytes int64) { t.room.Sent(bytes) }

// Pass returns the room of this turn, which the caller must release. The turn goes on with none.
func (t *Turn) Pass() *Reservation {
	passed := t.room
	t.room = new(Reservation)
	if passed.budget != nil {
		t.room = passed.budget.Reservation()
	}
	return passed
}

// End releases the room. It may be called at any time and several times.
func (t *Turn) End() {
	if t.giving != nil && !t.giving.Stop() {
		<-t.givenUp
	}
	t.giving = nil
	t.room.Release()
}

// largest is the largest that a reservation of the budget can be.
func (r *Reservation) largest() int64 {
	if r.budget == nil {
		return 1<<63 - 1
	}
	return r.budget.opts.Bytes - r.budget.opts.SmallBytes
}
