package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"configapi/internal/eventstore"
)

// ReadReceipts returns the receipts of the keys that have one.
func (s *Store) ReadReceipts(ctx context.Context, keys []eventstore.Key) (receipts []eventstore.Receipt, err error) {
	pairs := make([][2]string, len(keys))
	for i, key := range keys {
		pairs[i] = [2]string{key.Actor, key.Text}
	}
	list, err := json.Marshal(pairs)
	if err != nil {
		return nil, err
	}
	err = s.nodeReaders.use(ctx, func(r *reader) (err error) {
		receipts, err = r.readReceipts(string(list))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading %d receipts: %w", len(keys), err)
	}
	return receipts, nil
}

func (r *reader) readReceipts(keys string) ([]eventstore.Receipt, error) {
	s := r.prepared[receiptsQuery]
	defer r.reset(s)
	if err := r.bind(s, []any{keys}); err != nil {
		return nil, err
	}
	var receipts []eventstore.Receipt
	for {
		found, err := r.step(s)
		if err != nil || !found {
			return receipts, err
		}
		receipt := eventstore.Receipt{
			Key:        eventstore.Key{Actor: string(r.bytes(s, 0)), Text: string(r.bytes(s, 1))},
			First:      eventstore.Seq(r.integer(s, 3)),
			EventCount: int(r.integer(s, 4)),
			CreatedAt:  time.UnixMicro(r.integer(s, 5)).UTC(),
			Unchanged:  eventstore.SplitNames(string(r.bytes(s, 6))),
		}
		if err := fill(receipt.RequestHash[:], r.bytes(s, 2)); err != nil {
			return nil, fmt.Errorf("the hash of a request: %w", err)
		}
		receipts = append(receipts, receipt)
	}
}

const pruneReceipts = `
	DELETE FROM idempotency WHERE (actor, key) IN (
		SELECT actor, key FROM idempotency WHERE created_at < ? ORDER BY created_at LIMIT ?)`

// Key returns the key of the store.
func (s *Store) Key(ctx context.Context) (key eventstore.StoreKey, err error) {
	err = s.nodeReaders.use(ctx, func(r *reader) error {
		statement := r.prepared[keyQuery]
		defer r.reset(statement)
		found, err := r.step(statement)
		if err == nil && !found {
			err = errors.New("store_key has no row")
		}
		if err != nil {
			return err
		}
		return fill(key[:], r.bytes(statement, 0))
	})
	if err != nil {
		return eventstore.StoreKey{}, fmt.Errorf("reading the key of the store: %w", err)
	}
	return key, nil
}

// PruneReceipts removes old receipts. Appends wait for it, because they use the same connection.
func (s *Store) PruneReceipts(ctx context.Context, before time.Time, limit int) (pruned int, err error) {
	if s.writer == nil {
		return 0, fmt.Errorf("pruning receipts: %w", errReadOnly)
	}
	err = s.writer.run(ctx, func(t *transaction) (err error) {
		pruned, err = t.prune(before, limit)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("pruning receipts: %w", err)
	}
	return pruned, nil
}

func (t *transaction) prune(before time.Time, limit int) (int, error) {
	err := t.conn.run(t.pruneReceipts, func(a *arguments) {
		a.integer(before.UnixMicro())
		a.integer(int64(limit))
	})
	if err != nil {
		return 0, err
	}
	n := int(t.conn.changes())
	if n == 0 {
		return 0, t.abort(nil)
	}
	return n, t.end()
}
