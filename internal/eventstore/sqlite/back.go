package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"configapi/internal/eventstore"
)

const (
	// selectedBack are the conditions of an [eventstore.Back] that both queries below have: the
	// seqs ?1 and ?2, the prefix ?3 and the operations ?4.
	selectedBack = ` e.position < ?1 AND e.position >= ?2 AND substr(e.config_name, 1, 1) <> '$'
		AND (?3 = '' OR e.config_name = ?3 OR e.config_name >= ?3 || '/' AND e.config_name < ?3 || '0')
		AND (?4 < 0 OR ?4 & CASE e.type
			WHEN 'ConfigValueSet' THEN CASE e.version WHEN 1 THEN 1 ELSE 2 END
			WHEN 'ConfigValueDeleted' THEN 4
			WHEN 'ConfigValueRestored' THEN 8
			ELSE 0 END) `

	textOfBackQuery = selectEvents + `FROM events e WHERE` + selectedBack + `ORDER BY e.position DESC LIMIT ?5`

	textOfBackActorQuery = selectEvents + `FROM events e INDEXED BY events_actor WHERE e.actor = ?6 AND` + selectedBack +
		`ORDER BY e.position DESC LIMIT ?5`

	textOfActorFloorQuery = `SELECT position FROM events INDEXED BY events_actor WHERE actor = ?1 AND position < ?2
		ORDER BY position DESC LIMIT 1 OFFSET ?3 - 1`

	textOfHeadsQuery = `SELECT e.position, e.hash, e.recorded_at FROM json_each(?) AS seqs CROSS JOIN events e ON e.position = seqs.value`

	textOfNamesQuery = `SELECT DISTINCT config_name FROM events WHERE position > ? AND position <= ? ORDER BY config_name`
)

// ReadBack returns the records that q selects, newest first.
func (s *Store) ReadBack(ctx context.Context, basis eventstore.Head, q eventstore.Back, limit eventstore.Limit) (records []eventstore.Record, end eventstore.Seq, err error) {
	err = s.useQueuedOnBasis(ctx, basis, func(r *reader) (err error) {
		if q.Names != nil {
			records, end, err = r.readBackOfNames(ctx, q, limit)
		} else {
			records, end, err = r.readBack(ctx, q, limit)
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("reading back before seq %d: %w", q.Before, err)
	}
	return records, end, nil
}

func (r *reader) readBack(ctx context.Context, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
	found, floor, err := r.backQuery(q, limit)
	if err != nil {
		return nil, 0, err
	}
	floor = max(floor, q.After+1)
	found.args[1] = int64(floor)
	records, err := r.readRecords(ctx, found)
	if err == nil && limit.Fills(records) {
		return records, records[len(records)-1].Seq, nil
	}
	return records, floor, err
}

// backQuery returns the query for a page of q, with an open argument ?2, and the seq of the oldest
// record to examine.
func (r *reader) backQuery(q eventstore.Back, limit eventstore.Limit) (found pageQuery, floor eventstore.Seq, err error) {
	before, examine := int64(q.Before), int64(q.Enough(limit))
	limit = limit.WithDefaults()
	args := []any{before, int64(0), q.Prefix, q.OperationBits(), int64(limit.Records)}
	if q.Actor == nil {
		return pageQuery{backQuery, args, limit}, q.Before - eventstore.Seq(examine), nil
	}
	first, err := r.queryNumber(actorFloorQuery, *q.Actor, before, examine)
	return pageQuery{backActorQuery, append(args, *q.Actor), limit}, eventstore.Seq(first), err
}

// queryNumber returns the only number of the only row of a query, 0 when there is no row.
func (r *reader) queryNumber(q query, args ...any) (int64, error) {
	s := r.prepared[q]
	defer r.reset(s)
	return r.numberOf(s, args)
}

func (r *reader) numberOf(s statement, args []any) (int64, error) {
	if err := r.bind(s, args); err != nil {
		return 0, err
	}
	found, err := r.step(s)
	if err != nil || !found {
		return 0, err
	}
	return r.integer(s, 0), nil
}

// ReadNames returns the names that have a record after one seq and up to another.
func (s *Store) ReadNames(ctx context.Context, basis eventstore.Head, after, upTo eventstore.Seq) (names []string, err error) {
	err = s.useQueuedOnBasis(ctx, basis, func(r *reader) (err error) {
		names, err = r.texts(ctx, namesQuery, int64(after), int64(upTo))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the names after seq %d: %w", after, err)
	}
	return names, nil
}

// texts returns the only column of all rows of a query.
func (r *reader) texts(ctx context.Context, q query, args ...any) (texts []string, err error) {
	s := r.prepared[q]
	defer r.reset(s)
	if err := r.bind(s, args); err != nil {
		return nil, err
	}
	for {
		if len(texts)%checkEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		found, err := r.step(s)
		if err != nil || !found {
			return texts, err
		}
		texts = append(texts, string(r.bytes(s, 0)))
	}
}

// ReadHeads returns the heads that the history had at some seqs.
func (s *Store) ReadHeads(ctx context.Context, basis eventstore.Head, seqs []eventstore.Seq) (heads []eventstore.Head, err error) {
	list, err := json.Marshal(seqs)
	if err != nil {
		return nil, err
	}
	err = s.useQueuedOnBasis(ctx, basis, func(r *reader) (err error) {
		heads, err = r.heads(headsQuery, string(list))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading %d heads: %w", len(seqs), err)
	}
	return heads, nil
}

// heads returns the rows of a query for seqs, hashes and times.
func (r *reader) heads(q query, args ...any) (heads []eventstore.Head, err error) {
	s := r.prepared[q]
	defer r.reset(s)
	if err := r.bind(s, args); err != nil {
		return nil, err
	}
	for {
		found, err := r.step(s)
		if err != nil || !found {
			return heads, err
		}
		head, err := r.head(s)
		if err != nil {
			return nil, err
		}
		heads = append(heads, head)
	}
}
