package graph

import (
	"context"

	"configapi/graph/model"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

// asOf returns the snapshot of a moment. Equal moments of one query are looked up once.
func (r *resolver) asOf(ctx context.Context, at model.AsOfInput) (*configstore.Snapshot, error) {
	position, instant, err := momentOf(at)
	switch {
	case err != nil:
		return nil, err
	case position != nil:
		return r.asOfPosition(ctx, *position)
	}
	find := func() (*configstore.Snapshot, error) {
		reader, err := r.reader(ctx)
		if err != nil {
			return nil, err
		}
		return reader.AsOfTime(ctx, *instant)
	}
	p := r.pinOf(ctx)
	if p.reader == nil { // what an instant of the future means changes with each mutation
		return find()
	}
	return p.moments.Get(ctx, configstore.PointInTime{Instant: instant.UTC()}, find)
}

// asOfPosition returns the snapshot of a position, and waits for the position if need be.
func (r *resolver) asOfPosition(ctx context.Context, at eventstore.Position) (*configstore.Snapshot, error) {
	return r.pinOf(ctx).moments.Get(ctx, configstore.PointInTime{Position: at}, func() (*configstore.Snapshot, error) {
		reader, err := r.readerWith(ctx, at)
		if err != nil {
			return nil, err
		}
		return reader.AsOf(ctx, at)
	})
}
