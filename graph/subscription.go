package graph

import (
	"context"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/graph/scalar"
	"configapi/graph/transport/fanout"
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
	if offset, resumes := fanout.ResumeOffset(ctx).(configOffset); resumes {
		watch, err = r.store.ResumeConfig(r.caller(ctx), name, configstore.ConfigOffset(offset))
	} else {
		watch, err = r.store.WatchConfig(r.caller(ctx), name)
	}
	if err != nil {
		return nil, err
	}
	return fanout.Stream(ctx, configSource{r.resolver, watch}), nil
}

func (r subscriptionResolver) ConfigChanges(ctx context.Context, input *model.ConfigFilterInput, after *eventstore.Position) (<-chan *model.ConfigChangeBatch, error) {
	filter, err := filterOf(input)
	if err != nil {
		return nil, err
	}
	if offset, resumes := fanout.ResumeOffset(ctx).(changesOffset); resumes {
		watch, err := r.store.Resume(r.caller(ctx), filter, configstore.Offset(offset))
		if err != nil {
			return nil, err
		}
		return fanout.Stream(ctx, changesSource{watch}), nil
	}
	if after, err = resumedAfter(ctx, after); err != nil {
		return nil, err
	}
	watch, err := r.store.Watch(ctx, r.caller(ctx), filter, after)
	if err != nil {
		return nil, err
	}
	return fanout.Stream(ctx, changesSource{watch}), nil
}

// resumedAfter returns the position after which a subscription begins: that of the last message
// that its client got over an earlier connection, if the transport knows it, else the one in the
// document. An EventSource sends the same document each time it reconnects.
func resumedAfter(ctx context.Context, after *eventstore.Position) (*eventstore.Position, error) {
	last := fanout.LastEventID(ctx)
	if last == "" {
		return after, nil
	}
	position, err := scalar.ParsePosition(last)
	return &position, err
}

// configSource is the source of Subscription.config. Its offsets are ordered by the change that
// made the state.
type configSource struct {
	*resolver
	watch *configstore.ConfigWatch
}

type configOffset configstore.ConfigOffset

func (p configOffset) Order() int64 {
	if p.State == nil {
		return 0
	}
	return int64(p.State.Seq)
}

// ID returns no id: a client that reconnects gets the state of the config again.
func (p configOffset) ID() string { return "" }

func (s configSource) Rights() string { return s.watch.Rights() }

func (s configSource) Next(ctx context.Context, _ int64) (*object.Config, fanout.Step, error) {
	state, err := s.watch.Next(ctx)
	if err != nil {
		return nil, fanout.Step{}, err
	}
	offset := configOffset(s.watch.Offset())
	return s.present(state), fanout.Step{First: offset.Order(), Offset: offset, CaughtUp: true, Bytes: stateSize(state)}, nil
}

// changesSource is the source of Subscription.configChanges. Its offsets are heads of the history.
type changesSource struct{ watch *configstore.Watch }

type changesOffset configstore.Offset

func (p changesOffset) Order() int64 { return int64(p.Head.Seq) }

func (p changesOffset) ID() string { return p.Head.Position().String() }

func (s changesSource) Rights() string { return s.watch.Rights() }

func (s changesSource) Next(ctx context.Context, end int64) (*model.ConfigChangeBatch, fanout.Step, error) {
	read := s.watch.Next
	if end > 0 {
		read = func(ctx context.Context) (configstore.Changes, error) {
			return s.watch.ReadTo(ctx, eventstore.Seq(end))
		}
	}
	found, err := read(ctx)
	if err != nil {
		return nil, fanout.Step{}, err
	}
	step := fanout.Step{Offset: changesOffset(s.watch.Offset()), CaughtUp: found.CaughtUp, Bytes: revisionsSize(found.Revisions)}
	if len(found.Revisions) > 0 {
		step.First = int64(found.Revisions[0].Seq)
	} else {
		step.First, step.Silent = step.Offset.Order()+1, end > 0
	}
	return batchOf(found), step, nil
}
