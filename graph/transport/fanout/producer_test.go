package fanout

import (
	"context"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/bounds"
)

// TestProducerHoldsNothingBetweenMessages: it holds no memory after a silent step, and none
// after a message that was released.
func TestProducerHoldsNothingBetweenMessages(t *testing.T) {
	budgets := bounds.NewBudgets(bounds.Options{})
	steps := []Step{{Silent: true, Offset: number(1)}, {Offset: number(2), Bytes: 100}}
	p := NewProducer(t.Context(), nil, nil, budgets, nil)
	p.call = &call{ctx: t.Context(), pull: func(context.Context, int64) (Step, error) {
		step := steps[0]
		steps = steps[1:]
		return step, nil
	}, responses: func(context.Context) *graphql.Response { return &graphql.Response{Data: []byte("{}")} }}
	if m, more, _ := p.Next(0); !more || !m.Silent || budgets.Streams.Held() != 0 {
		t.Errorf("got %+v; %d bytes are held", m, budgets.Streams.Held())
	}
	m, more, _ := p.Next(0)
	if !more || string(m.Body) != `{"data":{}}` || budgets.Streams.Held() != int64(cap(m.Body)) {
		t.Errorf("got %s; %d bytes are held", m.Body, budgets.Streams.Held())
	}
	m.Memory.Release()
	p.End()
	if held := budgets.Streams.Held() + budgets.Messages.Held() + budgets.Answers.Held(); held != 0 {
		t.Errorf("%d bytes are held in the end", held)
	}
}

// silentSource has nothing to send until its third step.
type silentSource struct{ steps int64 }

func (s *silentSource) Next(context.Context, int64) (string, Step, error) {
	s.steps++
	return "item", Step{First: s.steps, Offset: number(s.steps), Silent: s.steps < 3}, nil
}

func (s *silentSource) Rights() string { return "" }

// TestSilentStepsGiveNoItem: nothing takes the item of a silent step out of the channel, so a
// second one would block.
func TestSilentStepsGiveNoItem(t *testing.T) {
	c := new(call)
	items := Stream(context.WithValue(t.Context(), callKey{}, c), &silentSource{})
	for i := range 3 {
		step, err := c.pull(t.Context(), 0)
		if err != nil || step.Offset.Order() != int64(i+1) {
			t.Fatalf("got %+v, %v", step, err)
		}
		if want := i / 2; len(items) != want {
			t.Fatalf("after step %d there are %d items, want %d", i+1, len(items), want)
		}
	}
}

// TestProducerLeavesLargeBuffers: after a large message the resolver is called again, from the
// message's offset, since gqlgen would keep the buffer.
func TestProducerLeavesLargeBuffers(t *testing.T) {
	for size, kept := range map[int]bool{100: true, largeMessage + 1: false} {
		p := NewProducer(t.Context(), nil, nil, bounds.NewBudgets(bounds.Options{}), nil)
		p.call = &call{ctx: t.Context(), pull: func(context.Context, int64) (Step, error) {
			return Step{Offset: number(7)}, nil
		}, responses: func(context.Context) *graphql.Response { return &graphql.Response{Data: make([]byte, size)} }}
		m, _, _ := p.Next(0)
		m.Memory.Release()
		p.End()
		if (p.call != nil) != kept || p.offset != number(7) {
			t.Errorf("%d bytes: the call is kept: %t, want %t; the offset is %v", size, p.call != nil, kept, p.offset)
		}
	}
}

// TestStreamNeedsAProducer: without one, nothing would take the items.
func TestStreamNeedsAProducer(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a stream without a producer is accepted")
		}
	}()
	Stream(t.Context(), &silentSource{})
}
