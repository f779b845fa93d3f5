package configstore

import "context"

// OK reports whether all is well. A clock that is off does not count as long as events can be
// written: they are in order all the same.
func (h Health) OK() bool { return h.EventStore == nil && h.Projection == nil && h.Writing == nil }

// TakeScanTurns takes all turns of scans over names, until release is called.
func (s *Store) TakeScanTurns(ctx context.Context) (release func(), err error) {
	scans := s.generation.Load().scans
	turns := scanTurns()
	return func() { scans.Release(turns) }, scans.Acquire(ctx, turns)
}
