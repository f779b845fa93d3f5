package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"configapi/test/reports"
)

// streamLoad is a pattern of writes while there are subscribers.
type streamLoad struct {
	name    string
	writers int           // concurrent writers, one change each
	behind  int           // most changes that some subscriber lacks before the next writes
	every   time.Duration // shortest time between two writes
	timed   bool          // the delay of each delivery is recorded
}

// Names of loads.
const (
	loadSingle  = "single"
	loadBurst   = "burst"
	loadFlood   = "flood"
	loadPaced   = "paced"
	loadStalled = "stalled"
	loadBusy    = "busy"
)

// pace is the time between two changes of the paced loads, and pacedRate their number per second.
const (
	pace      = 10 * time.Millisecond
	pacedRate = int(time.Second / pace)
)

// pacedLoad is the load for delays.
var pacedLoad = streamLoad{name: loadPaced, writers: 1, behind: math.MaxInt, every: pace, timed: true}

// busyLoad is the load for delays at a node while another one writes busyRate changes a second, ten
// at once.
var busyLoad = streamLoad{name: loadBusy, writers: busyWriters, behind: math.MaxInt, every: busyPace, timed: true}

const (
	busyWriters = 10
	busyPace    = 2 * time.Millisecond
	busyRate    = busyWriters * int(time.Second/busyPace)
)

// streamLoads are the loads of each contender, in order.
var streamLoads = []streamLoad{
	{name: loadSingle, writers: 1, timed: true},
	{name: loadBurst, writers: 100},
	{name: loadFlood, writers: 1, behind: 1000},
	pacedLoad,
	{name: loadStalled, writers: 1, behind: math.MaxInt, every: pace, timed: true},
}

// Changes with large values, which fill the sockets of subscribers that stall before the load.
const (
	stallChanges = 32
	stallValue   = 16 << 10
	// stallShare is the number of subscribers per one that stalls.
	stallShare = 10
)

// session is a number of subscribers and what they receive.
type session struct {
	publisher   *publisher
	options     options
	subscribers int
	tally       *tally
	opened      closers
	stalled     bool // some subscribers stall
}

// openSession connects subscribers. It must be closed unless it returns an error.
func openSession(ctx context.Context, p *publisher, subscribers int, o options) (*session, error) {
	if err := p.process.ForgetLog(); err != nil {
		return nil, err
	}
	s := &session{publisher: p, options: o, subscribers: subscribers, tally: newTally(subscribers)}
	return s, s.join(ctx, p.subscribe, subscribers, s.tally)
}

func (s *session) Close() error { return s.opened.Close() }

// join connects further subscribers until the session is closed.
func (s *session) join(ctx context.Context, subscribe subscribe, subscribers int, t *tally) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	joined, err := subscribe(ctx, subscribers, t)
	if err == nil {
		s.opened = append(s.opened, joined)
	}
	return err
}

// measure takes one sample of a load. All changes are delivered before it begins and when it ends,
// so the server's work in between belongs to the counted deliveries.
func (s *session) measure(ctx context.Context, l streamLoad) (sample, error) {
	if l.name == loadStalled && !s.stalled {
		if err := s.stallSome(ctx); err != nil {
			return sample{}, fmt.Errorf("stalling subscribers: %w", err)
		}
	}
	o := s.options
	if err := s.drive(ctx, l, o.Size, o.WarmUp); err != nil {
		return sample{}, err
	}
	expected := 0
	if l.timed {
		expected = s.subscribers * l.writers * int(o.Duration/max(l.every, busyPace)+2)
	}
	s.tally.reset(expected)
	begin, server, client := time.Now(), s.publisher.cpu(), ownCPU()
	if err := s.drive(ctx, l, o.Size, o.Duration); err != nil {
		return sample{}, err
	}
	taken := sample{
		Operations: s.tally.delivered(),
		Elapsed:    time.Since(begin),
		ServerCPU:  s.publisher.cpu() - server,
		ClientCPU:  ownCPU() - client,
	}
	if delays := s.tally.delays(); len(delays) > 0 {
		taken.P50, taken.P95, taken.P99 = reports.Percentile(delays, 50), reports.Percentile(delays, 95), reports.Percentile(delays, 99)
	}
	return taken, nil
}

// drive writes values of so many bytes for so long, at least once, and returns when every
// subscriber has every change.
func (s *session) drive(ctx context.Context, l streamLoad, size int, duration time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(ctx, duration+stall)
	defer cancel()
	writers, opened, err := s.publisher.write(l.writers, size, duration+stall)
	if err != nil {
		return err
	}
	done := closeWith(ctx, opened)
	defer func() { err = errors.Join(err, done()) }()
	begin := time.Now()
	for next := begin; ; {
		if err := s.writeAtOnce(writers); err != nil {
			return err
		}
		if err := s.tally.awaitBehind(ctx, l.behind); err != nil {
			return err
		}
		next = next.Add(l.every)
		waitUntil(ctx, next)
		if time.Since(begin) >= duration {
			return s.tally.awaitBehind(ctx, 0)
		}
	}
}

// writeAtOnce writes one change with each writer concurrently.
func (s *session) writeAtOnce(writers []writer) error {
	if len(writers) == 1 {
		return s.writeOne(writers[0])
	}
	var group errgroup.Group
	for _, w := range writers {
		group.Go(func() error { return s.writeOne(w) })
	}
	return group.Wait()
}

func (s *session) writeOne(w writer) error {
	change := s.tally.announce()
	if err := w(change); err != nil {
		return fmt.Errorf("writing change %d: %w", change, err)
	}
	s.tally.acknowledge(change)
	return nil
}

// stallSome adds subscribers that stall, and writes large values until their sockets are full.
func (s *session) stallSome(ctx context.Context) error {
	// Deliveries to these subscribers are not counted.
	if err := s.join(ctx, s.publisher.stall, max(s.subscribers/stallShare, 1), newTally(0)); err != nil {
		return err
	}
	s.stalled = true
	for range stallChanges {
		if err := s.drive(ctx, streamLoad{writers: 1}, stallValue, 0); err != nil {
			return err
		}
	}
	return nil
}

// closeWith closes a session when done is called or ctx ends, which unblocks waiting writers.
func closeWith(ctx context.Context, c io.Closer) (done func() error) {
	once := sync.OnceValue(c.Close)
	stop := context.AfterFunc(ctx, func() { _ = once() })
	return func() error { stop(); return once() }
}
