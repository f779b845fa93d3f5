package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"configapi/internal/processtest"
)

// idleMemory is what a server's memory was with and without idle subscribers, or the error that voided it.
type idleMemory struct {
	By            string
	Subscribers   int
	Before, After int64 // resident, in bytes
	Later         int64 // like After, when they have been idle for Options.IdleTime
	Err           error
}

// perSubscriber is the memory of one of them, in bytes, at first.
func (m idleMemory) perSubscriber() float64 {
	return float64(m.After-m.Before) / float64(m.Subscribers)
}

// perSubscriberLater is the same after a time.
func (m idleMemory) perSubscriberLater() float64 {
	return float64(m.Later-m.Before) / float64(m.Subscribers)
}

const (
	// idleWarmUp are the subscribers that come and go before anything is measured: a server that has never had one has
	// not loaded its own code yet.
	idleWarmUp = 100
	// rssInterval and rssSteady say when memory has settled: when it has stayed the same, but for a hundredth, so many times.
	rssInterval = 500 * time.Millisecond
	rssSteady   = 10
)

// measureIdle measures the resident memory of a fresh server with no subscribers and with many, and then writes one change,
// which all must get.
func measureIdle(ctx context.Context, p *publisher, o options, progress io.Writer) idleMemory {
	m := idleMemory{By: p.by, Subscribers: o.Idle}
	if !p.takes(o.Idle) {
		m.Subscribers = p.most
	}
	m.Err = m.measure(ctx, p, o)
	if m.Err != nil {
		fmt.Fprintf(progress, "idle   %-9s FAILED: %v\n", p.by, m.Err)
		return m
	}
	fmt.Fprintf(progress, "idle   %-9s %d subscribers: %s each\n", p.by, m.Subscribers, kilobytes(m.perSubscriber()))
	return m
}

func (m *idleMemory) measure(ctx context.Context, p *publisher, o options) (err error) {
	if _, _, err := idleWith(ctx, p, min(idleWarmUp, m.Subscribers), 0, o); err != nil {
		return err
	}
	if m.Before, err = settledRSS(ctx, p.process); err != nil {
		return err
	}
	m.After, m.Later, err = idleWith(ctx, p, m.Subscribers, o.IdleTime, o)
	return err
}

// idleWith returns the memory of a server with so many subscribers, at first and after a time, and sees to it that all of them
// are alive then.
func idleWith(ctx context.Context, p *publisher, subscribers int, wait time.Duration, o options) (rss, later int64, err error) {
	s, err := openSession(ctx, p, subscribers, o)
	if err != nil {
		return 0, 0, err
	}
	done := closeWith(ctx, s)
	defer func() { err = errors.Join(err, done()) }()
	if rss, err = settledRSS(ctx, p.process); err != nil {
		return 0, 0, err
	}
	waitUntil(ctx, time.Now().Add(wait))
	now, err := p.process.Memory()
	if err != nil {
		return 0, 0, err
	}
	return rss, now.Resident, s.drive(ctx, streamLoad{writers: 1}, o.Size, 0)
}

// settledRSS waits until the memory of a process does not change any more, but not longer than patience.
func settledRSS(ctx context.Context, p *processtest.Process) (int64, error) {
	tick := time.NewTicker(rssInterval)
	defer tick.Stop()
	last, steady := int64(0), 0
	for until := time.Now().Add(patience); steady < rssSteady && time.Now().Before(until); {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-tick.C:
		}
		now, err := p.Memory()
		if err != nil {
			return 0, err
		}
		if change := now.Resident - last; -last/100 <= change && change <= last/100 {
			steady++
		} else {
			last, steady = now.Resident, 0
		}
	}
	now, err := p.Memory()
	return now.Resident, err
}
