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

	eventColumns = `e.position, e.hash, e.config_name, e.version, e.type, e.schema_version,
			e.data, e.actor, e.reason, e.recorded_at, e.append_id, e.change_set, e.reverts, e.salt_who, e.salt_what, e.what`

	selectEvents = `
		select ` + eventColumns + `
		from `

	selectAfter = selectEvents + `public.events e where e.position > $1 order by e.position limit $2`

	// selectAfterGuarded ends with the record that fills the page. It gets the lengths from the
	// rows without reading their data.
	selectAfterGuarded = selectEvents + `public.events e where e.position > $1 and e.position <= coalesce((
			select position from (
				select position, sum(octet_length(data)) over (order by position rows unbounded preceding) as bytes
				from (select position, data from public.events where position > $1 order by position limit $2) page
			) sums where bytes >= $3 order by position limit 1), 9223372036854775807)
		order by e.position limit $2`

	// Reads of users prove their basis in the same statement, and so in the same snapshot: holds
	// says whether the history has a record with the seq $1 and the hash $2. If it does not, or no
	// record follows, the single row has no record.
	onBasis = `
		select e.*, b.holds
		from (select $1::bigint = 0 or exists (select from public.events where position = $1 and hash = $2) as holds) b
		left join lateral (`
	onBasisEnd = `) e on true`

	selectPage = onBasis + selectEvents + `public.events e where b.holds and e.position > $3 and e.position <= coalesce((
			select position from (
				select position, sum(octet_length(data)) over (order by position rows unbounded preceding) as bytes
				from (select position, data from public.events where position > $3 order by position limit $4) page
			) sums where bytes >= $5 order by position limit 1), 9223372036854775807)
		order by e.position limit $4` + onBasisEnd + ` order by e.position`

	selectOfConfig = onBasis + selectEvents + `public.events e where b.holds and e.config_name = $3 and e.version > $4 and e.version <= coalesce((
			select version from (
				select version, sum(octet_length(data)) over (order by version rows unbounded preceding) as bytes
				from (select version, data from public.events where config_name = $3 and version > $4
					order by version limit $5) page
			) sums where bytes >= $6 order by version limit 1), 9223372036854775807)
		order by e.version limit $5` + onBasisEnd + ` order by e.version`

	selectOfConfigBack = onBasis + selectEvents + `public.events e where b.holds and e.config_name = $3 and e.version < $4 and e.version >= coalesce((
			select version from (
				select version, sum(octet_length(data)) over (order by version desc rows unbounded preceding) as bytes
				from (select version, data from public.events where config_name = $3 and version < $4
					order by version desc limit $5) page
			) sums where bytes >= $6 order by version desc limit 1), 0)
		order by e.version desc limit $5` + onBasisEnd + ` order by e.version desc`

	// Times grow with the seqs, so a binary search over the seqs finds the newest record at or
	// before an instant: some 25 look-ups of a row. An index on the times would make each append
	// cost a tenth more. OFFSET 0 keeps the planner from looking each row up twice.
	selectInstant = onBasis + `
		with recursive search (low, high) as (
			select 0::bigint, coalesce((select max(position) from public.events where b.holds), 0)
			union all
			select case when middle.reached then middle.position else low end,
				case when middle.reached then high else middle.position - 1 end
			from search cross join lateral (
				select (low + high + 1) / 2 as position, coalesce((
					select recorded_at <= $3 from public.events where position = (low + high + 1) / 2), false) as reached offset 0
			) middle
			where low < high)` + selectEventsNoData + `public.events e
		where e.position = (select low from search where low = high)` + onBasisEnd

	selectAsOf = onBasis + selectEvents + fromAsOf + onBasisEnd + ` order by e.config_name`

	selectAsOfNoData = onBasis + selectEventsNoData + fromAsOf + onBasisEnd + ` order by e.config_name`

	// selectVersions takes the versions in the order asked, the first of them that fill the page.
	selectVersions = onBasis + `
		select ` + eventColumns + `, e.number from (
			select e.*, n.number, sum(octet_length(e.data)) over (order by n.number rows between unbounded preceding and 1 preceding) as before
			from unnest($3::text[], $4::bigint[]) with ordinality as n(name, version, number)
			cross join lateral (select * from public.events where b.holds and config_name = n.name and version = n.version limit 1) e
		) e where coalesce(e.before, 0) < $6
		order by e.number limit $5` + onBasisEnd + ` order by e.number`

	selectEventsNoData = `
		select e.position, e.hash, e.config_name, e.version, e.type, e.schema_version,
			'' as data, e.actor, e.reason, e.recorded_at, e.append_id, e.change_set, e.reverts, e.salt_who, e.salt_what, e.what
		from `

	// For each name the query finds the first milestone after the seq (one in 16 versions is a
	// milestone), and from there goes back through the versions of the name until one is at or
	// before the seq. It costs the same however many versions follow: see BenchmarkStore. From the
	// result it takes the first names that fill the page.
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

