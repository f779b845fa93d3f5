package history

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

const selectEvents = `select position, change_set, left(encode(hash, 'hex'), 8), config_name, version, type, data,
	coalesce(reason, ''), coalesce(reverts, ''), recorded_at from public.events where position > $1 order by position`

// Extend reads the events of the table events that the history does not have yet. An event that
// breaks a law of the history is a [*LawError].
func (h *History) Extend(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, selectEvents, h.Head())
	if err != nil {
		return fmt.Errorf("reading the history: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Event
		var data string
		if err := rows.Scan(&e.Seq, &e.ChangeSet, &e.Hash, &e.Name, &e.Version, &e.Type, &data, &e.Reason, &e.Reverts, &e.At); err != nil {
			return fmt.Errorf("reading the history: %w", err)
		}
		if err := e.readData(data); err != nil {
			return &LawError{err}
		}
		if err := h.Append(e); err != nil {
			return &LawError{err}
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the history: %w", err)
	}
	if err := h.Whole(); err != nil {
		return &LawError{err}
	}
	return nil
}

// LawError reports which law a history breaks.
type LawError struct{ reason error }

func (e *LawError) Error() string { return "the history breaks a law: " + e.reason.Error() }
func (e *LawError) Unwrap() error { return e.reason }

// readData decodes the column data. That of a token is not looked at.
func (e *Event) readData(text string) error {
	if strings.HasPrefix(e.Name, tokenPrefix) {
		return nil
	}
	var data struct {
		Value *string `json:"value"`
	}
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		return fmt.Errorf("seq %d: reading its data: %w", e.Seq, err)
	}
	if (data.Value == nil) != (e.Type == Deleted) {
		return fmt.Errorf("seq %d: a %s has the data %.100s", e.Seq, e.Type, text)
	}
	if data.Value != nil {
		e.Value = Digest(*data.Value)
	}
	return nil
}
