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
	"github.com/jackc/pgx/v5/pgxpool"

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

	// What users read comes with a proof, in the same statement and so from the same snapshot:
	// whether the history has a record with the position $1 and the hash $2. Where it does not, or
	// nothing follows, the one row has no record.
	branched = `
		select e.*, b.holds
		from (select $1::bigint = 0 or exists (select from public.events where position = $1 and hash = $2) as holds) b
		left join lateral (`
	ofBranch = `) e on true`

	selectBranchAfter = branched + selectEvents + `public.events e where b.holds and e.position > $3 and e.position <= coalesce((
			select position from (
				select position, sum(octet_length(data)) over (order by position rows unbounded preceding) as bytes
				from (select position, data from public.events where position > $3 order by position limit $4) page
			) sums where bytes >= $5 order by position limit 1), 9223372036854775807)
		order by e.position limit $4` + ofBranch + ` order by e.position`

	selectOfConfig = branched + selectEvents + `public.events e where b.holds and e.config_name = $3 and e.version > $4 and e.version <= coalesce((
			select version from (
				select version, sum(octet_length(data)) over (order by version rows unbounded preceding) as bytes
				from (select version, data from public.events where config_name = $3 and version > $4
					order by version limit $5) page
			) sums where bytes >= $6 order by version limit 1), 9223372036854775807)
		order by e.version limit $5` + ofBranch + ` order by e.version`

	selectOfConfigBack = branched + selectEvents + `public.events e where b.holds and e.config_name = $3 and e.version < $4 and e.version >= coalesce((
			select version from (
				select version, sum(octet_length(data)) over (order by version desc rows unbounded preceding) as bytes
				from (select version, data from public.events where config_name = $3 and version < $4
					order by version desc limit $5) page
			) sums where bytes >= $6 order by version desc limit 1), 0)
		order by e.version desc limit $5` + ofBranch + ` order by e.version desc`

	selectInstant = branched + selectEventsNoData + `public.events e where b.holds and e.recorded_at <= $3
		order by e.recorded_at desc limit 1` + ofBranch

	selectAsOf = branched + selectEvents + fromAsOf + ofBranch + ` order by e.config_name`

	selectAsOfNoData = branched + selectEventsNoData + fromAsOf + ofBranch + ` order by e.config_name`

	selectEventsNoData = `
		select e.position, e.hash, e.config_name, e.version, e.type, e.schema_version,
			'' as data, e.actor, e.reason, e.recorded_at, e.append_id, e.change_set
		from `

	// For each name it looks up the first milestone after the position, and from there goes back through the versions of
	// the name, at most 16 of them, until one is at or before the position. However many there are after it, it costs
	// the same. Of what it finds it takes the first by name that fill the page.
	fromAsOf = `(
			select e.*, sum(octet_length(e.data)) over (order by e.config_name rows between unbounded preceding and 1 preceding) as before
			from unnest($4::text[]) as n(name)
			cross join lateral (
				select position from public.events
				where b.holds and config_name = n.name and position <= $3 and version < coalesce((
					select version from public.events
					where config_name = n.name and position > $3 and version % 16 = 0
					order by position limit 1), 9223372036854775807)
				order by version desc limit 1) newest
			join public.events e on e.position = newest.position
		) e where coalesce(e.before, 0) < $6
		order by e.config_name limit $5`
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

// Read returns records after a position, oldest first.
func (s *Store) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	heard, _ := s.hint.get()
	records, err := s.readAfter(ctx, after, limit.WithDefaults())
	if err != nil {
		return nil, fmt.Errorf("reading after position %d: %w", after, err)
	}
	if len(records) == 0 {
		s.hint.correct(heard, after)
	}
	return records, nil
}

// readAfter asks for the page in the way that the pages before suggest.
func (s *Store) readAfter(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	p := page{limit: limit}
	var err error
	if s.large.Load() {
		err = s.query(ctx, p.take, selectAfterGuarded, int64(after), limit.Records, limit.Bytes)
	} else {
		err = s.query(ctx, p.take, selectAfter, int64(after), limit.Records)
	}
	if err != nil {
		return nil, err
	}
	s.large.learn(&p)
	return p.records, nil
}

// ReadBranch returns records after a position, oldest first.
func (s *Store) ReadBranch(ctx context.Context, branch eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit = limit.WithDefaults()
	records, err := s.readBranch(ctx, branch, limit, selectBranchAfter, int64(after), limit.Records, limit.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading after position %d: %w", after, err)
	}
	return records, nil
}

