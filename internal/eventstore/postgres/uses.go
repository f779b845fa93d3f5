package postgres

import (
	"context"
	"fmt"
	"time"

	"configapi/internal/eventstore"
)

const (
	// The rows are locked in the order of their keys, so that nodes do not wait for each other in a
	// circle.
	keepUses = `
		insert into public.token_uses (public_id, used_at)
		select public_id, used_at from unnest($1::text[], $2::timestamptz[]) as uses(public_id, used_at) order by public_id collate "C"
		on conflict (public_id) do update set used_at = excluded.used_at where token_uses.used_at < excluded.used_at`

	dropUses = `delete from public.token_uses where public_id = any ($1::text[])`

	selectUses = `select public_id, used_at from public.token_uses where public_id > $1 order by public_id limit $2`
)

// KeepUses notes when secrets were used, on one of the node's reading connections, so that appends
// go on.
func (s *Store) KeepUses(ctx context.Context, uses []eventstore.Use) error {
	secrets, times := make([]string, len(uses)), make([]time.Time, len(uses))
	for i, use := range uses {
		secrets[i], times[i] = use.Secret, use.At
	}
	if err := s.query(ctx, noRow, keepUses, secrets, times); err != nil {
		return fmt.Errorf("noting the use of %d secrets: %w", len(uses), err)
	}
	return nil
}

// DropUses removes what is noted of secrets, on a connection as KeepUses does.
func (s *Store) DropUses(ctx context.Context, secrets []string) error {
	if err := s.query(ctx, noRow, dropUses, secrets); err != nil {
		return fmt.Errorf("removing the use of %d secrets: %w", len(secrets), err)
	}
	return nil
}

// noRow takes the rows of a statement that returns none.
func noRow([][]byte) (more bool, err error) { return true, nil }

// ReadUses returns what is noted of the secrets after one.
func (s *Store) ReadUses(ctx context.Context, after string) (uses []eventstore.Use, err error) {
	take := func(row [][]byte) (more bool, err error) {
		uses = append(uses, eventstore.Use{Secret: string(row[0]), At: instant(row[1])})
		return true, nil
	}
	if err := s.query(ctx, take, selectUses, after, eventstore.MaxUses); err != nil {
		return nil, fmt.Errorf("reading the use of secrets: %w", err)
	}
	return uses, nil
}
