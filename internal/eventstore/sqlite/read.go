package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"configapi/internal/eventstore"
)

// query is one of the queries that each reader prepares.
type query int

const (
	headQuery query = iota
	basisQuery
	recordsQuery
	configQuery
	configBackQuery
	instantQuery
	asOfQuery
	asOfNoDataQuery
	versionsQuery
	receiptsQuery
	keyQuery
	backQuery
	backActorQuery
	actorFloorQuery
	backNamesQuery
	namesFloorQuery
	namesQuery
	headsQuery
	placesQuery
	timeQuery
	newestQuery
)

const selectEvents = `
	SELECT e.position, e.hash, e.config_name, e.version, e.type, e.schema_version,
		e.data, e.actor, e.reason, e.recorded_at, e.append_id, e.change_set, e.reverts, e.salt_who, e.salt_what, e.what `

const selectEventsNoData = `
	SELECT e.position, e.hash, e.config_name, e.version, e.type, e.schema_version,
		'', e.actor, e.reason, e.recorded_at, e.append_id, e.change_set, e.reverts, e.salt_who, e.salt_what, e.what `

const fromAsOf = `FROM json_each(?2) AS names CROSS JOIN events e ON e.position = (
			SELECT position FROM events
			WHERE config_name = names.value AND position <= ?1 AND version < coalesce((
				SELECT version FROM events INDEXED BY events_milestones
				WHERE config_name = names.value AND position > ?1 AND version % 64 = 0
				ORDER BY position LIMIT 1), 9223372036854775807)
			ORDER BY version DESC LIMIT 1)`

var queries = [...]string{
	headQuery: `SELECT position, hash, recorded_at FROM history_head`,

	basisQuery: `SELECT hash FROM events WHERE position = ?`,

	recordsQuery: selectEvents + `FROM events e WHERE e.position > ? ORDER BY e.position LIMIT ?`,

	configQuery: selectEvents + `FROM events e WHERE e.config_name = ? AND e.version > ? ORDER BY e.version LIMIT ?`,

	configBackQuery: selectEvents + `FROM events e WHERE e.config_name = ? AND e.version < ? ORDER BY e.version DESC LIMIT ?`,

	instantQuery: selectEventsNoData + `FROM events e WHERE e.recorded_at <= ? ORDER BY e.recorded_at DESC LIMIT 1`,

	// For each name the query finds the first milestone after the seq (one in 64 versions is a
	// milestone), and from there goes back through the versions of the name until one is at or
	// before the seq. It costs the same however many versions follow: see BenchmarkStore.
	//
	// The rows come in the order of the sorted names: json_each walks the array, and CROSS JOIN
	// keeps it the outer loop. An ORDER BY would read the data of all names before the first row,
	// also of those that do not fit into the page.
	asOfQuery: selectEvents + fromAsOf,

	asOfNoDataQuery: selectEventsNoData + fromAsOf,

	// The rows come in the order of the array, as those of asOfQuery.
	versionsQuery: selectEvents + `
		FROM json_each(?) AS asked CROSS JOIN events e ON e.config_name = asked.value ->> 0 AND e.version = asked.value ->> 1`,

	keyQuery: `SELECT key FROM store_key`,

	receiptsQuery: `
		SELECT i.actor, i.key, i.request_hash, i.first_position, i.event_count, i.created_at, i.unchanged
		FROM json_each(?) AS keys CROSS JOIN idempotency i ON i.actor = keys.value ->> 0 AND i.key = keys.value ->> 1`,

	backQuery:       textOfBackQuery,
	backActorQuery:  textOfBackActorQuery,
	actorFloorQuery: textOfActorFloorQuery,
	backNamesQuery:  textOfBackNamesQuery,
	namesFloorQuery: textOfNamesFloorQuery,
	namesQuery:      textOfNamesQuery,
	headsQuery:      textOfHeadsQuery,

	placesQuery: textOfPlacesQuery,
	timeQuery:   textOfTimeQuery,
	newestQuery: textOfNewestQuery,
}

// Head returns the seq, hash and time of the newest record.
func (s *Store) Head(ctx context.Context) (head eventstore.Head, err error) {
	if err := s.files.check(); err != nil {
		return eventstore.Head{}, fmt.Errorf("reading the head: %w", err)
	}
	err = s.nodeReaders.use(ctx, func(r *reader) (err error) {
		head, err = r.readHead()
		return err
	})
	if err != nil {
		return eventstore.Head{}, fmt.Errorf("reading the head: %w", err)
	}
	return head, nil
}

// Read returns records after a seq, oldest first.
func (s *Store) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	// Otherwise the node would apply records that are lost at the next start.
	if err := s.files.check(); err != nil {
		return nil, fmt.Errorf("reading after seq %d: %w", after, err)
	}
	known := s.appends.seq()
	records, err := read(ctx, s.nodeReaders, eventstore.Head{}, readAfter(after, limit))
	if err != nil {
		return nil, fmt.Errorf("reading after seq %d: %w", after, err)
	}
	if len(records) == 0 {
		s.appends.lower(known, after)
	}
	return records, nil
}

// ReadHistory returns records after a seq, oldest first, when it is the read's turn.
func (s *Store) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := s.readQueued(ctx, basis, readAfter(after, limit))
	if err != nil {
		return nil, fmt.Errorf("reading after seq %d: %w", after, err)
	}
	return records, nil
}

