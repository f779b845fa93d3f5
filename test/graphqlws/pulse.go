package graphqlws

import (
	"context"
	"errors"
	"slices"
	"time"
)

// pulse sends the target's Trigger again and again, on a socket of its own, while a case waits for messages of the target's
// Subscription. What stop returns is why it could not.
func (c Case) pulse(ctx context.Context, target Target) (stop func() error) {
	if target.Trigger == "" || !slices.Contains(c.Needs, "Subscription") {
		return func() error { return nil }
	}
	t := newTrial(ctx, target)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.end()
		for s := t.open(); t.err == nil; {
			s.subscribe("trigger", target.Trigger)
			s.wantAnswer("trigger")
			select {
			case <-time.After(target.patience() / 100):
			case <-t.ctx.Done():
				return
			}
		}
	}()
	return func() error {
		t.cancel()
		<-done
		if errors.Is(t.err, context.Canceled) {
			return nil
		}
		return t.err
	}
}
