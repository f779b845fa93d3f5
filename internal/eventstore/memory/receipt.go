package memory

import (
	"context"
	"slices"
	"time"

	"configapi/internal/eventstore"
)

// ReadReceipts returns the receipts of the keys that have one.
func (s *Store) ReadReceipts(ctx context.Context, keys []eventstore.Key) ([]eventstore.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []eventstore.Receipt
	for _, key := range keys {
		if r, ok := s.receipts[key]; ok {
			found = append(found, r)
		}
	}
	return found, nil
}

// Key returns the key of the store.
func (s *Store) Key(ctx context.Context) (eventstore.StoreKey, error) { return s.key, ctx.Err() }

// PruneReceipts removes old receipts.
func (s *Store) PruneReceipts(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for n < min(limit, len(s.byAge)) && s.receipts[s.byAge[n]].CreatedAt.Before(before) {
		delete(s.receipts, s.byAge[n])
		n++
	}
	s.byAge = s.byAge[n:]
	return n, nil
}

// keep adds receipts. Their keys must be free.
func (s *Store) keep(receipts []eventstore.Receipt) {
	for _, r := range receipts {
		s.receipts[r.Key] = r
		at, _ := slices.BinarySearchFunc(s.byAge, r.CreatedAt, func(key eventstore.Key, t time.Time) int {
			if s.receipts[key].CreatedAt.After(t) {
				return 1
			}
			return -1
		})
		s.byAge = slices.Insert(s.byAge, at, r.Key)
	}
}