// ReadConfig returns records of one name after a version, oldest first.
func (s *Store) ReadConfig(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit = limit.WithDefaults()
	records, err := s.readQueued(ctx, basis, recordQuery{configQuery, []any{name, int64(after), int64(limit.Records)}, limit})
	if err != nil {
		return nil, fmt.Errorf("reading config %q after version %d: %w", name, after, err)
	}
	return records, nil
}

// ReadConfigBack returns records of one name before a version, newest first.
func (s *Store) ReadConfigBack(ctx context.Context, basis eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit = limit.WithDefaults()
	records, err := s.readQueued(ctx, basis, recordQuery{configBackQuery, []any{name, int64(before), int64(limit.Records)}, limit})
	if err != nil {
		return nil, fmt.Errorf("reading config %q before version %d: %w", name, before, err)
	}
	return records, nil
}

// ReadInstant returns the newest record at or before an instant, without its data.
func (s *Store) ReadInstant(ctx context.Context, basis eventstore.Head, instant time.Time) (eventstore.Record, error) {
	q := recordQuery{instantQuery, []any{microseconds(instant)}, eventstore.Limit{}.WithDefaults()}
	found, err := s.readQueued(ctx, basis, q)
	if err != nil {
		return eventstore.Record{}, fmt.Errorf("reading as of %v: %w", instant, err)
	}
	if len(found) == 0 {
		return eventstore.Record{}, nil
	}
	return found[0], nil
}

// microseconds returns the last whole microsecond at or before an instant, also outside of the
// years 0 to 9999.
func microseconds(instant time.Time) int64 {
	const first, last = -1 << 53, 1 << 53 // beyond those years, but within an int64
	return min(max(instant.Unix(), first/1_000_000), last/1_000_000)*1_000_000 + int64(instant.Nanosecond())/1000
}

// ReadAsOf returns for each of the names its newest record at or before a seq, by name.
func (s *Store) ReadAsOf(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	list, err := json.Marshal(slices.Sorted(slices.Values(q.Names)))
	if err != nil {
		return nil, err
	}
	asked := recordQuery{asOfQuery, []any{int64(q.At), string(list)}, limit.WithDefaults()}
	if q.NoData {
		asked.query = asOfNoDataQuery
	}
	records, err := s.readQueued(ctx, basis, asked)
	if err != nil {
		return nil, fmt.Errorf("reading %d configs as of seq %d: %w", len(q.Names), q.At, err)
	}
	return records, nil
}

// ReadVersions returns the records of versions, in the order asked.
func (s *Store) ReadVersions(ctx context.Context, basis eventstore.Head, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	q, err := readVersions(versions, limit)
	if err != nil {
		return nil, err
	}
	records, err := s.readQueued(ctx, basis, q)
	if err != nil {
		return nil, fmt.Errorf("reading %d versions: %w", len(versions), err)
	}
	return records, nil
}

// LookUp returns the records of versions, in the order asked, on a connection for the node itself.
func (s *Store) LookUp(ctx context.Context, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	q, err := readVersions(versions, limit)
	if err != nil {
		return nil, err
	}
	records, err := read(ctx, s.nodeReaders, eventstore.Head{}, q)
	if err != nil {
		return nil, fmt.Errorf("looking up %d versions: %w", len(versions), err)
	}
	return records, nil
}

func readVersions(versions []eventstore.VersionOf, limit eventstore.Limit) (recordQuery, error) {
	asked := make([][2]any, len(versions))
	for i, v := range versions {
		asked[i] = [2]any{v.Name, v.Version}
	}
	list, err := json.Marshal(asked)
	return recordQuery{versionsQuery, []any{string(list)}, limit.WithDefaults()}, err
}

// recordQuery is a query for records, with its arguments and the limit of its page.
type recordQuery struct {
	query query
	args  []any
	limit eventstore.Limit
}

func readAfter(after eventstore.Seq, limit eventstore.Limit) recordQuery {
	limit = limit.WithDefaults()
	return recordQuery{recordsQuery, []any{int64(after), int64(limit.Records)}, limit}
}

// readQueued reads on a connection of the query readers, when it is the read's turn.
func (s *Store) readQueued(ctx context.Context, basis eventstore.Head, q recordQuery) (records []eventstore.Record, err error) {
	err = s.useQueued(ctx, func(r *reader) (err error) {
		records, err = r.readOnBasis(ctx, basis, q)
		return err
	})
	return records, err
}

// useQueued lends a connection of the query readers, when it is the read's turn.
func (s *Store) useQueued(ctx context.Context, do func(*reader) error) error {
	if err := s.queries.Acquire(ctx); err != nil {
		return err
	}
	defer s.queries.Release()
	return s.queryReaders.use(ctx, do)
}

func read(ctx context.Context, from *readerPool, basis eventstore.Head, q recordQuery) (records []eventstore.Record, err error) {
	err = from.use(ctx, func(r *reader) (err error) {
		records, err = r.readOnBasis(ctx, basis, q)
		return err
	})
	return records, err
}

func (r *reader) readOnBasis(ctx context.Context, basis eventstore.Head, q recordQuery) (records []eventstore.Record, err error) {
	err = r.onBasis(basis, func() (err error) {
		records, err = r.readRecords(ctx, q)
		return err
	})
	return records, err
}
