package gqlws

import (
	"net"
	"testing"
	"testing/synctest"

	"configapi/graph/transport/fanout"
	"configapi/internal/budget"
)

// TestCompleteBeforeThereIsAGroupToLeave has a client complete its subscription after the
// subscriber's last message and before it has joined: it must not stay in the group.
func TestCompleteBeforeThereIsAGroupToLeave(t *testing.T) {
	bubble(t, shared, func(t *testing.T, f *fixture) {
		other, p := f.open(t), f.open(t)
		other.watch("other", `{}`, "")
		f.wantGroups(t, 1)
		f.schema.Log.Add("one")
		other.wantLog("other", "one")
		pause := f.schema.Log.PauseSilently()
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"` + logDocument + `","variables":{"after":1}}}`)
		synctest.Wait() // it has read that there is nothing to tell
		p.send(`{"id":"1","type":"complete"}`)
		synctest.Wait()
		close(pause)
		f.wantGroups(t, 1)
		f.schema.Log.Add("two")
		other.wantLog("other", "two")
		p.send(`{"type":"ping"}`)
		p.want(`{"type":"pong"}`)
	})
}

// TestRefusedOfferHoldsNothing: a message that cannot be queued gives back all that it holds.
func TestRefusedOfferHoldsNothing(t *testing.T) {
	const most = 1000
	for name, row := range map[string]struct {
		stopped, closing bool
		others           int64 // bytes that wait already
	}{
		"the stream is complete": {stopped: true},
		"the socket closes":      {closing: true},
		"the queue is full":      {others: most},
	} {
		t.Run(name, func(t *testing.T) {
			options := Options{MaxQueuedBytes: most}.withDefaults()
			client, server := net.Pipe()
			defer client.Close()
			o := newOutbox(server, &options, func() {})
			if row.closing {
				o.discard()
			}
			if !o.quota.TryAcquire(row.others) {
				t.Fatal("there is no quota for the others")
			}
			op := newOperation(&operations{out: o}, "1")
			op.completed.Store(row.stopped)
			streams := budget.New(budget.Options{Bytes: most})
			bytes := streams.Reservation()
			bytes.Force(4)
			m := &fanout.Message{Body: []byte("body"), Memory: budget.Share(bytes)}
			if op.Offer(m) {
				t.Error("the frame was queued")
			}
			m.Memory.Release()
			if held := streams.Held(); held != 0 {
				t.Errorf("%d bytes of the message are held", held)
			}
			o.quota.Release(row.others)
			if !o.quota.TryAcquire(most) {
				t.Error("the socket's quota is not all free")
			}
		})
	}
}
