package postgres

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"configapi/internal/eventstore"
)

const (
	selectHead = `select position, hash, recorded_at from public.history_head`

	selectEvents = `
		select e.position, e.hash, e.config_name, e.version, e.type, e.schema_version,
			e.data, e.actor, e.reason, e.recorded_at, e.append_id, e.change_set
		from `

	selectAfter = selectEvents + `public.events e where e.position > $1 order by e.position limit $2`

	// The same up to the record with which the page is full. The lengths come from the rows themselves, without their data
	// being read.
	selectAfterGuarded = selectEvents + `public.events e where e.position > $1 and e.position <= coalesce((
			select position from (
				select position, sum(octet_length(data)) over (order by position rows unbounded preceding) as bytes
				from (select position, data from public.events where position > $1 order by position limit $2) page
			) sums where bytes >= $3 order by position limit 1), 9223372036854775807)
		order by e.position limit $2`

	selectOfConfig = selectEvents + `public.events e where e.config_name = $1 and e.version > $2 and e.version <= coalesce((
			select version from (
				select version, sum(octet_length(data)) over (order by version rows unbounded preceding) as bytes
				from (select version, data from public.events where config_name = $1 and version > $2
					order by version limit $3) page
			) sums where bytes >= $4 order by version limit 1), 9223372036854775807)
		order by e.version limit $3`

	// For each name it looks up the first milestone after the position, and from there goes back through the versions of
	// the name, at most 16 of them, until one is at or before the position. However many there are after it, it costs
	// the same.
	selectAsOf = selectEvents + `unnest($2::text[]) as n(name)
		cross join lateral (
			select position from public.events
			where config_name = n.name and position <= $1 and version < coalesce((
				select version from public.events
				where config_name = n.name and position > $1 and version % 16 = 0
				order by position limit 1), 9223372036854775807)
			order by version desc limit 1) newest
		join public.events e on e.position = newest.position
		order by e.config_name`
)

// Head returns the newest record's position, hash and time.
func (s *Store) Head(ctx context.Context) (eventstore.Head, error) {
	var row headRow
	err := s.query(ctx, row.take, selectHead)
	head, missing := row.get()
	err = cmp.Or(err, missing)
	if err != nil {
		return eventstore.Head{}, fmt.Errorf("reading the head: %w", err)
	}
	return head, nil
}

// Now is the time of the server's clock.
func (s *Store) Now(ctx context.Context) (now time.Time, err error) {
	err = s.query(ctx, func(row [][]byte) (bool, error) {
		now = instant(row[0])
		return true, nil
	}, `select clock_timestamp()`)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the server's clock: %w", err)
	}
	return now, nil
}

// Read returns records after a position, oldest first.
func (s *Store) Read(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
	heard, _ := s.hint.get()
	records, err := s.readAfter(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading after position %d: %w", after, err)
	}
	if len(records) == 0 {
		s.hint.correct(heard, after)
	}
	return records, nil
}

// readAfter asks for the page in the way that the pages before suggest.
func (s *Store) readAfter(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
	p := page{maxBytes: eventstore.PageBytes, limit: limit}
	var err error
	if s.large.Load() {
		err = s.query(ctx, p.take, selectAfterGuarded, int64(after), limit, eventstore.PageBytes)
	} else {
		err = s.query(ctx, p.take, selectAfter, int64(after), limit)
	}
	if err != nil {
		return nil, err
	}
	s.large.learn(&p)
	return p.records, nil
}

// ReadConfig returns records of one name after a version, oldest first.
func (s *Store) ReadConfig(ctx context.Context, name string, after, limit int) ([]eventstore.Record, error) {
	p := page{maxBytes: eventstore.PageBytes, limit: limit}
	if err := s.query(ctx, p.take, selectOfConfig, name, after, limit, eventstore.PageBytes); err != nil {
		return nil, fmt.Errorf("reading config %q after version %d: %w", name, after, err)
	}
	return p.records, nil
}

// ReadAsOf returns for each of the names its newest record at or before a position, by name.
func (s *Store) ReadAsOf(ctx context.Context, at eventstore.Position, names []string) ([]eventstore.Record, error) {
	p := page{maxBytes: math.MaxInt, limit: len(names)}
	if err := s.query(ctx, p.take, selectAsOf, int64(at), names); err != nil {
		return nil, fmt.Errorf("reading %d configs as of position %d: %w", len(names), at, err)
	}
	return p.records, nil
}

// formats are those of columns in rows: numbers, times and bytes are binary. A text is the same bytes in either format, but
// costs the server less in the text format.
var formats = pgx.QueryResultFormatsByOID{
	pgtype.Int8OID: pgtype.BinaryFormatCode, pgtype.Int4OID: pgtype.BinaryFormatCode,
	pgtype.ByteaOID: pgtype.BinaryFormatCode, pgtype.TimestamptzOID: pgtype.BinaryFormatCode,
}

// query hands each row to take, until that wants no more. A row holds until take returns.
func (s *Store) query(ctx context.Context, take func(row [][]byte) (more bool, err error), sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.QueryTimeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, sql, append([]any{formats}, args...)...)
	if err != nil {
		return connectError(err)
	}
	defer rows.Close()
	for rows.Next() {
		more, err := take(rows.RawValues())
		if err != nil {
			return err
		}
		if !more {
			cancel() // or all further rows would come before the connection can be used again
			return nil
		}
	}
	return connectError(rows.Err())
}

// pageGuard decides whether a read finds out where its page is full before it asks for the records. That costs half as
// much again as the reading of small records; without it, large ones beyond the page are on their way already when the
// page turns out to be full, and the only way not to take them is to give up the connection.
type pageGuard struct{ atomic.Bool }

// learn looks at a page for what the next one may be like.
func (g *pageGuard) learn(p *page) {
	switch {
	case p.bytes >= p.maxBytes:
		g.Store(true)
	case len(p.records) == p.limit && p.bytes < p.maxBytes/4:
		g.Store(false)
	}
}
