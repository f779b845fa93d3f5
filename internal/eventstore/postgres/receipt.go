package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"configapi/internal/eventstore"
)

const (
	selectReceipts = `
		select i.actor, i.key, i.request_hash, i.first_position, i.event_count, i.created_at, i.unchanged
		from unnest($1::text[], $2::text[]) as keys(actor, key)
		join public.idempotency i on i.actor = keys.actor and i.key = keys.key`

	pruneReceipts = `
		delete from public.idempotency where ctid = any (array(
			select ctid from public.idempotency where created_at < $1 order by created_at limit $2))`
)

// ReadReceipts returns the receipts of the keys that have one.
func (s *Store) ReadReceipts(ctx context.Context, keys []eventstore.Key) ([]eventstore.Receipt, error) {
	actors, texts := make([]string, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		actors[i], texts[i] = key.Actor, key.Text
	}
	var receipts []eventstore.Receipt
	err := s.query(ctx, func(row [][]byte) (more bool, err error) {
		r := eventstore.Receipt{
			Key:        eventstore.Key{Actor: string(row[0]), Text: string(row[1])},
			First:      eventstore.Seq(integer(row[3])),
			EventCount: int(int32(binary.BigEndian.Uint32(row[4]))),
			CreatedAt:  instant(row[5]),
			Unchanged:  eventstore.SplitNames(string(row[6])),
		}
		err = fill(r.RequestHash[:], row[2])
		receipts = append(receipts, r)
		return true, err
	}, selectReceipts, actors, texts)
	if err != nil {
		return nil, fmt.Errorf("reading %d receipts: %w", len(keys), err)
	}
	return receipts, nil
}

// Key returns the key of the store.
func (s *Store) Key(ctx context.Context) (key eventstore.StoreKey, err error) {
	take := func(row [][]byte) (more bool, err error) { return false, fill(key[:], row[0]) }
	if err := s.query(ctx, take, `select key from public.store_key`); err != nil {
		return eventstore.StoreKey{}, fmt.Errorf("reading the key of the store: %w", err)
	}
	if key == (eventstore.StoreKey{}) {
		return eventstore.StoreKey{}, errors.New("reading the key of the store: store_key has no row")
	}
	return key, nil
}

// PruneReceipts removes old receipts on one of the node's reading connections, so that appends go
// on.
func (s *Store) PruneReceipts(ctx context.Context, before time.Time, limit int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.queryTimeout)
	defer cancel()
	conn, err := s.nodePool.Acquire(ctx)
	if err != nil {
		return 0, fmt.Errorf("pruning receipts: %w", connectError(err))
	}
	defer conn.Release()
	tag, err := conn.Exec(ctx, pruneReceipts, before, limit)
	if isReadOnly(err) {
		_ = conn.Conn().Close(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("pruning receipts: %w", err)
	}
	return int(tag.RowsAffected()), nil
}
