package sqlite

import (
	"context"
	"fmt"
	"time"

	"configapi/internal/eventstore"
)

// query is one of the queries that each reader prepares.
type query int

const (
	headQuery query = iota
	snapshotQuery
	basisQuery
	recordsQuery
	recordQuery
	recordNoDataQuery
	newestOfQuery
	previousQuery
	milestoneQuery
	receiptsQuery
	keyQuery
	backQuery
	backActorQuery
	actorFloorQuery
	examineQuery
	namesQuery
	headsQuery
	placesQuery
	timeQuery
	newestQuery
	usesQuery
)

const selectEvents = `
	SELECT e.position, e.hash, e.config_name, e.version, e.type, e.schema_version,
		e.data, e.actor, e.reason, e.recorded_at, e.append_id, e.change_set, e.reverts, e.salt_who, e.salt_what, e.what `

const selectEventsNoData = `
	SELECT e.position, e.hash, e.config_name, e.version, e.type, e.schema_version,
		'', e.actor, e.reason, e.recorded_at, e.append_id, e.change_set, e.reverts, e.salt_who, e.salt_what, e.what `

var queries = [...]string{
	headQuery: `SELECT position, hash, recorded_at FROM history_head`,

	snapshotQuery: `SELECT 1 FROM history_head`, // any table would do

	basisQuery: `SELECT hash FROM events WHERE position = ?`,

	recordsQuery: selectEvents + `FROM events e WHERE e.position > ? ORDER BY e.position LIMIT ?`,

	recordQuery: selectEvents + `, e.previous FROM events e WHERE e.position = ?`,

	recordNoDataQuery: selectEventsNoData + `, e.previous FROM events e WHERE e.position = ?`,

	newestOfQuery:  textOfNewestOfQuery,
	previousQuery:  textOfPreviousQuery,
	milestoneQuery: textOfMilestoneQuery,

	keyQuery: `SELECT key FROM store_key`,

	receiptsQuery: `
		SELECT i.actor, i.key, i.request_hash, i.first_position, i.event_count, i.created_at, i.unchanged
		FROM json_each(?) AS keys CROSS JOIN idempotency i ON i.actor = keys.value ->> 0 AND i.key = keys.value ->> 1`,

	backQuery:       textOfBackQuery,
	backActorQuery:  textOfBackActorQuery,
	actorFloorQuery: textOfActorFloorQuery,
	examineQuery:    textOfExamineQuery,
	namesQuery:      textOfNamesQuery,
	headsQuery:      textOfHeadsQuery,

	placesQuery: textOfPlacesQuery,
	timeQuery:   textOfTimeQuery,
	newestQuery: textOfNewestQuery,

	usesQuery: `SELECT public_id, used_at FROM token_uses WHERE public_id > ? ORDER BY public_id LIMIT ?`,
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
func (s *Store) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) (records []eventstore.Record, err error) {
	// Otherwise the node would apply records that are lost at the next start.
	if err := s.files.check(); err != nil {
		return nil, fmt.Errorf("reading after seq %d: %w", after, err)
	}
	known := s.newest.seq()
	err = s.nodeReaders.use(ctx, func(r *reader) (err error) {
		records, err = r.readRecords(ctx, readAfter(after, limit))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading after seq %d: %w", after, err)
	}
	if len(records) == 0 {
		s.newest.lower(known, after)
	}
	return records, nil
}

// ReadHistory returns records after a seq, oldest first, when it is the read's turn.
func (s *Store) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) (records []eventstore.Record, err error) {
	err = s.useQueuedOnBasis(ctx, basis, func(r *reader) (err error) {
		records, err = r.readRecords(ctx, readAfter(after, limit))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading after seq %d: %w", after, err)
	}
	return records, nil
}

// ReadInstant returns the newest record at or before an instant, without its data.
func (s *Store) ReadInstant(ctx context.Context, basis eventstore.Head, instant time.Time) (found eventstore.Record, err error) {
	err = s.useQueuedOnBasis(ctx, basis, func(r *reader) (err error) {
		found, err = r.readInstant(ctx, instant)
		return err
	})
	if err != nil {
		return eventstore.Record{}, fmt.Errorf("reading as of %v: %w", instant, err)
	}
	return found, nil
}

// readInstant halves the history until it has the instant: times grow with the seqs. That takes
// some 25 look-ups, and no append has to keep an index on the times.
func (r *reader) readInstant(ctx context.Context, instant time.Time) (eventstore.Record, error) {
	head, err := r.readHead()
	low, high := eventstore.Seq(0), head.Seq
	for err == nil && low < high {
		middle, reached := (low+high+1)/2, false
		_, err = r.readOne(timeQuery, middle, func(s statement) error {
			reached = !time.UnixMicro(r.integer(s, 0)).After(instant)
			return nil
		})
		if reached {
			low = middle
		} else {
			high = middle - 1
		}
	}
	p := newRecordPage(eventstore.Limit{Records: 1})
	if err == nil {
		_, err = r.readAt(ctx, recordNoDataQuery, low, &p)
	}
	if err != nil || len(p.records) == 0 {
		return eventstore.Record{}, err
	}
	return p.records[0], nil
}

// pageQuery is a query for a page of records, with its arguments and the limit of its page.
type pageQuery struct {
	query query
	args  []any
	limit eventstore.Limit
}

func readAfter(after eventstore.Seq, limit eventstore.Limit) pageQuery {
	limit = limit.WithDefaults()
	return pageQuery{recordsQuery, []any{int64(after), int64(limit.Records)}, limit}
}

// useQueued lends a connection of the query readers, when it is the read's turn.
func (s *Store) useQueued(ctx context.Context, do func(*reader) error) error {
	if err := s.queries.Acquire(ctx); err != nil {
		return err
	}
	defer s.queries.Release()
	return s.queryReaders.use(ctx, do)
}

// useQueuedOnBasis does the same, if the history contains the basis.
func (s *Store) useQueuedOnBasis(ctx context.Context, basis eventstore.Head, do func(*reader) error) error {
	return s.useQueued(ctx, func(r *reader) error {
		return r.onBasis(basis, func() error { return do(r) })
	})
}
