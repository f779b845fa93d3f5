package postgres

import (
	"context"
	"fmt"

	"configapi/internal/eventstore"
)

const (
	// Each statement of ReadBack finds the floor first, the seq of the oldest record to examine.
	// Its parameters: $3 and $4 are the seqs of [eventstore.Back], $5 how many records to examine,
	// $6 the prefix, $7 the operations, $8 and $9 the limit of the page. OFFSET 0 keeps the planner
	// from putting the query for the floor wherever the floor is used.
	backOnBasis = `
		select e.*, f.floor, b.holds
		from (select $1::bigint = 0 or exists (select from public.events where position = $1 and hash = $2) as holds) b
		cross join lateral (select greatest($4::bigint, coalesce((`
	backPage = `), 0)) as floor offset 0) f
		left join lateral (` + selectEvents + `(
			select e.*, sum(octet_length(e.data)) over (order by e.position desc rows between unbounded preceding and 1 preceding) as before
			from (select e.* from `
	selectedBack = ` b.holds and e.position < $3 and e.position >= f.floor and not starts_with(e.config_name, '$')
				and ($6::text = '' or e.config_name = $6 or e.config_name >= $6 || '/' and e.config_name < $6 || '0')
				and ($7::bigint < 0 or $7 & case e.type
					when 'ConfigValueSet' then case e.version when 1 then 1 else 2 end
					when 'ConfigValueDeleted' then 4
					when 'ConfigValueRestored' then 8
					else 0 end <> 0) `
	backEnd = ` limit $8) e
		) e where coalesce(e.before, 0) < $9) e on true
		order by e.position desc`

	selectBack = backOnBasis + `select $3::bigint - $5::bigint` + backPage +
		`public.events e where` + selectedBack + `order by e.position desc` + backEnd

	// ofActor compares rows, which only the index events_actor can find: a plan that walks back
	// through the events of all actors has no bound.
	ofActor = ` e.actor is not null and (e.actor collate "C", e.position) < ($10::text collate "C", $3)
		and (e.actor collate "C", e.position) >= ($10::text collate "C", `
	orderOfActor = ` order by e.actor collate "C" desc, e.position desc`

	selectBackActor = backOnBasis +
		`select e.position from public.events e where b.holds and` + ofActor + `$4)` + orderOfActor + ` offset $5::bigint - 1 limit 1` + backPage +
		`public.events e where` + ofActor + `f.floor) and` + selectedBack + orderOfActor + backEnd

	// newestOf walks back through the newest versions of a name before the seq: see fromAsOf.
	newestOf = ` from public.events
		where b.holds and config_name = n.name and position < $3 and version < coalesce((
			select version from public.events
			where config_name = n.name and position >= $3 and version % 16 = 0
			order by position limit 1), 9223372036854775807)
		order by version desc `

	selectBackNames = backOnBasis +
		`select max(v.position) from unnest($10::text[]) as n(name) cross join lateral (
			select position` + newestOf + `offset $5::bigint - 1 limit 1) v` + backPage +
		`unnest($10::text[]) as n(name) cross join lateral (
			select *` + newestOf + `limit $5::bigint) e where ($11::text is null or e.actor = $11) and` + selectedBack +
		`order by e.position desc` + backEnd

	selectHeads = `
		select e.position, e.hash, e.recorded_at, b.holds
		from (select $1::bigint = 0 or exists (select from public.events where position = $1 and hash = $2) as holds) b
		left join lateral (
			select s.nth, h.position, h.hash, h.recorded_at
			from unnest($3::bigint[]) with ordinality as s(seq, nth)
			cross join lateral (select * from public.events where b.holds and position = s.seq) h
		) e on true
		order by e.nth`

	selectNames = `
		select e.config_name, b.holds
		from (select $1::bigint = 0 or exists (select from public.events where position = $1 and hash = $2) as holds) b
		left join lateral (
			select distinct config_name from public.events where b.holds and position > $3 and position <= $4
		) e on true
		order by e.config_name`
)

// ReadBack returns the records that q selects, newest first.
func (s *Store) ReadBack(ctx context.Context, basis eventstore.Head, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
	examine, bounds := q.Enough(limit), limit.WithDefaults()
	sql, args := selectBack, []any{int64(q.Before), int64(q.After + 1), examine, q.Prefix, q.OperationBits(), bounds.Records, bounds.Bytes}
	switch {
	case q.Names != nil:
		sql, args = selectBackNames, append(args, q.Names, q.Actor)
	case q.Actor != nil:
		sql, args = selectBackActor, append(args, *q.Actor)
	}
	p := backwards{basisPage: basisPage{page: page{limit: bounds}}}
	if err := s.queryOnBasis(ctx, basis, &p.onBasis, p.take, sql, args...); err != nil {
		return nil, 0, fmt.Errorf("reading back before seq %d: %w", q.Before, err)
	}
	if limit.Fills(p.records) {
		return p.records, p.records[len(p.records)-1].Seq, nil
	}
	return p.records, p.floor, nil
}

// backwards is the page of a ReadBack.
type backwards struct {
	basisPage
	floor eventstore.Seq
}

func (p *backwards) take(row [][]byte) (more bool, err error) {
	p.floor = eventstore.Seq(integer(row[len(row)-2]))
	return p.basisPage.take(row)
}

// ReadNames returns the names that have a record after one seq and up to another.
func (s *Store) ReadNames(ctx context.Context, basis eventstore.Head, after, upTo eventstore.Seq) (names []string, err error) {
	onBasis := false
	take := func(row [][]byte) (more bool, err error) {
		onBasis = holds(row)
		if row[0] != nil {
			names = append(names, string(row[0]))
		}
		return true, nil
	}
	if err := s.queryOnBasis(ctx, basis, &onBasis, take, selectNames, int64(after), int64(upTo)); err != nil {
		return nil, fmt.Errorf("reading the names after seq %d: %w", after, err)
	}
	return names, nil
}

// ReadHeads returns the heads that the history had at some seqs.
func (s *Store) ReadHeads(ctx context.Context, basis eventstore.Head, seqs []eventstore.Seq) (heads []eventstore.Head, err error) {
	asked := make([]int64, len(seqs))
	for i, seq := range seqs {
		asked[i] = int64(seq)
	}
	onBasis := false
	take := func(row [][]byte) (more bool, err error) {
		onBasis = holds(row)
		if row[0] == nil { // no record
			return true, nil
		}
		var head headRow
		if _, err := head.take(row); err != nil {
			return false, err
		}
		heads = append(heads, head.head)
		return true, nil
	}
	if err := s.queryOnBasis(ctx, basis, &onBasis, take, selectHeads, asked); err != nil {
		return nil, fmt.Errorf("reading %d heads: %w", len(seqs), err)
	}
	return heads, nil
}