// ReadConfig returns records of one name after a version, oldest first.
func (s *Store) ReadConfig(ctx context.Context, branch eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit = limit.WithDefaults()
	records, err := s.readBranch(ctx, branch, limit, selectOfConfig, name, after, limit.Records, limit.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading config %q after version %d: %w", name, after, err)
	}
	return records, nil
}

// ReadConfigBack returns records of one name before a version, newest first.
func (s *Store) ReadConfigBack(ctx context.Context, branch eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit = limit.WithDefaults()
	records, err := s.readBranch(ctx, branch, limit, selectOfConfigBack, name, before, limit.Records, limit.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading config %q before version %d: %w", name, before, err)
	}
	return records, nil
}

// ReadInstant returns the newest record at or before an instant, without its data.
func (s *Store) ReadInstant(ctx context.Context, branch eventstore.Head, instant time.Time) (eventstore.Record, error) {
	found, err := s.readBranch(ctx, branch, eventstore.Limit{}.WithDefaults(), selectInstant, wholeMicroseconds(instant))
	if err != nil {
		return eventstore.Record{}, fmt.Errorf("reading as of %v: %w", instant, err)
	}
	if len(found) == 0 {
		return eventstore.Record{}, nil
	}
	return found[0], nil
}

// wholeMicroseconds cuts an instant as the server would not: it rounds. Years that it does not have
// mean the nearest one.
func wholeMicroseconds(instant time.Time) time.Time {
	first, last := time.Date(-4000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(200000, 1, 1, 0, 0, 0, 0, time.UTC)
	switch {
	case instant.Before(first):
		return first
	case instant.After(last):
		return last
	}
	return instant.Truncate(time.Microsecond)
}

// ReadAsOf returns for each of the names its newest record at or before a position, by name.
func (s *Store) ReadAsOf(ctx context.Context, branch eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit = limit.WithDefaults()
	sql := selectAsOf
	if q.NoData {
		sql, limit.Bytes = selectAsOfNoData, math.MaxInt
	}
	records, err := s.readBranch(ctx, branch, limit, sql, int64(q.At), q.Names, limit.Records, limit.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading %d configs as of position %d: %w", len(q.Names), q.At, err)
	}
	return records, nil
}

// readBranch runs a statement that is branched.
func (s *Store) readBranch(ctx context.Context, branch eventstore.Head, limit eventstore.Limit, sql string, args ...any) ([]eventstore.Record, error) {
	p := branchPage{page: page{limit: limit}}
	if err := s.lane.Enter(ctx); err != nil {
		return nil, err
	}
	defer s.lane.Leave()
	if err := s.queryOn(ctx, s.users, p.take, sql, append([]any{int64(branch.Seq), branch.Hash[:]}, args...)...); err != nil {
		return nil, err
	}
	if !p.holds {
		return nil, fmt.Errorf("%w: it does not have %s", eventstore.ErrDiverged, branch.Position())
	}
	return p.records, nil
}

// formats are those of columns in rows: numbers, times and bytes are binary. A text is the same bytes in either format, but
// costs the server less in the text format.
var formats = pgx.QueryResultFormatsByOID{
	pgtype.Int8OID: pgtype.BinaryFormatCode, pgtype.Int4OID: pgtype.BinaryFormatCode,
	pgtype.ByteaOID: pgtype.BinaryFormatCode, pgtype.TimestamptzOID: pgtype.BinaryFormatCode,
}

// query is queryOn on the connections of the node's own.
func (s *Store) query(ctx context.Context, take func(row [][]byte) (more bool, err error), sql string, args ...any) error {
	return s.queryOn(ctx, s.pool, take, sql, args...)
}

// queryOn hands each row to take, until that wants no more. A row holds until take returns.
func (s *Store) queryOn(ctx context.Context, pool *pgxpool.Pool, take func(row [][]byte) (more bool, err error), sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.QueryTimeout)
	defer cancel()
	rows, err := pool.Query(ctx, sql, append([]any{formats}, args...)...)
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
	case p.bytes >= p.limit.Bytes:
		g.Store(true)
	case len(p.records) == p.limit.Records && p.bytes < p.limit.Bytes/4:
		g.Store(false)
	}
}
