package sqlite

import (
	"context"
	"fmt"
	"time"

	"configapi/internal/eventstore"
)

// newestSQL finds the names one by one: each is the first in the index after the one before, so the
// cost depends on the names and not on their versions. The newest record of a name is found from
// its newest version back; only records after the basis are passed on the way.
const newestSQL = `
	WITH RECURSIVE names (name) AS (
		SELECT min(config_name) FROM events WHERE config_name > ?2
		UNION ALL
		SELECT (SELECT min(config_name) FROM events WHERE config_name > names.name) FROM names WHERE names.name IS NOT NULL)` +
	selectEvents + `, p.position, p.hash, p.recorded_at, s.hash, f.recorded_at
	FROM names CROSS JOIN events e ON e.position = (
			SELECT position FROM events WHERE config_name = names.name AND position <= ?1 ORDER BY version DESC LIMIT 1)
		LEFT JOIN events p ON p.position = e.position - 1
		LEFT JOIN events s ON e.change_set <> e.position AND s.position = e.change_set
		LEFT JOIN events f ON e.version > 1 AND f.config_name = e.config_name AND f.version = 1
	LIMIT ?3`

// ReadNewest returns the newest records of the names after a name, by name.
func (s *Store) ReadNewest(ctx context.Context, basis eventstore.Head, after string, limit eventstore.Limit) (found []eventstore.Newest, err error) {
	if err := s.files.check(); err != nil {
		return nil, fmt.Errorf("reading the newest records after %q: %w", after, err)
	}
	limit = limit.WithDefaults()
	err = s.nodeReaders.use(ctx, func(r *reader) error {
		return r.onBasis(basis, func() (err error) {
			found, err = r.readNewest(ctx, basis.Seq, after, limit)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading the newest records after %q: %w", after, err)
	}
	return found, nil
}

func (r *reader) readNewest(ctx context.Context, at eventstore.Seq, after string, limit eventstore.Limit) (found []eventstore.Newest, err error) {
	s := r.prepared[newestQuery]
	defer r.reset(s)
	if err := r.bind(s, []any{int64(at), after, int64(limit.Records)}); err != nil {
		return nil, err
	}
	for bytes := 0; bytes < limit.Bytes && len(found) < limit.Records; {
		if len(found)%checkEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		more, err := r.step(s)
		if err != nil || !more {
			return found, err
		}
		n, err := r.readNewestRow(s)
		if err != nil {
			return nil, err
		}
		found = append(found, n)
		bytes += len(n.Data)
	}
	return found, nil
}

// readNewestRow reads a row of newestSQL.
func (r *reader) readNewestRow(s statement) (n eventstore.Newest, err error) {
	var record eventstore.Record
	if err := r.readRecord(s, &record); err != nil {
		return n, err
	}
	n = eventstore.NewestOf(record)
	const previous, setEnd, first = recordColumns, recordColumns + 3, recordColumns + 4
	if !r.null(s, previous) {
		n.Before = eventstore.Head{Seq: eventstore.Seq(r.integer(s, previous)), RecordedAt: time.UnixMicro(r.integer(s, previous+2)).UTC()}
		if err := fill(n.Before.Hash[:], r.bytes(s, previous+1)); err != nil {
			return n, &eventstore.ChainError{Seq: n.Before.Seq, Problem: "its hash has " + err.Error()}
		}
	}
	if !r.null(s, setEnd) {
		if err := fill(n.SetEnd[:], r.bytes(s, setEnd)); err != nil {
			return n, &eventstore.ChainError{Seq: n.ChangeSet, Problem: "its hash has " + err.Error()}
		}
	}
	if !r.null(s, first) {
		n.CreatedAt = time.UnixMicro(r.integer(s, first)).UTC()
	}
	return n, nil
}
