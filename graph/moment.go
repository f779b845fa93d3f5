package graph

import (
	"context"
	"errors"
	"time"

	"configapi/graph/model"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

// moment is what an asOf asks for: a position, or an instant when there is one.
type moment struct {
	position eventstore.Bookmark
	instant  time.Time // UTC
}

// lookup is the snapshot of a moment, found once for all fields of an operation that ask for it.
type lookup struct {
	done     chan struct{} // closed when the rest is there
	snapshot *configstore.Snapshot
	err      error
}

// errLookup stands for a look-up that panicked.
var errLookup = errors.New("looking up a moment was cut off")

// asOf returns the snapshot of a moment.
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
	return p.share(ctx, moment{instant: instant.UTC()}, find)
}

// asOfPosition returns the snapshot of a position, which is waited for if need be.
func (r *resolver) asOfPosition(ctx context.Context, at eventstore.Bookmark) (*configstore.Snapshot, error) {
	return r.pinOf(ctx).share(ctx, moment{position: at}, func() (*configstore.Snapshot, error) {
		reader, err := r.readerWith(ctx, at)
		if err != nil {
			return nil, err
		}
		return reader.AsOf(ctx, at)
	})
}

// share returns what find returns for a moment, or has returned before. Others that ask meanwhile wait for it until ctx ends.
func (p *pin) share(ctx context.Context, m moment, find func() (*configstore.Snapshot, error)) (*configstore.Snapshot, error) {
	p.mu.Lock()
	l, known := p.lookups[m]
	if !known {
		l = &lookup{done: make(chan struct{}), err: errLookup}
		if p.lookups == nil {
			p.lookups = make(map[moment]*lookup)
		}
		p.lookups[m] = l
	}
	p.mu.Unlock()
	if !known {
		defer close(l.done)
		l.snapshot, l.err = find()
		return l.snapshot, l.err
	}
	select {
	case <-l.done:
		return l.snapshot, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
