package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"configapi/internal/processtest"
)

// Who delivers, besides byEtcd, as the columns of the report call them.
const (
	byConfigapi = "configapi"
	byGqlgen    = "gqlgen"
	byEtcdEach  = "etcd 1:1" // with a connection for each watcher
)

// maxEtcdEach is how many connections etcd's client opens at most: with more, what is measured is that client.
const maxEtcdEach = 1000

// publisher is a server whose changes can be subscribed to.
type publisher struct {
	by      string
	process *processtest.Process
	// subscribe is for all changes. All subscribers are live when it returns; what goes wrong later is told to the tally.
	subscribe subscribe
	// stall is for subscribers that take nothing once they are live. nil: there are none.
	stall subscribe
	// most is how many subscribers it is measured with at most. 0: any number.
	most int
	// write opens connections for so many writers of values of so many bytes.
	write func(writers, size int, life time.Duration) ([]writer, closers, error)
	// used is the CPU time of all that works for it. nil: of process alone.
	used func() time.Duration
}

// subscribe connects so many subscribers. Who closes what it returns disconnects them.
type subscribe func(ctx context.Context, subscribers int, t *tally) (io.Closer, error)

// writer sets the config of a change and returns when that is acknowledged. The value begins with the change's number.
type writer func(change int) error

// takes says whether it is measured with so many subscribers.
func (p *publisher) takes(subscribers int) bool { return p.most == 0 || subscribers <= p.most }

func (p *publisher) cpu() time.Duration {
	if p.used != nil {
		return p.used()
	}
	return p.process.CPU()
}

// startPublishers starts the servers whose streams are compared, each with an empty history on the disk: configapi and gqlgen
// on SQLite, configapi's default.
func (r *rig) startPublishers(ctx context.Context) ([]publisher, error) {
	ours, err := r.startStreams(ctx)
	if err != nil {
		return nil, err
	}
	stock, err := r.startGqlgen(ctx)
	if err != nil {
		return nil, err
	}
	etcd, err := r.startWatched(ctx, byEtcd, "etcd-streams", r.options.watchConnections)
	if err != nil {
		return nil, err
	}
	each, err := r.startWatched(ctx, byEtcdEach, "etcd-each", func(watchers int) int { return watchers })
	each.most = maxEtcdEach
	return []publisher{ours, stock, etcd, each}, err
}

func (r *rig) startStreams(ctx context.Context) (publisher, error) {
	url, err := r.newStore(ctx, storeSQLite, "streams")
	if err != nil {
		return publisher{}, err
	}
	server, err := r.startConfigapi(ctx, storeSQLite, url)
	if err != nil {
		return publisher{}, err
	}
	r.onClose(func() { stop(server.Process) })
	return r.overWebsockets(byConfigapi, server.Process, server.Address), nil
}

func (r *rig) startGqlgen(ctx context.Context) (publisher, error) {
	url, err := r.newStore(ctx, storeSQLite, "gqlgen")
	if err != nil {
		return publisher{}, err
	}
	p, address, err := r.startReference(ctx, commandGqlgen, strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		return publisher{}, err
	}
	err = p.Await(ctx, func(ctx context.Context) bool { return processtest.IsReady(ctx, address) })
	return r.overWebsockets(byGqlgen, p, address), err
}

// overWebsockets is a server that is written to over REST, and streams over websockets.
func (r *rig) overWebsockets(by string, p *processtest.Process, address string) publisher {
	join := func(stalls bool) subscribe {
		return func(ctx context.Context, subscribers int, t *tally) (io.Closer, error) {
			return joinCrowd(ctx, address, subscribers, stalls, t)
		}
	}
	return publisher{
		by:        by,
		process:   p,
		subscribe: join(false),
		stall:     join(true),
		write: func(writers, size int, life time.Duration) ([]writer, closers, error) {
			return r.restWriters(address, writers, size, life)
		},
	}
}

// restWriters write over REST, each on a connection of its own.
func (r *rig) restWriters(address string, writers, size int, life time.Duration) ([]writer, closers, error) {
	open, put := opener(r.options.Client), restPut(size)
	var all []writer
	var opened closers
	for range writers {
		send, closer, err := open(address, put, time.Now().Add(life))
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("connecting to %s: %w", address, err), opened.Close())
		}
		opened = append(opened, closer)
		all = append(all, func(change int) error {
			status, body, err := send(change%r.options.Names, change)
			if err != nil {
				return err
			}
			return put.check(status, body)
		})
	}
	return all, opened, nil
}

// startWatched starts an etcd with data of its own. connections is how many so many watchers share.
func (r *rig) startWatched(ctx context.Context, by, dir string, connections func(watchers int) int) (publisher, error) {
	p, address, err := r.startReference(ctx, commandEtcd, filepath.Join(r.dir, dir))
	return publisher{
		by:      by,
		process: p,
		subscribe: func(ctx context.Context, subscribers int, t *tally) (io.Closer, error) {
			return watchEtcd(ctx, address, subscribers, connections(subscribers), t)
		},
		write: func(writers, size int, life time.Duration) ([]writer, closers, error) {
			return r.etcdWriters(address, writers, size, life)
		},
	}, err
}

// etcdWriters write with etcd's own client, on shared connections.
func (r *rig) etcdWriters(address string, writers, size int, life time.Duration) ([]writer, closers, error) {
	shared := connections(r.options.EtcdConns, writers)
	ctx, clients, opened, err := dialEtcd(address, shared, life)
	if err != nil {
		return nil, nil, err
	}
	var all []writer
	for i := range writers {
		name, value := newTemplate(namePattern()), newTemplate(valuePattern(size))
		all = append(all, func(change int) error {
			n := change % r.options.Names
			return etcdPut(ctx, clients[i%shared], string(name.fill(n, change)), string(value.fill(n, change)))
		})
	}
	return all, opened, nil
}

// watchConnections is how many connections watchers share: the flag, or what was seen to serve etcd best.
func (o *options) watchConnections(watchers int) int {
	return min(watchers, cmp.Or(o.EtcdWatchConns, 2*runtime.NumCPU()))
}
