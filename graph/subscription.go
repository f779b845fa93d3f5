package graph

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/graph/scalar"
	"configapi/graph/transport"
	"configapi/internal/config"
	"configapi/internal/eventstore"
)

func (r subscriptionResolver) Config(ctx context.Context, text string) (<-chan *object.Config, error) {
	name, err := config.ParseName(text)
	if err != nil {
		return nil, err
	}
	watch := r.store.WatchConfig(r.caller(ctx), name)
	return stream(ctx, r.streams, func(ctx context.Context) (*object.Config, error) {
		state, err := watch.Next(ctx)
		return object.NewConfig(state), err
	}), nil
}

func (r subscriptionResolver) ConfigChanges(ctx context.Context, input *model.ConfigFilterInput, after *eventstore.Bookmark) (<-chan *model.ConfigChangeBatch, error) {
	filter, err := filterOf(input)
	if err != nil {
		return nil, err
	}
	if after, err = resumedAfter(ctx, after); err != nil {
		return nil, err
	}
	watch, err := r.store.Watch(ctx, r.caller(ctx), filter, after)
	if err != nil {
		return nil, err
	}
	return stream(ctx, r.streams, func(ctx context.Context) (*model.ConfigChangeBatch, error) {
		changes, err := watch.Next(ctx)
		if err == nil {
			transport.IdentifyNext(ctx, changes.Position.String())
		}
		return batchOf(changes), err
	}), nil
}

// resumedAfter is where a stream begins: after the last message that its client got over an earlier connection, when the
// transport knows which, else where the client's document says. The document is the same each time that an EventSource comes back.
func resumedAfter(ctx context.Context, after *eventstore.Bookmark) (*eventstore.Bookmark, error) {
	last := transport.LastEventID(ctx)
	if last == "" {
		return after, nil
	}
	position, err := scalar.UnmarshalPosition(last)
	return &position, err
}

// stream sends what next returns, until ctx ends or next fails. Nothing is taken from next before what it gave last has been
// received, so a slow reader finds the changes that came meanwhile together. ctx is the transport's, and ends with the stream.
func stream[T any](ctx context.Context, running *sync.WaitGroup, next func(context.Context) (T, error)) <-chan T {
	out := make(chan T)
	running.Go(func() {
		defer close(out)
		defer func() {
			if value := recover(); value != nil {
				transport.FailStream(ctx, graphql.GetOperationContext(ctx).Recover(ctx, value))
			}
		}()
		for {
			item, err := next(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				transport.FailStream(ctx, err)
				return
			}
			select {
			case out <- item:
			case <-ctx.Done():
				return
			}
		}
	})
	return out
}
