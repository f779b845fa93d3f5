package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Names of contenders, as in the columns of the report.
const (
	byREST    = "REST"
	byGraphQL = "GraphQL"
	byBare    = "bare"
	byEtcd    = "etcd"
)

// connector opens connections for so many clients, and returns an operation for each.
type connector func(clients int, o clientOptions) ([]operation, closers, error)

// contender is a server, or an API of one, that is measured.
type contender struct {
	store   string // "" for references
	by      string
	address string               // of configapi; "" for references
	connect map[string]connector // :: part → connector; parts that are missing are not measured
	cpu     func() time.Duration // of the server
	forget  func() error         // truncates the server's log
	changes map[string]int       // :: part → changes that one request makes, each counted; missing: 1
}

// startContenders starts all servers, writes all names to them, and returns their contenders. What
// is compared is next to each other, so the references are in the middle.
func (r *rig) startContenders(ctx context.Context) ([]contender, error) {
	bare, err := r.startBare(ctx)
	if err != nil {
		return nil, err
	}
	etcd, err := r.startEtcd(ctx, "load", r.options)
	if err != nil {
		return nil, err
	}
	var ours []contender
	for _, store := range r.options.Stores {
		ways, err := r.startOurs(ctx, store, "load", r.options)
		if err != nil {
			return nil, err
		}
		ours = append(ours, ways...)
	}
	return slices.Insert(ours, len(ours)/2, bare, etcd), nil
}

func (r *rig) startBare(ctx context.Context) (contender, error) {
	p, address, err := r.startReference(ctx, commandBare, fmt.Sprint(r.options.Size))
	return contender{
		by:      byBare,
		connect: map[string]connector{partReads: httpConnector(address, restGet(r.options.Size))},
		cpu:     p.CPU,
		forget:  p.ForgetLog,
	}, err
}

// startEtcd starts an etcd for a part, and writes all names to it.
func (r *rig) startEtcd(ctx context.Context, part string, o options) (contender, error) {
	dir := r.dir + "/etcd-" + part
	r.onClose(func() { _ = os.RemoveAll(dir) })
	p, address, err := r.startReference(ctx, commandEtcd, dir)
	if err != nil {
		return contender{}, err
	}
	var gets []clientv3.OpOption
	if o.EtcdReads == readsSerializable {
		gets = append(gets, clientv3.WithSerializable())
	}
	connect := func(request etcdRequest) connector {
		return func(clients int, c clientOptions) ([]operation, closers, error) {
			return connectEtcd(address, request, clients, connections(o.EtcdConns, clients), o.Size, c)
		}
	}
	return contender{
		by:      byEtcd,
		connect: map[string]connector{partWrites: connect(etcdPut), partReads: connect(etcdGet(gets...))},
		cpu:     p.CPU,
		forget:  p.ForgetLog,
	}, fill(ctx, connect(etcdPut), o)
}

// startOurs starts configapi on a store for a part, with a contender for each API, and writes all
// names to it.
func (r *rig) startOurs(ctx context.Context, store, part string, o options) ([]contender, error) {
	url, err := r.newStore(ctx, store, part)
	if err != nil {
		return nil, err
	}
	server, err := r.startConfigapi(ctx, store, url)
	if err != nil {
		return nil, err
	}
	r.onClose(func() { stop(server.Process) })
	cpu := func() time.Duration { return server.CPU() + r.databaseCPU(store) }
	size := o.Size
	way := func(by string, get, put request) contender {
		return contender{store: store, by: by, address: server.Address, cpu: cpu, forget: server.ForgetLog, connect: map[string]connector{
			partReads:  httpConnector(server.Address, get),
			partWrites: httpConnector(server.Address, put),
		}}
	}
	return []contender{
		way(byREST, restGet(size), restPut(size)),
		way(byGraphQL, graphQLGet(size), graphQLSet(size)),
	}, fill(ctx, httpConnector(server.Address, restPut(size)), o)
}

// httpConnector returns a connector for one kind of request to a server.
func httpConnector(address string, request request) connector {
	return func(clients int, o clientOptions) ([]operation, closers, error) {
		return connect(address, request, clients, o)
	}
}
