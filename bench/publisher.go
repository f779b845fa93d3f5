package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"configapi/internal/processtest"
)

// Names of publishers besides byEtcd, as in the columns of the report.
const (
	byConfigapi  = "configapi"
	byGqlgen     = "gqlgen"
	byEtcdEach   = "etcd 1:1" // with a connection per watcher
	byShared     = "configapi 100:1"
	byEtcdShared = "etcd 100:1"
	byTLS        = "configapi TLS"
)

// perShared is the number of subscribers on each connection of byShared and byEtcdShared. It is the
// most that configapi allows.
const perShared = 100

// maxEtcdEach is the most connections of etcd's client. With more, the client would be what is
// measured.
const maxEtcdEach = 1000

// publisher is a server with subscriptions to its changes.
type publisher struct {
	by      string
	process *processtest.Process
	// subscribe subscribes to all changes, and returns when all subscribers are live. Later errors
	// are reported to the tally.
	subscribe subscribe
	// stall is subscribe for subscribers that stop reading once they are live. nil: not measured.
	stall subscribe
	// most is the largest number of subscribers that it is measured with. 0: any.
	most int
	// perSocket is how many subscribers share a websocket. 0: they have none.
	perSocket int
	// write opens connections for so many writers of values of so many bytes.
	write func(writers, size int, life time.Duration) ([]writer, closers, error)
	// used returns the CPU time of all its processes. nil: of process only.
	used func() time.Duration
}

// subscribe connects so many subscribers. Closing the result disconnects them.
type subscribe func(ctx context.Context, subscribers int, t *tally) (io.Closer, error)

// writer sets the config of a change, and returns when that is acknowledged. The value begins with
// the number of the change.
type writer func(change int) error

// takes reports whether it is measured with so many subscribers.
func (p *publisher) takes(subscribers int) bool { return p.most == 0 || subscribers <= p.most }

// checkFiles returns an error if this process may not open as many files as subscribers need.
func (p *publisher) checkFiles(subscribers int) error {
	if p.perSocket == 0 {
		return nil
	}
	return checkFiles((subscribers + p.perSocket - 1) / p.perSocket)
}

func (p *publisher) cpu() time.Duration {
	if p.used != nil {
		return p.used()
	}
	return p.process.CPU()
}

// startPublishers starts the servers whose streams are compared, each with an empty history on
// disk: configapi and gqlgen on SQLite, which is configapi's default.
func (r *rig) startPublishers(ctx context.Context) ([]publisher, error) {
	one := func(watchers int) int { return watchers }
	shared := func(watchers int) int { return (watchers + perShared - 1) / perShared }
	starts := map[string]func() (publisher, error){
		byConfigapi: func() (publisher, error) { return r.startStreams(ctx, byConfigapi, "streams", 1) },
		byShared:    func() (publisher, error) { return r.startStreams(ctx, byShared, "streams-shared", perShared) },
		byGqlgen:    func() (publisher, error) { return r.startGqlgen(ctx) },
		byTLS:       func() (publisher, error) { return r.startTLS(ctx) },
		byEtcd: func() (publisher, error) {
			return r.startWatched(ctx, byEtcd, "etcd-streams", r.options.watchConnections)
		},
		byEtcdEach:   func() (publisher, error) { return r.startWatched(ctx, byEtcdEach, "etcd-each", one) },
		byEtcdShared: func() (publisher, error) { return r.startWatched(ctx, byEtcdShared, "etcd-shared", shared) },
	}
	var started []publisher
	for _, by := range r.options.Publishers {
		p, err := starts[by]()
		if err != nil {
			return nil, err
		}
		started = append(started, p)
	}
	return started, nil
}

