package graph

import (
	"context"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/graph/scalar"
	"configapi/graph/transport"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

func (r subscriptionResolver) Config(ctx context.Context, text string) (<-chan *object.Config, error) {
	name, err := config.ParseName(text)
	if err != nil {
		return nil, err
	}
	var watch *configstore.ConfigWatch
	if told, resumes := transport.Begin(ctx).(statePlace); resumes {
		watch, err = r.store.ResumeConfig(r.caller(ctx), name, configstore.ConfigOffset(told))
	} else {
		watch, err = r.store.WatchConfig(r.caller(ctx), name)
	}
	if err != nil {
		return nil, err
	}
	return transport.Stream(ctx, states{r.resolver, watch}), nil
}

func (r subscriptionResolver) ConfigChanges(ctx context.Context, input *model.ConfigFilterInput, after *eventstore.Position) (<-chan *model.ConfigChangeBatch, error) {
	filter, err := filterOf(input)
	if err != nil {
		return nil, err
	}
	if told, resumes := transport.Begin(ctx).(changesPlace); resumes {
		watch, err := r.store.Resume(r.caller(ctx), filter, configstore.Offset(told))
		if err != nil {
			return nil, err
		}
		return transport.Stream(ctx, changes{watch}), nil
	}
	if after, err = resumedAfter(ctx, after); err != nil {
		return nil, err
	}
	watch, err := r.store.Watch(ctx, r.caller(ctx), filter, after)
	if err != nil {
		return nil, err
	}
	return transport.Stream(ctx, changes{watch}), nil
}

// resumedAfter is where a stream begins: after the last message that its client got over an earlier connection, when the
// transport knows which, else where the client's document says. The document is the same each time that an EventSource comes back.
func resumedAfter(ctx context.Context, after *eventstore.Position) (*eventstore.Position, error) {
	last := transport.LastEventID(ctx)
	if last == "" {
		return after, nil
	}
	position, err := scalar.ParsePosition(last)
	return &position, err
}

// states is the source of Subscription.config. Its places are ordered by the change that made the state.
type states struct {
	*resolver
	watch *configstore.ConfigWatch
}

type statePlace configstore.ConfigOffset

func (p statePlace) Order() int64 {
	if p.State == nil {
		return 0
	}
	return int64(p.State.Seq)
}

// ID is none: the state of a config is told anew to who comes back.
func (p statePlace) ID() string { return "" }

func (s states) Next(ctx context.Context, _ int64) (*object.Config, transport.Step, error) {
	state, err := s.watch.Next(ctx)
	if err != nil {
		return nil, transport.Step{}, err
	}
	place := statePlace(s.watch.Offset())
	return s.present(state), transport.Step{First: place.Order(), Place: place, CaughtUp: true, Bytes: stateSize(state)}, nil
}

// changes is the source of Subscription.configChanges. Its places are heads of the history.
type changes struct{ watch *configstore.Watch }

type changesPlace configstore.Offset

func (p changesPlace) Order() int64 { return int64(p.Head.Seq) }

func (p changesPlace) ID() string { return p.Head.Position().String() }

func (s changes) Next(ctx context.Context, end int64) (*model.ConfigChangeBatch, transport.Step, error) {
	read := s.watch.Next
	if end > 0 {
		read = func(ctx context.Context) (configstore.Changes, error) {
			return s.watch.ReadTo(ctx, eventstore.Seq(end))
		}
	}
	found, err := read(ctx)
	if err != nil {
		return nil, transport.Step{}, err
	}
	step := transport.Step{Place: changesPlace(s.watch.Offset()), CaughtUp: found.CaughtUp, Bytes: revisionsSize(found.Revisions)}
	if len(found.Revisions) > 0 {
		step.First = int64(found.Revisions[0].Seq)
	} else {
		step.First, step.Silent = step.Place.Order()+1, end > 0
	}
	return batchOf(found), step, nil
}
