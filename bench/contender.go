package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Who answers, as the columns of the report call them.
const (
	byREST    = "REST"
	byGraphQL = "GraphQL"
	byBare    = "bare"
	byEtcd    = "etcd"
)

// connector opens connections for so many clients and returns an operation for each.
type connector func(clients int, o clientOptions) ([]operation, closers, error)

// contender is one way to a server that is measured.
type contender struct {
	store   string // empty for references
	by      string
	connect map[string]connector // :: part → how to load it; a part that is missing is not measured
	cpu     func() time.Duration // of the server
	forget  func() error         // empties its log
}

// startContenders starts all servers, fills them with all names, and returns the ways to load them. The references
// stand in the middle, so that what is compared is measured close together.
func (r *rig) startContenders(ctx context.Context) ([]contender, error) {
	bare, err := r.startBare(ctx)
	if err != nil {
		return nil, err
	}
	etcd, err := r.startEtcd(ctx)
	if err != nil {
		return nil, err
	}
	var ours []contender
	for _, store := range r.options.Stores {
		ways, err := r.startOurs(ctx, store)
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

func (r *rig) startEtcd(ctx context.Context) (contender, error) {
	p, address, err := r.startReference(ctx, commandEtcd, r.dir+"/etcd")
	if err != nil {
		return contender{}, err
	}
	o := r.options
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

// startOurs starts configapi on a store; it is loaded by each of its APIs.
func (r *rig) startOurs(ctx context.Context, store string) ([]contender, error) {
	url, err := r.newStore(ctx, store, "load")
	if err != nil {
		return nil, err
	}
	server, err := r.startConfigapi(ctx, store, url)
	if err != nil {
		return nil, err
	}
	r.onClose(func() { stop(server.Process) })
	cpu := func() time.Duration { return server.CPU() + r.databaseCPU(store) }
	size := r.options.Size
	way := func(by string, get, put request) contender {
		return contender{store: store, by: by, cpu: cpu, forget: server.ForgetLog, connect: map[string]connector{
			partReads:  httpConnector(server.Address, get),
			partWrites: httpConnector(server.Address, put),
		}}
	}
	return []contender{
		way(byREST, restGet(size), restPut(size)),
		way(byGraphQL, graphQLGet(size), graphQLSet(size)),
	}, fill(ctx, httpConnector(server.Address, restPut(size)), r.options)
}

// httpConnector loads a server with one kind of request.
func httpConnector(address string, request request) connector {
	return func(clients int, o clientOptions) ([]operation, closers, error) {
		return connect(address, request, clients, o)
	}
}