// startStreams starts configapi with a store of this name, for so many subscribers on each
// connection.
func (r *rig) startStreams(ctx context.Context, by, store string, perConnection int) (publisher, error) {
	url, err := r.newStore(ctx, storeSQLite, store)
	if err != nil {
		return publisher{}, err
	}
	command := serveCommand(r.binary, url)
	if most := r.options.mostConnections(); most > defaultConnections {
		command.Args = append(command.Args, "--max-connections", strconv.Itoa(most))
	}
	server, err := processtest.Serve(ctx, command, r.logPath("configapi-"+store))
	if err != nil {
		return publisher{}, err
	}
	r.onClose(func() { stop(server.Process) })
	return r.overWebsockets(by, server.Process, server.Address, perConnection), nil
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
	return r.overWebsockets(byGqlgen, p, address, 1), err
}

// startTLS starts configapi behind TLS. Writes go around it.
func (r *rig) startTLS(ctx context.Context) (publisher, error) {
	url, err := r.newStore(ctx, storeSQLite, "tls")
	if err != nil {
		return publisher{}, err
	}
	process, addresses, err := r.startReference(ctx, commandTLS, strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		return publisher{}, err
	}
	plain, secured, _ := strings.Cut(addresses, " ")
	err = process.Await(ctx, func(ctx context.Context) bool { return processtest.IsReady(ctx, plain) })
	p := r.overWebsockets(byTLS, process, plain, 1)
	p.stall = nil
	p.subscribe = func(ctx context.Context, subscribers int, t *tally) (io.Closer, error) {
		return joinSecured(ctx, secured, subscribers, t)
	}
	return p, err
}

// overWebsockets returns a publisher that is written to over REST and has subscribers over
// websockets, so many on each.
func (r *rig) overWebsockets(by string, p *processtest.Process, address string, perConnection int) publisher {
	join := func(stalls bool) subscribe {
		return func(ctx context.Context, subscribers int, t *tally) (io.Closer, error) {
			return joinCrowd(ctx, address, subscribers, perConnection, stalls, nil, t)
		}
	}
	return publisher{
		by:        by,
		process:   p,
		subscribe: join(false),
		stall:     join(true),
		perSocket: perConnection,
		write: func(writers, size int, life time.Duration) ([]writer, closers, error) {
			return r.restWriters(address, restPut(size), writers, life)
		},
	}
}

// restWriters returns writers that send a request over REST, each with its own connection.
func (r *rig) restWriters(address string, put request, writers int, life time.Duration) ([]writer, closers, error) {
	open := opener(r.options.Client)
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

// startWatched starts an etcd with its own data. connections returns the number of connections for
// so many watchers.
func (r *rig) startWatched(ctx context.Context, by, dir string, connections func(watchers int) int) (publisher, error) {
	data := filepath.Join(r.dir, dir)
	r.onClose(func() { _ = os.RemoveAll(data) })
	p, address, err := r.startReference(ctx, commandEtcd, data)
	most := 0
	if by == byEtcdEach {
		most = maxEtcdEach
	}
	return publisher{
		by:      by,
		process: p,
		most:    most,
		subscribe: func(ctx context.Context, subscribers int, t *tally) (io.Closer, error) {
			return watchEtcd(ctx, address, subscribers, connections(subscribers), t)
		},
		write: func(writers, size int, life time.Duration) ([]writer, closers, error) {
			return r.etcdWriters(address, writers, size, life)
		},
	}, err
}

// etcdWriters returns writers with etcd's own client, on shared connections.
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

// defaultConnections is how many connections configapi takes by default.
const defaultConnections = 20_000

// mostConnections returns how many connections a server must take: as many as there are subscribers
// in any measurement that this machine does not refuse.
func (o *options) mostConnections() int {
	const others = 300 // of writers
	most := 0
	for _, n := range slices.Concat(o.Subscribers, o.Idle) {
		if checkFiles(n) == nil {
			most = max(most, n)
		}
	}
	return most + others
}

// watchConnections returns the number of connections for watchers: the flag, or what is best for
// etcd.
func (o *options) watchConnections(watchers int) int {
	return min(watchers, cmp.Or(o.EtcdWatchConns, 2*runtime.NumCPU()))
}
