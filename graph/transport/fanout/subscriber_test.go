package fanout

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"configapi/graph/transport/bounds"
	"configapi/internal/budget"
)

// joining returns a subscriber at an offset that is joining its group.
func joining(maxBacklogBytes int64, at number) *Subscriber {
	groups := NewGroups(Options{Budgets: bounds.NewBudgets(bounds.Options{}), MaxBacklogBytes: maxBacklogBytes})
	return &Subscriber{groups: groups, receiver: nowhere{}, connection: nowhere{}, joining: true, offset: at}
}

// TestBacklogHoldsItsMemory: messages that wait for a subscriber hold their memory until they are
// sent or dropped.
func TestBacklogHoldsItsMemory(t *testing.T) {
	streams := budget.New(budget.Options{Bytes: 1 << 20})
	made := func(order int64) *Message {
		bytes := streams.Reservation()
		bytes.Force(4)
		return &Message{Step: Step{Offset: number(order), First: order}, Body: []byte("body"), Memory: budget.Share(bytes)}
	}
	s := joining(1<<20, 1)
	for order := range int64(3) {
		m := made(order + 1)
		if !s.take(m) {
			t.Fatal("the subscriber was given up")
		}
		m.Memory.Release() // as the group does when its round is over
	}
	if held := streams.Held(); held != 12 {
		t.Errorf("%d bytes are held, want those of three messages", held)
	}
	next, joined := s.nextOfBacklog()
	if next == nil || joined || next.First != 2 {
		t.Fatalf("got %+v, %v, want the message that the subscriber was not sent", next, joined)
	}
	if held := streams.Held(); held != 8 {
		t.Errorf("%d bytes are held, want those of two messages", held)
	}
	next.Memory.Release()
	s.dropBacklog()
	if held := streams.Held(); held != 0 {
		t.Errorf("%d bytes are held in the end", held)
	}
}

// TestBacklogIsWhatWaits: only what the subscriber was not sent yet counts against the bytes that
// may wait for it, however much the group sends while it is joining.
func TestBacklogIsWhatWaits(t *testing.T) {
	s := joining(250, 0)
	body := bytes.Repeat([]byte("x"), 100)
	for order := int64(1); order <= 20; order++ {
		if !s.take(&Message{Step: Step{First: order, Offset: number(order)}, Body: body}) {
			t.Fatalf("the subscriber is given up at message %d, with %d messages that wait", order, len(s.backlog))
		}
		if order == 1 {
			continue // so that one more always waits
		}
		next, _ := s.nextOfBacklog()
		if next == nil || next.First != order-1 {
			t.Fatalf("got %+v, want message %d", next, order-1)
		}
		s.offset = next.Offset
	}
	if took := s.take(&Message{Step: Step{First: 21, Offset: number(21)}, Body: append(body, body...)}); took {
		t.Error("300 bytes wait, of which there may be 250")
	}
}

// TestOptionsOfGroups: groups without budgets, or whose subscribers could not join, panic.
func TestOptionsOfGroups(t *testing.T) {
	budgets := bounds.NewBudgets(bounds.Options{})
	for _, opts := range []Options{{MaxBacklogBytes: 1}, {Budgets: budgets}, {Budgets: budgets, MaxBacklogBytes: -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v are accepted", opts)
				}
			}()
			NewGroups(opts)
		}()
	}
}

// over is a receiver whose subscription is over.
type over struct{ nowhere }

func (over) Send(context.Context, *Message) error { return errors.New("over") }

// TestBacklogIsDroppedAtTheEnd: a subscription that ends while its subscriber joins holds nothing
// of what its group has sent meanwhile.
func TestBacklogIsDroppedAtTheEnd(t *testing.T) {
	streams := budget.New(budget.Options{Bytes: 1 << 20})
	s := joining(1<<20, 1)
	s.receiver = over{}
	s.groups.byKey[s.key] = &group{groups: s.groups, cancel: func() {}, sent: 1}
	for order := range int64(2) {
		bytes := streams.Reservation()
		bytes.Force(4)
		s.take(&Message{Step: Step{Offset: number(order + 2), First: order + 2}, Memory: budget.Share(bytes)})
	}
	for _, waiting := range s.backlog {
		waiting.Memory.Release() // as the group does when its round is over
	}
	joined, ended, errs := s.join(t.Context(), new(Producer))
	if joined || !ended || errs != nil {
		t.Errorf("got %t, %t, %v, want the end", joined, ended, errs)
	}
	if held := streams.Held(); held != 0 {
		t.Errorf("%d bytes are held in the end", held)
	}
}
