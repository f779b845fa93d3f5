package postgres

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"configapi/internal/eventstore"
)

// ProbeHead returns the head as [Store.Head] does, on a connection kept for health checks: it does
// not wait for other reads.
func (s *Store) ProbeHead(ctx context.Context) (eventstore.Head, error) {
	var row headRow
	err := s.queryOn(ctx, s.healthPool, row.take, selectHead)
	head, missing := row.get()
	if err = cmp.Or(err, missing); err != nil {
		return eventstore.Head{}, fmt.Errorf("reading the head: %w", err)
	}
	return head, nil
}

// Now returns the time of the server's clock. It uses the same connection as [Store.ProbeHead].
func (s *Store) Now(ctx context.Context) (now time.Time, err error) {
	err = s.queryOn(ctx, s.healthPool, func(row [][]byte) (bool, error) {
		now = instant(row[0])
		return true, nil
	}, `select clock_timestamp()`)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the server's clock: %w", err)
	}
	return now, nil
}
