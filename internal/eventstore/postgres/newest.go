package postgres

import (
	"context"
	"errors"
	"fmt"

	"configapi/internal/eventstore"
)

// selectNewest looks three rows up for each name, so the cost depends on the names and not on their
// versions: the first record of the name after the one before, by the index; the newest record,
// from the newest version back, which passes only records after the basis; and the record before
// that. After a bulk load no page is known to be visible to all, so each look-up by the index reads
// a row anyway: one that takes all it needs from that row spares another.
//
// A limit of one row in each join keeps it a look-up: a join of whole indexes reads all of them.
const selectNewest = onBasis + `
		with recursive names (name, version, recorded_at) as (
			(select config_name, version, recorded_at from public.events where config_name > $3
				order by config_name, version limit 1)
			union all
			select next.* from names cross join lateral (
				select config_name, version, recorded_at from public.events where config_name > names.name
				order by config_name, version limit 1) next)
		select ` + eventColumns + `, p.position as before, p.hash as hash_before, p.recorded_at as time_before,
			s.hash as set_end, e.created_at
		from (
			select e.*, sum(octet_length(e.data)) over (order by e.config_name rows between unbounded preceding and 1 preceding) as bytes
			from (
				select newest.*, case when names.version = 1 then names.recorded_at end as created_at
				from names cross join lateral (
					select * from public.events
					where b.holds and config_name = names.name and position <= $1
					order by version desc limit 1) newest
				limit $4) e
		) e
		left join lateral (select position, hash, recorded_at from public.events where position = e.position - 1 limit 1) p on true
		left join lateral (select hash from public.events where position = e.change_set and e.change_set <> e.position limit 1) s on true
		where coalesce(e.bytes, 0) < $5` + onBasisEnd + ` order by e.config_name`

// EachNewest passes the newest record of each name at or before a basis to yield, by name. Where a
// page takes longer than a read may, the next ones have fewer names: a start on a slow disk ends.
func (s *Store) EachNewest(ctx context.Context, basis eventstore.Head, yield func([]eventstore.Newest) error) error {
	for after, order, names := "", 0, newestNames; ; {
		found, err := s.readNewest(ctx, basis, after, order, names)
		if tookTooLong(err) && ctx.Err() == nil && names > fewestNames {
			names /= 16
			continue
		}
		if err == nil && len(found) == 0 {
			return nil
		}
		if err == nil {
			err = yield(found)
		}
		if err != nil {
			return fmt.Errorf("reading the newest records at seq %d: %w", basis.Seq, err)
		}
		after, order = found[len(found)-1].Name, order+len(found)
	}
}

// tookTooLong reports whether a read has ended because of its time: by this program or the server.
func tookTooLong(err error) bool {
	const queryCanceled = "57014"
	return errors.Is(err, context.DeadlineExceeded) || hasState(err, queryCanceled)
}

// newestNames is how many names one statement reads, and fewestNames how many at least.
const newestNames, fewestNames = 4096, 16

func (s *Store) readNewest(ctx context.Context, basis eventstore.Head, after string, order, names int) ([]eventstore.Newest, error) {
	limit := eventstore.Limit{Records: names}.WithDefaults()
	p := newestPage{basisPage: basisPage{page: page{limit: limit}}}
	err := s.query(ctx, p.take, selectNewest, int64(basis.Seq), basis.Hash[:], after, limit.Records, limit.Bytes)
	if err == nil && !p.onBasis {
		err = fmt.Errorf("%w: it does not have %s", eventstore.ErrDiverged, basis.Position())
	}
	for i := range p.found {
		p.found[i].Order = order + i
	}
	return p.found, err
}

// newestPage is the page of selectNewest.
type newestPage struct {
	basisPage
	found []eventstore.Newest
}

// take adds a row if it has a record.
func (p *newestPage) take(row [][]byte) (more bool, err error) {
	if more, err = p.basisPage.take(row); err != nil || len(p.records) == len(p.found) {
		return more, err
	}
	p.found = append(p.found, eventstore.NewestOf(p.records[len(p.records)-1]))
	return true, scanNewest(&p.found[len(p.found)-1], row[recordColumns:])
}

// recordColumns is how many columns eventColumns has.
const recordColumns = 16

// scanNewest reads the columns of selectNewest that follow those of the record.
func scanNewest(n *eventstore.Newest, row [][]byte) error {
	if row[0] != nil {
		n.Before = eventstore.Head{Seq: eventstore.Seq(integer(row[0])), RecordedAt: instant(row[2])}
		if err := fill(n.Before.Hash[:], row[1]); err != nil {
			return &eventstore.ChainError{Seq: n.Before.Seq, Problem: "its hash: " + err.Error()}
		}
	}
	if row[3] != nil {
		if err := fill(n.SetEnd[:], row[3]); err != nil {
			return &eventstore.ChainError{Seq: n.ChangeSet, Problem: "its hash: " + err.Error()}
		}
	}
	if row[4] != nil {
		n.CreatedAt = instant(row[4])
	}
	return nil
}