// Head returns the seq, hash and time of the newest record.
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

// Read returns records after a seq, oldest first.
func (s *Store) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	known, _ := s.appends.state()
	records, err := s.readAfter(ctx, after, limit.WithDefaults())
	if err != nil {
		return nil, fmt.Errorf("reading after seq %d: %w", after, err)
	}
	if len(records) == 0 {
		s.appends.lower(known, after)
	}
	return records, nil
}

// readAfter reads one page, with the statement that the pages before suggest: see largePages.
func (s *Store) readAfter(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	p := page{limit: limit}
	var err error
	if s.largePages.Load() {
		err = s.query(ctx, p.take, selectAfterGuarded, int64(after), limit.Records, limit.Bytes)
	} else {
		err = s.query(ctx, p.take, selectAfter, int64(after), limit.Records)
	}
	if err != nil {
		return nil, err
	}
	s.largePages.learn(&p)
	return p.records, nil
}

// ReadHistory returns records after a seq, oldest first, when it is the read's turn.
func (s *Store) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit = limit.WithDefaults()
	records, err := s.readOnBasis(ctx, basis, limit, selectPage, int64(after), limit.Records, limit.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading after seq %d: %w", after, err)
	}
	return records, nil
}

// ReadConfig returns records of one name after a version, oldest first.
func (s *Store) ReadConfig(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit = limit.WithDefaults()
	records, err := s.readOnBasis(ctx, basis, limit, selectOfConfig, name, after, limit.Records, limit.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading config %q after version %d: %w", name, after, err)
	}
	return records, nil
}

// ReadConfigBack returns records of one name before a version, newest first.
func (s *Store) ReadConfigBack(ctx context.Context, basis eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit = limit.WithDefaults()
	records, err := s.readOnBasis(ctx, basis, limit, selectOfConfigBack, name, before, limit.Records, limit.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading config %q before version %d: %w", name, before, err)
	}
	return records, nil
}

// ReadInstant returns the newest record at or before an instant, without its data.
func (s *Store) ReadInstant(ctx context.Context, basis eventstore.Head, instant time.Time) (eventstore.Record, error) {
	found, err := s.readOnBasis(ctx, basis, eventstore.Limit{}.WithDefaults(), selectInstant, wholeMicroseconds(instant))
	if err != nil {
		return eventstore.Record{}, fmt.Errorf("reading as of %v: %w", instant, err)
	}
	if len(found) == 0 {
		return eventstore.Record{}, nil
	}
	return found[0], nil
}

// wholeMicroseconds drops the part of an instant below a microsecond, which the server would round.
// It replaces years that the server does not have by the nearest one that it has.
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

// ReadAsOf returns for each of the names its newest record at or before a seq, by name.
func (s *Store) ReadAsOf(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit = limit.WithDefaults()
	sql := selectAsOf
	if q.NoData {
		sql, limit.Bytes = selectAsOfNoData, math.MaxInt
	}
	records, err := s.readOnBasis(ctx, basis, limit, sql, int64(q.At), q.Names, limit.Records, limit.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading %d configs as of seq %d: %w", len(q.Names), q.At, err)
	}
	return records, nil
}

