package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// stall is how long a server may take beyond the duration of a measurement before it counts as
// hung.
const stall = 30 * time.Second

// cell identifies a series.
type cell struct {
	Part    string // partWrites, partReads, or the name of a load of streams
	Store   string // "" for references and streams
	By      string
	Clients int // of streams: subscribers
}

func (c cell) String() string {
	return fmt.Sprintf("%-7s %-8s %-9s %4d clients", c.Part, c.Store, c.By, c.Clients)
}

// series has the samples of a cell, one per round, or the error that voided one.
type series struct {
	Samples []sample
	Err     error
}

// measurements are all series of a run.
type measurements map[cell]*series

// measureLoads measures every contender with every number of clients.
func measureLoads(ctx context.Context, o options, contenders []contender, progress io.Writer) (measurements, error) {
	all := measurements{}
	for _, part := range []string{partWrites, partReads} {
		if !o.has(part) {
			continue
		}
		for _, clients := range o.Clients {
			if err := all.takeTurns(ctx, o, part, clients, contenders, progress); err != nil {
				return all, err
			}
		}
	}
	return all, nil
}

// takeTurns measures a part of every contender that has it. Each round starts with another one, so
// that the machine's drift and dirty pages of the one before favour none.
func (m measurements) takeTurns(ctx context.Context, o options, part string, clients int, contenders []contender, progress io.Writer) error {
	contenders = slices.DeleteFunc(slices.Clone(contenders), func(c contender) bool { return c.connect[part] == nil })
	for round := range o.Rounds {
		for i := range contenders {
			c := contenders[(i+round)%len(contenders)]
			at := cell{Part: part, Store: c.store, By: c.by, Clients: clients}
			m.add(ctx, at, progress, func() (sample, error) { return measure(ctx, o, c, at) })
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// add adds a sample to a cell, unless the cell has failed. The end of ctx does not fail a cell.
func (m measurements) add(ctx context.Context, at cell, progress io.Writer, take func() (sample, error)) {
	s := m[at]
	if s == nil {
		s = &series{}
		m[at] = s
	}
	if s.Err != nil {
		return
	}
	taken, err := take()
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		*s = series{Err: err}
		fmt.Fprintf(progress, "%v  FAILED: %v\n", at, err)
	default:
		s.Samples = append(s.Samples, taken)
		fmt.Fprintf(progress, "%v  %7.0f/s  p95 %v  server %.1f µs\n", at, taken.rate(), taken.P95.Round(time.Microsecond), taken.serverCost())
	}
}

// measure takes one sample of a cell on new connections.
func measure(ctx context.Context, o options, c contender, at cell) (sample, error) {
	if err := c.forget(); err != nil {
		return sample{}, err
	}
	operations, opened, err := c.connect[at.Part](at.Clients, clientOptions{
		kind:     o.Client,
		nextName: func() int { return rand.IntN(o.Names) },
		life:     o.WarmUp + o.Duration + stall,
	})
	if err != nil {
		return sample{}, err
	}
	closeOnce := sync.OnceValue(opened.Close)
	// unblocks clients that wait for an answer
	stop := context.AfterFunc(ctx, func() { _ = closeOnce() })
	defer stop()
	taken, err := loadLongEnough(ctx, operations, o.WarmUp, o.Duration, c.cpu)
	taken.Operations *= max(c.changes[at.Part], 1)
	return taken, errors.Join(err, closeOnce())
}
