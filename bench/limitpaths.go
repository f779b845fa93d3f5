package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"time"
)

// limitSet is the part of a contender that applies the largest sets.
const limitSet = "set"

// limited are the servers of the part limits, and the limits.
type limited struct {
	rig     *rig
	options options
	bare    contender
	floors  floors
}

// limitPaths starts all servers, and returns the paths to measure.
func (r *rig) limitPaths(ctx context.Context) ([]limitPath, error) {
	l := limited{rig: r, options: r.options, floors: floors{rig: r}}
	l.options.Names = min(r.options.Names, startAimNames)
	l.options.Duration, l.options.WarmUp = min(r.options.Duration, limitWindow), min(r.options.WarmUp, limitWarmUp)
	var err error
	if l.bare, err = r.startBare(ctx); err != nil {
		return nil, err
	}
	if err := l.floors.open(ctx); err != nil {
		return nil, err
	}
	var reads, writes []limitPath
	for _, store := range r.options.Stores {
		if store == storeMemory {
			continue
		}
		ours, err := r.startOurs(ctx, store, partLimits, l.options)
		if err != nil {
			return nil, err
		}
		rest, graphQL := ours[0], ours[1]
		graphQL.connect[limitSet] = l.setConnector(graphQL)
		reads = l.readPaths(rest, graphQL) // of the last store: reads ask none
		writes = append(writes, l.writePaths(rest, graphQL)...)
	}
	others, err := l.otherPaths(ctx)
	return append(append(reads, writes...), others...), err
}

// setConnector returns a connector for the largest sets, of names that the server has.
func (l *limited) setConnector(c contender) connector {
	names := make([]string, l.options.Names)
	for i := range names {
		names[i] = fmt.Sprintf("%s%0*d", namePrefix, nameDigits, i)
	}
	return setConnector(c.address, c.by, names, l.options.Size, min(largestSet, len(names)), false)
}

// alone returns a probe of the p50 of one client's requests, in milliseconds.
func (l *limited) alone(c contender, part string) probe {
	return func(ctx context.Context) (p50 float64, err error) {
		operations, opened, err := c.connect[part](1, clientOptions{
			kind:     l.options.Client,
			nextName: func() int { return rand.IntN(l.options.Names) },
			life:     stall,
		})
		if err != nil {
			return 0, err
		}
		done := closeWith(ctx, opened)
		defer func() { err = errors.Join(err, done()) }()
		if err := operations[0](); err != nil {
			return 0, err
		}
		return repeated(ctx, operations[0])
	}
}

// busy returns a probe of the server's CPU time for a request of many clients.
func (l *limited) busy(c contender, part string) probe {
	return func(ctx context.Context) (float64, error) {
		taken, err := measure(ctx, l.options, c, cell{Part: part, Clients: manyClients})
		return taken.serverCost(), err
	}
}

// sum returns a probe of the time that two probes take one after the other.
func sum(a, b probe) probe {
	return func(ctx context.Context) (float64, error) {
		x, err := a(ctx)
		if err != nil {
			return 0, err
		}
		y, err := b(ctx)
		return x + y, err
	}
}

// trip and work are probes of a request to the bare handler: how long it takes, and its CPU time.
func (l *limited) trip() probe { return l.alone(l.bare, partReads) }
func (l *limited) work() probe { return l.busy(l.bare, partReads) }

const (
	oneTrip = "a round trip of net/http"
	oneWork = "a request of net/http"
)

func (l *limited) readPaths(rest, graphQL contender) (paths []limitPath) {
	for _, c := range []contender{rest, graphQL} {
		what := c.by + " read"
		paths = append(paths,
			limitPath{what + ", one client", oneTrip, "ms", l.alone(c, partReads), l.trip()},
			limitPath{fmt.Sprintf("%s, %d clients, CPU", what, manyClients), oneWork, "µs", l.busy(c, partReads), l.work()})
	}
	return paths
}

func (l *limited) writePaths(rest, graphQL contender) []limitPath {
	store := rest.store
	small, large := l.floors.disk(blockBytes), l.floors.disk(largestSet*eventBytes)
	one, all := oneTrip+" and an fdatasync of 4 KiB", fmt.Sprintf("%s and an fdatasync of %d kB", oneTrip, largestSet*eventBytes/1000)
	if store == storePostgres {
		small, large = l.floors.postgres(1), l.floors.postgres(largestSet)
		one, all = oneTrip+" and a commit of one row", fmt.Sprintf("%s and a commit of %d rows", oneTrip, largestSet)
	}
	return []limitPath{
		{"REST write, one client, " + store, one, "ms", l.alone(rest, partWrites), sum(l.trip(), small)},
		{fmt.Sprintf("REST write, %d clients, %s, CPU", manyClients, store), oneWork, "µs", l.busy(rest, partWrites), l.work()},
		{fmt.Sprintf("set of %d by GraphQL, %s", min(largestSet, l.options.Names), store), all, "ms", l.alone(graphQL, limitSet), sum(l.trip(), large)},
	}
}

// otherPaths are the delivery of a change to a socket, the start, and a look at PostgreSQL.
func (l *limited) otherPaths(ctx context.Context) ([]limitPath, error) {
	publisher, err := l.rig.startStreams(ctx, byConfigapi, "limits-streams", 1)
	if err != nil {
		return nil, err
	}
	url, err := l.rig.newStore(ctx, storeSQLite, "limits-start")
	if err != nil {
		return nil, err
	}
	o := l.options
	o.Events, o.Batch = 2*o.Names, largeBatch
	if err := writeHistoryTo(ctx, storeSQLite, url, o); err != nil {
		return nil, err
	}
	start := func(ctx context.Context) (float64, error) {
		server, err := l.rig.startConfigapi(ctx, storeSQLite, url)
		if err != nil {
			return 0, err
		}
		stop(server.Process)
		return server.Started.Seconds() * 1000, nil
	}
	return []limitPath{
		{"delivery of a change to one of many sockets, CPU", fmt.Sprintf("a write of %d bytes to a socket", frameBytes), "µs", l.delivery(&publisher), l.floors.write},
		{fmt.Sprintf("start with %d names, sqlite", o.Names), "a start of the program that prints its help", "ms", start, l.help},
	}, nil
}

// limitSubscribers is the number of sockets that each change is delivered to.
const limitSubscribers = 500

// delivery returns the CPU time of the server per delivery of a single change.
func (l *limited) delivery(p *publisher) probe {
	return func(ctx context.Context) (float64, error) {
		s, err := openSession(ctx, p, min(limitSubscribers, l.options.Names), l.options)
		if err != nil {
			return 0, err
		}
		taken, err := s.measure(ctx, streamLoads[0])
		return taken.serverCost(), errors.Join(err, s.Close())
	}
}

// help returns how long the program takes to say how it is used.
func (l *limited) help(ctx context.Context) (float64, error) {
	begin := time.Now()
	err := exec.CommandContext(ctx, l.rig.binary, "help").Run()
	return time.Since(begin).Seconds() * 1000, err
}