// ReadVersions returns the records of versions, in the order asked.
func (s *Store) ReadVersions(ctx context.Context, basis eventstore.Head, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit = limit.WithDefaults()
	names, numbers := split(versions)
	records, err := s.readOnBasis(ctx, basis, limit, selectVersions, names, numbers, limit.Records, limit.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading %d versions: %w", len(versions), err)
	}
	return records, nil
}

// LookUp returns the records of versions, in the order asked, on a connection for the node itself.
func (s *Store) LookUp(ctx context.Context, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	p := basisPage{page: page{limit: limit.WithDefaults()}}
	names, numbers := split(versions)
	if err := s.query(ctx, p.take, selectVersions, int64(0), []byte{}, names, numbers, p.limit.Records, p.limit.Bytes); err != nil {
		return nil, fmt.Errorf("looking up %d versions: %w", len(versions), err)
	}
	return p.records, nil
}

func split(versions []eventstore.VersionOf) (names []string, numbers []int64) {
	for _, v := range versions {
		names = append(names, v.Name)
		numbers = append(numbers, int64(v.Version))
	}
	return names, numbers
}

// readOnBasis runs a statement that begins with onBasis.
func (s *Store) readOnBasis(ctx context.Context, basis eventstore.Head, limit eventstore.Limit, sql string, args ...any) ([]eventstore.Record, error) {
	p := basisPage{page: page{limit: limit}}
	err := s.queryOnBasis(ctx, basis, &p.onBasis, p.take, sql, args...)
	return p.records, err
}

// queryOnBasis runs a statement whose first parameters are the basis, when it is the read's turn.
// take has set holds when the history contains the basis.
func (s *Store) queryOnBasis(ctx context.Context, basis eventstore.Head, holds *bool, take func(row [][]byte) (more bool, err error), sql string, args ...any) error {
	if err := s.queries.Acquire(ctx); err != nil {
		return err
	}
	defer s.queries.Release()
	if err := s.queryOn(ctx, s.queryPool, take, sql, append([]any{int64(basis.Seq), basis.Hash[:]}, args...)...); err != nil {
		return err
	}
	if !*holds {
		return fmt.Errorf("%w: it does not have %s", eventstore.ErrDiverged, basis.Position())
	}
	return nil
}

// formats are the formats of result columns: binary for numbers, times and bytes. Texts are the
// same bytes in both formats, but cost the server less in the text format: see BenchmarkStore.
var formats = pgx.QueryResultFormatsByOID{
	pgtype.Int8OID: pgtype.BinaryFormatCode, pgtype.Int4OID: pgtype.BinaryFormatCode,
	pgtype.ByteaOID: pgtype.BinaryFormatCode, pgtype.TimestamptzOID: pgtype.BinaryFormatCode,
}

// query is queryOn on the connections for the node itself.
func (s *Store) query(ctx context.Context, take func(row [][]byte) (more bool, err error), sql string, args ...any) error {
	return s.queryOn(ctx, s.nodePool, take, sql, args...)
}

// queryOn passes each row to take until take wants no more. A row is valid until take returns.
func (s *Store) queryOn(ctx context.Context, pool *pgxpool.Pool, take func(row [][]byte) (more bool, err error), sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.queryTimeout)
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
			cancel() // else all further rows would arrive before the connection can be used again
			return nil
		}
	}
	return connectError(rows.Err())
}

// largePages decides whether a read asks for the end of its page before it asks for the records.
// Doing so costs small records half as much again. Without it, large records beyond the end of a
// page are sent before the page turns out to be full, and not receiving them means to drop the
// connection. See BenchmarkStore.
type largePages struct{ atomic.Bool }

// learn decides by the page that was read how the next one is read.
func (g *largePages) learn(p *page) {
	switch {
	case p.bytes >= p.limit.Bytes:
		g.Store(true)
	case len(p.records) == p.limit.Records && p.bytes < p.limit.Bytes/4:
		g.Store(false)
	}
}
