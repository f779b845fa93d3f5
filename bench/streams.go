package main

import (
	"context"
	"io"
)

// streams are the results of subscriptions.
type streams struct {
	Loads measurements // the Part of a cell is the name of a load, and Clients the subscribers
	Idle  []idleMemory // of the part idle
}

// measureStreams starts the servers, and puts every load on them. Contenders take turns as in
// measureLoads.
func measureStreams(ctx context.Context, r *rig, progress io.Writer) (measurements, error) {
	defer r.closeTo(len(r.undo))
	publishers, err := r.startPublishers(ctx)
	if err != nil {
		return nil, err
	}
	all := measurements{}
	return all, all.addSessions(ctx, publishers, streamLoads, r.options, progress)
}

// addSessions puts loads on publishers in turn, with every number of subscribers. The error is that
// of ctx.
func (m measurements) addSessions(ctx context.Context, publishers []publisher, loads []streamLoad, o options, progress io.Writer) error {
	for _, subscribers := range o.Subscribers {
		for round := range o.Rounds {
			for i := range publishers {
				if p := &publishers[(i+round)%len(publishers)]; p.takes(subscribers) {
					m.addSession(ctx, p, subscribers, loads, o, progress)
				}
				if err := ctx.Err(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// addSession adds a sample of each load of a contender, with the same subscribers. After an error
// it skips the other loads, since the subscribers have missed changes.
func (m measurements) addSession(ctx context.Context, p *publisher, subscribers int, loads []streamLoad, o options, progress io.Writer) {
	s, err := openSession(ctx, p, subscribers, o)
	if err == nil {
		defer closeWith(ctx, s)() // the samples are taken already, so its error does not matter
	}
	for _, l := range loads {
		if l.name == loadStalled && p.stall == nil {
			continue
		}
		at := cell{Part: l.name, By: p.by, Clients: subscribers}
		m.add(ctx, at, progress, func() (taken sample, _ error) {
			if err == nil {
				taken, err = s.measure(ctx, l)
			}
			return taken, err
		})
	}
}
