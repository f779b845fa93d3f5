package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"configapi/internal/eventstore"
)

// query is one of those that each reader has prepared.
type query int

const (
	headQuery query = iota
	branchQuery
	recordsQuery
	configQuery
	configBackQuery
	instantQuery
	asOfQuery
	asOfNoDataQuery
	receiptsQuery
)

const selectEvents = `
	SELECT e.position, e.hash, e.config_name, e.version, e.type, e.schema_version,
		e.data, e.actor, e.reason, e.recorded_at, e.append_id, e.change_set `

const selectEventsNoData = `
	SELECT e.position, e.hash, e.config_name, e.version, e.type, e.schema_version,
		'', e.actor, e.reason, e.recorded_at, e.append_id, e.change_set `

const fromAsOf = `FROM json_each(?2) AS names CROSS JOIN events e ON e.position = (
			SELECT position FROM events
			WHERE config_name = names.value AND position <= ?1 AND version < coalesce((
				SELECT version FROM events INDEXED BY events_milestones
				WHERE config_name = names.value AND position > ?1 AND version % 64 = 0
				ORDER BY position LIMIT 1), 9223372036854775807)
			ORDER BY version DESC LIMIT 1)`

var queries = [...]string{
	headQuery: `SELECT position, hash, recorded_at FROM history_head`,

	branchQuery: `SELECT hash FROM events WHERE position = ?`,

	recordsQuery: selectEvents + `FROM events e WHERE e.position > ? ORDER BY e.position LIMIT ?`,

	configQuery: selectEvents + `FROM events e WHERE e.config_name = ? AND e.version > ? ORDER BY e.version LIMIT ?`,

	configBackQuery: selectEvents + `FROM events e WHERE e.config_name = ? AND e.version < ? ORDER BY e.version DESC LIMIT ?`,

	instantQuery: selectEventsNoData + `FROM events e WHERE e.recorded_at <= ? ORDER BY e.recorded_at DESC LIMIT 1`,

	// For each name it looks up the first milestone after the position, and from there goes back through the versions of
	// the name, at most 64 of them, until one is at or before the position. However many there are after that, it costs
	// the same.
	//
	// The rows come in the order of the names, which are sorted: json_each walks the array, and
	// CROSS JOIN keeps it outside. An ORDER BY would read the data of all names before the first
	// row, also of those that the page has no room for.
	asOfQuery: selectEvents + fromAsOf,

	asOfNoDataQuery: selectEventsNoData + fromAsOf,

	receiptsQuery: `
		SELECT i.actor, i.key, i.request_hash, i.first_position, i.event_count, i.created_at
		FROM json_each(?) AS keys CROSS JOIN idempotency i ON i.actor = keys.value ->> 0 AND i.key = keys.value ->> 1`,
}

// Head returns the newest record's position, hash and time.
func (s *Store) Head(ctx context.Context) (head eventstore.Head, err error) {
	if err := s.files.check(); err != nil {
		return eventstore.Head{}, fmt.Errorf("reading the head: %w", err)
	}
	err = s.readers.use(ctx, func(r *reader) (err error) {
		head, err = r.readHead()
		return err
	})
	if err != nil {
		return eventstore.Head{}, fmt.Errorf("reading the head: %w", err)
	}
	return head, nil
}

// Read returns records after a position, oldest first.
func (s *Store) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	if err := s.files.check(); err != nil { // or the node would apply what the next start does not find
		return nil, fmt.Errorf("reading after position %d: %w", after, err)
	}
	known := s.signal.seq()
	records, err := read(ctx, s.readers, eventstore.Head{}, readAfter(after, limit))
	if err != nil {
		return nil, fmt.Errorf("reading after position %d: %w", after, err)
	}
	if len(records) == 0 {
		s.signal.correct(known, after)
	}
	return records, nil
}

// ReadBranch returns records after a position, oldest first.
func (s *Store) ReadBranch(ctx context.Context, branch eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := s.readForUser(ctx, branch, readAfter(after, limit))
	if err != nil {
		return nil, fmt.Errorf("reading after position %d: %w", after, err)
	}
	return records, nil
}

// ReadConfig returns records of one name after a version, oldest first.
func (s *Store) ReadConfig(ctx context.Context, branch eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit = limit.WithDefaults()
	records, err := s.readForUser(ctx, branch, question{configQuery, []any{name, int64(after), int64(limit.Records)}, limit})
	if err != nil {
		return nil, fmt.Errorf("reading config %q after version %d: %w", name, after, err)
	}
	return records, nil
}

// ReadConfigBack returns records of one name before a version, newest first.
func (s *Store) ReadConfigBack(ctx context.Context, branch eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit = limit.WithDefaults()
	records, err := s.readForUser(ctx, branch, question{configBackQuery, []any{name, int64(before), int64(limit.Records)}, limit})
	if err != nil {
		return nil, fmt.Errorf("reading config %q before version %d: %w", name, before, err)
	}
	return records, nil
}

// ReadInstant returns the newest record at or before an instant, without its data.
func (s *Store) ReadInstant(ctx context.Context, branch eventstore.Head, instant time.Time) (eventstore.Record, error) {
	q := question{instantQuery, []any{microseconds(instant)}, eventstore.Limit{}.WithDefaults()}
	found, err := s.readForUser(ctx, branch, q)
	if err != nil {
		return eventstore.Record{}, fmt.Errorf("reading as of %v: %w", instant, err)
	}
	if len(found) == 0 {
		return eventstore.Record{}, nil
	}
	return found[0], nil
}

// microseconds is the last whole one at or before an instant, whatever the year.
func microseconds(instant time.Time) int64 {
	const first, last = -1 << 53, 1 << 53 // beyond the years 0 to 9999, and within an int64
	return min(max(instant.Unix(), first/1_000_000), last/1_000_000)*1_000_000 + int64(instant.Nanosecond())/1000
}

// ReadAsOf returns for each of the names its newest record at or before a position, by name.
func (s *Store) ReadAsOf(ctx context.Context, branch eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	list, err := json.Marshal(slices.Sorted(slices.Values(q.Names)))
	if err != nil {
		return nil, err
	}
	asked := question{asOfQuery, []any{int64(q.At), string(list)}, limit.WithDefaults()}
	if q.NoData {
		asked.query = asOfNoDataQuery
	}
	records, err := s.readForUser(ctx, branch, asked)
	if err != nil {
		return nil, fmt.Errorf("reading %d configs as of position %d: %w", len(q.Names), q.At, err)
	}
	return records, nil
}

// question is what records are asked for.
type question struct {
	query query
	args  []any
	limit eventstore.Limit
}

func readAfter(after eventstore.Seq, limit eventstore.Limit) question {
	limit = limit.WithDefaults()
	return question{recordsQuery, []any{int64(after), int64(limit.Records)}, limit}
}

// readForUser reads on the connections of users, when it is its turn.
func (s *Store) readForUser(ctx context.Context, branch eventstore.Head, q question) ([]eventstore.Record, error) {
	if err := s.lane.Enter(ctx); err != nil {
		return nil, err
	}
	defer s.lane.Leave()
	return read(ctx, s.users, branch, q)
}

func read(ctx context.Context, from *readers, branch eventstore.Head, q question) (records []eventstore.Record, err error) {
	err = from.use(ctx, func(r *reader) (err error) {
		records, err = r.readBranch(ctx, branch, q)
		return err
	})
	return records, err
}
