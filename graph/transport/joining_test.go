package transport

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"

	"golang.org/x/sync/semaphore"

	"configapi/internal/budget"
)

// TestCompleteBeforeThereIsAGroupToLeave has a client complete its subscription after the member's
// last message and before the member has joined: it must not stay in the group.
func TestCompleteBeforeThereIsAGroupToLeave(t *testing.T) {
	bubble(t, shared, func(t *testing.T, f *fixture) {
		other, p := f.open(t), f.open(t)
		other.watch("other", `{}`, "")
		f.wantGroups(t, 1)
		f.schema.log.add("one")
		other.wantLog("other", "one")
		pause := f.schema.log.pauseSilently()
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"` + logDocument + `","variables":{"after":1}}}`)
		synctest.Wait() // it has read that there is nothing to tell
		p.send(`{"id":"1","type":"complete"}`)
		synctest.Wait()
		close(pause)
		f.wantGroups(t, 1)
		f.schema.log.add("two")
		other.wantLog("other", "two")
		p.send(`{"type":"ping"}`)
		p.want(`{"type":"pong"}`)
	})
}

// TestBacklogIsWhatWaits: only what the member was not told yet counts against the bytes that may
// wait for it, however much the group sends while it is joining.
func TestBacklogIsWhatWaits(t *testing.T) {
	transport := NewWebsocket(WebsocketOptions{MaxQueuedBytes: 250})
	m := &member{socket: &socket{transport: transport}, joining: true, place: logPlace(0)}
	body := bytes.Repeat([]byte("x"), 100)
	for order := int64(1); order <= 20; order++ {
		if !m.take(&update{Step: Step{First: order, Place: logPlace(order)}, body: body}) {
			t.Fatalf("the member is left behind by message %d, with %d messages that wait", order, len(m.backlog))
		}
		if order == 1 {
			continue // so that one more always waits
		}
		next, _ := m.nextOfBacklog()
		if next == nil || next.First != order-1 {
			t.Fatalf("got %+v, want message %d", next, order-1)
		}
		m.place = next.Place
	}
	if took := m.take(&update{Step: Step{First: 21, Place: logPlace(21)}, body: append(body, body...)}); took {
		t.Error("300 bytes wait, of which there may be 250")
	}
}

// TestRefusedOfferHoldsNothing: a frame that a courier cannot queue gives back all its room.
func TestRefusedOfferHoldsNothing(t *testing.T) {
	const most = 1000
	for name, row := range map[string]struct {
		stopped, closing bool
		others           int64 // bytes that wait already
	}{
		"the stream is complete": {stopped: true},
		"the socket closes":      {closing: true},
		"there is no room":       {others: most},
	} {
		t.Run(name, func(t *testing.T) {
			s := &socket{
				transport: NewWebsocket(WebsocketOptions{MaxQueuedBytes: most}),
				room:      semaphore.NewWeighted(most), closing: row.closing,
			}
			if !s.room.TryAcquire(row.others) {
				t.Fatal("there is no room for the others")
			}
			st := &stream{id: "1"}
			st.stopped.Store(row.stopped)
			streams := budget.New(budget.Options{Bytes: most})
			u := &update{body: []byte("body"), room: &lease{room: streams.Reservation()}}
			u.room.room.Force(4)
			u.room.retain()
			if s.offer(st.updateFrame(u)) {
				t.Error("the frame was queued")
			}
			u.room.release()
			if held := streams.Held(); held != 0 {
				t.Errorf("%d bytes of the message are held", held)
			}
			s.room.Release(row.others)
			if !s.room.TryAcquire(most) {
				t.Error("the socket's room is not all free")
			}
		})
	}
}

// silentSource has nothing to tell until its third step.
type silentSource struct{ steps int64 }

func (s *silentSource) Next(context.Context, int64) (string, Step, error) {
	s.steps++
	return "item", Step{First: s.steps, Place: logPlace(s.steps), Silent: s.steps < 3}, nil
}

// TestSilentStepsGiveNoItem: nobody takes an item of a silent step out, so that the next one would block.
func TestSilentStepsGiveNoItem(t *testing.T) {
	x := &execution{}
	items := Stream(context.WithValue(t.Context(), executionKey{}, x), &silentSource{})
	for i := range 3 {
		step, err := x.pull(t.Context(), 0)
		if err != nil || step.Place.Order() != int64(i+1) {
			t.Fatalf("got %+v, %v", step, err)
		}
		if want := i / 2; len(items) != want {
			t.Fatalf("after step %d there are %d items, want %d", i+1, len(items), want)
		}
	}
}
