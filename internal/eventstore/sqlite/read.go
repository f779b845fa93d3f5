package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"configapi/internal/eventstore"
)

// queries are the statements that read, prepared on the read-only connections.
type queries struct{ head, read, readConfig, readAsOf *sql.Stmt }

const (
	selectHead = `SELECT position, hash, recorded_at FROM history_head`

	selectEvents = `
		SELECT e.position, e.hash, e.config_name, e.version, e.type, e.schema_version,
			e.data, e.actor, e.reason, e.recorded_at, e.append_id, e.change_set FROM `

	selectAfter = selectEvents + `events e WHERE e.position > ? ORDER BY e.position LIMIT ?`

	selectOfConfig = selectEvents + `events e WHERE e.config_name = ? AND e.version > ? ORDER BY e.version LIMIT ?`

	// For each name it looks up the first milestone after the position, and from there goes back through the versions of
	// the name, at most 64 of them, until one is at or before the position. However many there are after it, it costs
	// the same.
	selectAsOf = selectEvents + `json_each(?2) AS names CROSS JOIN events e ON e.position = (
			SELECT position FROM events
			WHERE config_name = names.value AND position <= ?1 AND version < coalesce((
				SELECT version FROM events INDEXED BY events_milestones
				WHERE config_name = names.value AND position > ?1 AND version % 64 = 0
				ORDER BY position LIMIT 1), 9223372036854775807)
			ORDER BY version DESC LIMIT 1)
		ORDER BY e.config_name`
)

func prepareQueries(ctx context.Context, db *sql.DB) (q queries, err error) {
	for statement, into := range map[string]**sql.Stmt{
		selectHead: &q.head, selectAfter: &q.read, selectOfConfig: &q.readConfig, selectAsOf: &q.readAsOf,
	} {
		if *into, err = db.PrepareContext(ctx, statement); err != nil {
			return queries{}, fmt.Errorf("preparing a query: %w", err)
		}
	}
	return q, nil
}

// Head returns the newest record's position, hash and time.
func (s *Store) Head(ctx context.Context) (eventstore.Head, error) {
	var head eventstore.Head
	var hash []byte
	var at int64
	if err := s.queries.head.QueryRowContext(ctx).Scan(&head.Position, &hash, &at); err != nil {
		return eventstore.Head{}, fmt.Errorf("reading the head: %w", err)
	}
	if head.Position == 0 {
		return eventstore.Head{}, nil
	}
	if err := fill(head.Hash[:], hash); err != nil {
		return eventstore.Head{}, fmt.Errorf("reading the head: %w", err)
	}
	head.RecordedAt = time.UnixMicro(at).UTC()
	return head, nil
}

// Read returns records after a position, oldest first.
func (s *Store) Read(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
	rows, err := s.queries.read.QueryContext(ctx, int64(after), limit)
	records, err := collect(rows, err, limit, eventstore.PageBytes)
	if err != nil {
		return nil, fmt.Errorf("reading after position %d: %w", after, err)
	}
	return records, nil
}

// ReadConfig returns records of one name after a version, oldest first.
func (s *Store) ReadConfig(ctx context.Context, name string, after, limit int) ([]eventstore.Record, error) {
	rows, err := s.queries.readConfig.QueryContext(ctx, name, after, limit)
	records, err := collect(rows, err, limit, eventstore.PageBytes)
	if err != nil {
		return nil, fmt.Errorf("reading config %q after version %d: %w", name, after, err)
	}
	return records, nil
}

// ReadAsOf returns for each of the names its newest record at or before a position, by name.
func (s *Store) ReadAsOf(ctx context.Context, at eventstore.Position, names []string) ([]eventstore.Record, error) {
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	rows, err := s.queries.readAsOf.QueryContext(ctx, int64(at), string(list))
	records, err := collect(rows, err, len(names), math.MaxInt)
	if err != nil {
		return nil, fmt.Errorf("reading %d configs as of position %d: %w", len(names), at, err)
	}
	return records, nil
}
