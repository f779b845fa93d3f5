package configstore

import "context"

// Health says what works. Each field is nil when that part is well, else it says what is wrong.
type Health struct {
	// EventStore: the history can be read.
	EventStore error
	// Projection: all events are applied as they come.
	Projection error
	// Applied and Head are positions: what this node has applied, and what the event store holds. Head is 0 while unknown.
	Applied, Head int64
}

// OK tells whether all is well.
func (h Health) OK() bool { return h.EventStore == nil && h.Projection == nil }

// Health asks the event store and the follower. It takes at most Options.HealthTimeout.
func (s *Store) Health(ctx context.Context) Health {
	ctx, cancel := context.WithTimeout(ctx, s.opts.HealthTimeout)
	defer cancel()

	b := s.branch.Load()
	h := Health{Applied: int64(b.view().Head().Position), Projection: b.follower.Problem()}
	if head, err := s.events.Head(ctx); err != nil {
		h.EventStore = err
	} else {
		h.Head = int64(head.Position)
	}
	if h.Projection == nil {
		h.Projection = b.err()
	}
	return h
}
