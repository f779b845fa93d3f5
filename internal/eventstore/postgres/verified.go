package postgres

import (
	"context"
	"fmt"

	"configapi/internal/eventstore"
)

const (
	selectVerified = `select position, hash, verified_at from public.verification`

	upsertVerified = `
		insert into public.verification (position, hash, verified_at) values ($1, $2, pg_catalog.clock_timestamp())
		on conflict (singleton) do update
			set position = excluded.position, hash = excluded.hash, verified_at = excluded.verified_at`
)

// ReadVerified returns the head that any store on the database has kept last, or the zero Head.
func (s *Store) ReadVerified(ctx context.Context) (eventstore.Head, error) {
	var row headRow
	if err := s.query(ctx, row.take, selectVerified); err != nil {
		return eventstore.Head{}, fmt.Errorf("reading how far the history was verified: %w", err)
	}
	return eventstore.Head{Seq: row.head.Seq, Hash: row.head.Hash}, nil
}

// KeepVerified keeps a head.
func (s *Store) KeepVerified(ctx context.Context, head eventstore.Head) error {
	if err := s.query(ctx, noRow, upsertVerified, int64(head.Seq), head.Hash[:]); err != nil {
		return fmt.Errorf("keeping how far the history is verified: %w", err)
	}
	return nil
}
