package postgres

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"configapi/internal/eventstore"
)

// Probe returns the head as [Store.Head] does, on a connection of its own: it does not wait for
// other reads.
func (s *Store) ProbeHead(ctx context.Context) (eventstore.Head, error) {
	var row headRow
	err := s.queryOn(ctx, s.healthPool, row.take, selectHead)
	head, missing := row.get()
	if err = cmp.Or(err, missing); err != nil {
		return eventstore.Head{}, fmt.Errorf("reading the head: %w", err)
	}
	return head, nil
}

// Now is the time of the server's clock. It is asked for on the same connection as [Store.Probe]
// uses.
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
