package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/generated"
	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/sqlite"
	"configapi/internal/httpd"
	"configapi/internal/rest"
)

// heapFloor is the same as in `configapi serve`, in bytes, so that only the transports differ.
const heapFloor = 64 << 20

// manyConnections is more than any run has.
const manyConnections = 1 << 20

// serveGqlgen is the reference for streams: configapi's schema, resolvers, config store, REST and
// HTTP server with gqlgen's own websocket transport, on an SQLite store at path. It runs in its own
// process until it is killed, and prints its address when it is ready.
func serveGqlgen(path string, out io.Writer) error {
	floor := make([]byte, heapFloor)
	defer runtime.KeepAlive(floor)
	ctx := context.Background()
	store, running, err := runStore(ctx, path)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, readyWord, listener.Addr())
	server := httpd.New(httpd.Options{
		Store: store, REST: rest.New(store, rest.Options{}), GraphQL: stockHandler(store), MaxConnections: manyConnections,
	})
	return errors.Join(server.Serve(ctx, listener), <-running)
}

// runStore runs a config store on an SQLite store at path until ctx ends or the store fails. Its
// error then arrives.
func runStore(ctx context.Context, path string) (*configstore.Store, <-chan error, error) {
	events, err := sqlite.Open(ctx, path, sqlite.Options{Lock: true})
	if err != nil {
		return nil, nil, err
	}
	store := configstore.New(events, configstore.Options{})
	ended := make(chan error, 1)
	go func() { ended <- store.Run(ctx) }()
	return store, ended, nil
}

// stockHandler sets gqlgen up as a careful user would: it caches parsed documents and detects
// silent clients, and there is nothing between transport and resolvers.
func stockHandler(store *configstore.Store) *handler.Server {
	root := stockResolvers{store: store}
	h := handler.New(generated.NewExecutableSchema(generated.Config{Resolvers: root}))
	h.AddTransport(transport.Websocket{InitTimeout: 5 * time.Second, PingPongInterval: 20 * time.Second})
	h.SetQueryCache(lru.New[*ast.QueryDocument](250))
	return h
}

// stockResolvers resolve what subscribers of the bench ask for. Any other field panics.
type stockResolvers struct {
	generated.ResolverRoot
	store *configstore.Store
}

func (r stockResolvers) Subscription() generated.SubscriptionResolver {
	return stockSubscriptions{store: r.store}
}

type stockSubscriptions struct {
	generated.SubscriptionResolver
	store *configstore.Store
}

// ConfigChanges sends the changes of a watch from a goroutine of its own, until the subscription or
// the watch ends.
func (r stockSubscriptions) ConfigChanges(ctx context.Context, _ *model.ConfigFilterInput, after *eventstore.Position) (<-chan *model.ConfigChangeBatch, error) {
	watch, err := r.store.Watch(ctx, auth.Anonymous, config.Filter{}, after)
	if err != nil {
		return nil, err
	}
	batches := make(chan *model.ConfigChangeBatch)
	go func() {
		defer close(batches)
		for {
			found, err := watch.Next(ctx)
			if err != nil {
				return
			}
			batch := &model.ConfigChangeBatch{
				Changes:  object.NewRevisions(found.Revisions),
				Position: found.Position,
				CaughtUp: found.CaughtUp,
			}
			select {
			case batches <- batch:
			case <-ctx.Done():
				return
			}
		}
	}()
	return batches, nil
}
