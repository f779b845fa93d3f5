package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"configapi/internal/processtest"
)

// idleMemory is a server's memory without and with idle subscribers, or the error of the
// measurement.
type idleMemory struct {
	By            string
	Subscribers   int
	Before, After int64  // resident, in bytes
	Later         int64  // like After, after Options.IdleTime
	Single        sample // of single changes to all of them
	Err           error
}

// tooManyFiles says that this machine does not allow so many connections. It voids no run.
type tooManyFiles struct {
	connections int
	need, limit uint64
}

func (e *tooManyFiles) Error() string {
	return fmt.Sprintf("%d subscribers need %d open files, the limit is %d: raise it (ulimit -Hn), or ask for fewer", e.connections, e.need, e.limit)
}

// refused returns why the machine does not allow the measurement, "" if it does.
func (m idleMemory) refused() string {
	if refused, is := errors.AsType[*tooManyFiles](m.Err); is {
		return refused.Error()
	}
	return ""
}

// measureAllIdle measures all servers with the first number of idle subscribers, and configapi with
// the others. Each number has fresh servers.
func measureAllIdle(ctx context.Context, r *rig, progress io.Writer) (all []idleMemory, err error) {
	for _, subscribers := range r.options.Idle {
		all, err = addIdle(ctx, r, all, subscribers, progress)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func addIdle(ctx context.Context, r *rig, all []idleMemory, subscribers int, progress io.Writer) ([]idleMemory, error) {
	defer r.closeTo(len(r.undo))
	publishers, err := r.startPublishers(ctx)
	if err != nil {
		return all, err
	}
	for i := range publishers {
		if p := &publishers[i]; p.perSocket > 0 && p.by != byGqlgen || subscribers == r.options.Idle[0] {
			all = append(all, measureIdle(ctx, p, subscribers, r.options, progress))
		}
		if err := ctx.Err(); err != nil {
			return all, err
		}
	}
	return all, nil
}

// perSubscriber returns the memory per subscriber at first, in bytes.
func (m idleMemory) perSubscriber() float64 {
	return float64(m.After-m.Before) / float64(m.Subscribers)
}

// perSubscriberLater returns the memory per subscriber after IdleTime, in bytes.
func (m idleMemory) perSubscriberLater() float64 {
	return float64(m.Later-m.Before) / float64(m.Subscribers)
}

const (
	// idleWarmUp is the number of subscribers that come and go before the measurement, so that the
	// server's code is loaded.
	idleWarmUp = 100
	// rssInterval and rssSteady define settled memory: it changes by less than one percent over
	// rssSteady intervals.
	rssInterval = 500 * time.Millisecond
	rssSteady   = 10
)

// measureIdle measures the resident memory of a fresh server without subscribers and with many.
// Then it writes one change after the other, each of which all of them must receive.
func measureIdle(ctx context.Context, p *publisher, subscribers int, o options, progress io.Writer) idleMemory {
	m := idleMemory{By: p.by, Subscribers: subscribers}
	if !p.takes(subscribers) {
		m.Subscribers = p.most
	}
	m.Err = m.measure(ctx, p, o)
	if m.refused() != "" {
		fmt.Fprintf(progress, "idle   %-9s refused: %v\n", p.by, m.Err)
		return m
	}
	if m.Err != nil {
		fmt.Fprintf(progress, "idle   %-9s FAILED: %v\n", p.by, m.Err)
		return m
	}
	fmt.Fprintf(progress, "idle   %-9s %d subscribers: %s each\n", p.by, m.Subscribers, kilobytes(m.perSubscriber()))
	return m
}

func (m *idleMemory) measure(ctx context.Context, p *publisher, o options) (err error) {
	if err := p.checkFiles(m.Subscribers); err != nil {
		return err
	}
	warmUp := idleMemory{Subscribers: min(idleWarmUp, m.Subscribers)}
	if err := warmUp.with(ctx, p, 0, o); err != nil {
		return err
	}
	if m.Before, err = settledRSS(ctx, p.process); err != nil {
		return err
	}
	return m.with(ctx, p, o.IdleTime, o)
}

// with measures the memory of a server with its subscribers, at first and after a time, and then
// the delay of changes to all of them.
func (m *idleMemory) with(ctx context.Context, p *publisher, wait time.Duration, o options) (err error) {
	s, err := openSession(ctx, p, m.Subscribers, o)
	if err != nil {
		return err
	}
	done := closeWith(ctx, s)
	defer func() { err = errors.Join(err, done()) }()
	if m.After, err = settledRSS(ctx, p.process); err != nil {
		return err
	}
	waitUntil(ctx, time.Now().Add(wait))
	now, err := p.process.Memory()
	if err != nil {
		return err
	}
	m.Later = now.Resident
	m.Single, err = s.measure(ctx, streamLoads[0])
	return err
}

// settledRSS waits until the memory of a process has settled, for patience at most.
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
