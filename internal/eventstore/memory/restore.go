package memory

import (
	"context"

	"configapi/internal/eventstore"
)

// RestoreTarget returns the head to which a restore of a backup leads that has begun and not ended,
// or the zero Head.
func (s *Store) RestoreTarget(ctx context.Context) (eventstore.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.restoring, ctx.Err()
}

// BeginRestore notes that a restore to a head begins.
func (s *Store) BeginRestore(ctx context.Context, target eventstore.Head) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restoring = target
	return ctx.Err()
}

// EndRestore removes what BeginRestore has noted.
func (s *Store) EndRestore(ctx context.Context) error {
	return s.BeginRestore(ctx, eventstore.Head{})
}
