package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"configapi/internal/eventstore"
)

const (
	keepUses = `
		INSERT INTO token_uses (public_id, used_at)
		SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true
		ON CONFLICT (public_id) DO UPDATE SET used_at = excluded.used_at WHERE used_at < excluded.used_at`

	dropUses = `DELETE FROM token_uses WHERE public_id IN (SELECT value FROM json_each(?))`
)

// KeepUses notes when secrets were used. Appends wait for it, because they use the same connection.
func (s *Store) KeepUses(ctx context.Context, uses []eventstore.Use) error {
	pairs := make([][2]any, len(uses))
	for i, use := range uses {
		pairs[i] = [2]any{use.Secret, use.At.UnixMicro()}
	}
	if err := s.changeUses(ctx, keepUses, pairs); err != nil {
		return fmt.Errorf("noting the use of %d secrets: %w", len(uses), err)
	}
	return nil
}

// DropUses removes what is noted of secrets. Appends wait for it as for KeepUses.
func (s *Store) DropUses(ctx context.Context, secrets []string) error {
	if err := s.changeUses(ctx, dropUses, secrets); err != nil {
		return fmt.Errorf("removing the use of %d secrets: %w", len(secrets), err)
	}
	return nil
}

// changeUses runs a statement that takes a list as JSON.
func (s *Store) changeUses(ctx context.Context, text string, list any) error {
	if s.writer == nil {
		return errReadOnly
	}
	arg, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return s.writer.run(ctx, func(t *transaction) error {
		if err := t.conn.runOnce(text, func(a *arguments) { a.text(string(arg)) }); err != nil {
			return err
		}
		if t.conn.changes() == 0 {
			return t.abort(nil)
		}
		return t.end()
	})
}

// ReadUses returns what is noted of the secrets after one.
func (s *Store) ReadUses(ctx context.Context, after string) (uses []eventstore.Use, err error) {
	err = s.nodeReaders.use(ctx, func(r *reader) (err error) {
		uses, err = r.readUses(after)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the use of secrets: %w", err)
	}
	return uses, nil
}

func (r *reader) readUses(after string) (uses []eventstore.Use, err error) {
	s := r.prepared[usesQuery]
	defer r.reset(s)
	if err := r.bind(s, []any{after, int64(eventstore.MaxUses)}); err != nil {
		return nil, err
	}
	for {
		found, err := r.step(s)
		if err != nil || !found {
			return uses, err
		}
		uses = append(uses, eventstore.Use{Secret: string(r.bytes(s, 0)), At: time.UnixMicro(r.integer(s, 1)).UTC()})
	}
}
