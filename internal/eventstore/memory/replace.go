package memory

import (
	"slices"

	"configapi/internal/eventstore"
)

// Replace makes a head and records all that the store has, whether or not they fit together, like a
// restored backup or an edited database. It is for tests. Receipts stay. Versions of a name must be
// unique, or nothing is replaced and an error is returned.
func (s *Store) Replace(head eventstore.Head, records []eventstore.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	present, byName := s.records, s.byName
	s.records, s.byName = nil, make(map[string][]entry)
	if err := s.index(records); err != nil {
		s.records, s.byName = present, byName
		return err
	}
	s.head, s.records = head, slices.Clone(records)
	close(s.grown)
	s.grown = make(chan struct{})
	return nil
}
