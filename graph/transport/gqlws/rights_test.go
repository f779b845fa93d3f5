package gqlws

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/graph/transport/fanout"
	"configapi/internal/eventstream"
)

// granted are rights of all sockets of a test, which the test ends.
type granted struct {
	ended  atomic.Bool // for Err
	cancel []context.CancelCauseFunc
}

// init grants rights that last to a client that says so, and such that end to others.
func (g *granted) init(ctx context.Context, _ eventstream.Client, payload map[string]any) (fanout.Rights, error) {
	if payload["lasting"] != nil {
		return fanout.Rights{Context: ctx}, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	g.cancel = append(g.cancel, cancel)
	err := func() error {
		if g.ended.Load() {
			return errors.New("ended")
		}
		return nil
	}
	return fanout.Rights{Context: ctx, Err: err}, nil
}

// endContexts ends the contexts, which may come later than the rights.
func (g *granted) endContexts() {
	for _, cancel := range g.cancel {
		cancel(&CloseError{CloseForbidden, "revoked"})
	}
}

// TestNothingIsSentAfterRights has a frame in the hands of a peer that does not read, and frames in
// the queue, when the rights end: the peer gets the rest of the first one, and the close frame.
func TestNothingIsSentAfterRights(t *testing.T) {
	for name, early := range map[string]bool{"rights first": true, "context first": false} {
		t.Run(name, func(t *testing.T) {
			rights := new(granted)
			bubble(t, Options{Init: rights.init}, func(t *testing.T, f *fixture) {
				p := f.open(t)
				p.send(ticks)
				<-f.schema.Began
				for i := range 3 {
					f.schema.Events <- fmt.Sprint(i)
					synctest.Wait()
				}
				if early {
					rights.ended.Store(true)
					f.schema.Events <- "later"
					synctest.Wait()
				}
				rights.endContexts()
				synctest.Wait()
				p.wantLike(`"ticks":"0"`) // it was begun
				p.wantClose(4403, "revoked")
				<-f.schema.Ended
				p.wantEnd()
				f.wantNoSockets(t)
			})
		})
	}
}

// TestRightsOfStalledPeer: a peer that takes nothing holds its socket no longer than it may hold a
// frame.
func TestRightsOfStalledPeer(t *testing.T) {
	rights := new(granted)
	bubble(t, Options{Init: rights.init}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		<-f.schema.Began
		for i := range 3 {
			f.schema.Events <- fmt.Sprint(i)
			synctest.Wait()
		}
		rights.ended.Store(true)
		rights.endContexts()
		<-f.schema.Ended
		time.Sleep(writeTimeout)
		f.wantNoSockets(t)
	})
}

// TestMembersWithoutRights takes members out of a group whose rights have ended, before their
// sockets close. The group goes on for the others.
func TestMembersWithoutRights(t *testing.T) {
	rights := new(granted)
	options := shared
	options.Init = rights.init
	bubble(t, options, func(t *testing.T, f *fixture) {
		var ending, lasting []*peer
		for i, init := range []string{initMessage, `{"type":"connection_init","payload":{"lasting":true}}`, initMessage, `{"type":"connection_init","payload":{"lasting":true}}`} {
			p := f.dial(t, offer)
			p.send(init)
			p.want(`{"type":"connection_ack"}`)
			p.watch("1", `{"after":0}`, "")
			if i%2 == 0 {
				ending = append(ending, p)
			} else {
				lasting = append(lasting, p)
			}
		}
		f.wantGroups(t, 4)
		rights.ended.Store(true)
		f.schema.Log.Add("secret")
		for _, p := range lasting {
			p.wantLog("1", "secret")
		}
		f.wantGroups(t, 2)
		rights.endContexts()
		for _, p := range ending {
			p.wantClose(4403, "revoked")
		}
		f.schema.Log.Add("more")
		for _, p := range lasting {
			p.wantLog("1", "more")
			p.conn.Close()
		}
		f.wantGroups(t)
	})
}
