package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

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
			(select config_name, version, recorded_at from public.events where config_name > $3 and config_name <= $6
				order by config_name, version limit 1)
			union all
			select next.* from names cross join lateral (
				select config_name, version, recorded_at from public.events where config_name > names.name and config_name <= $6
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

// selectMiddle selects the middle one of the names of some events.
const selectMiddle = `
		with names as (select config_name, row_number() over (order by config_name) as number, count(*) over () as names
			from public.events where position = any ($1))
		select config_name from names where number = (names + 1) / 2`

// EachNewest passes the newest record of each name at or before a basis to yield. Both connections
// for the node itself read, each a half of the names and that by name: a page keeps one processor
// of the server busy, and there is little else to do at a start.
func (s *Store) EachNewest(ctx context.Context, basis eventstore.Head, yield func([]eventstore.Newest) error) error {
	middle, err := s.middleName(ctx, basis.Seq)
	if err == nil {
		var alone sync.Mutex
		group, ctx := errgroup.WithContext(ctx)
		for _, names := range []part{{0, "", middle}, {1, middle, afterAllNames}} {
			group.Go(func() error {
				return s.eachNewestOf(ctx, basis, names, func(page []eventstore.Newest) error {
					alone.Lock()
					defer alone.Unlock()
					return yield(page)
				})
			})
		}
		err = group.Wait()
	}
	if err != nil {
		return fmt.Errorf("reading the newest records at seq %d: %w", basis.Seq, err)
	}
	return nil
}

// part is a part of the names: those after one, up to another.
type part struct {
	number      int
	after, last string
}

// afterAllNames comes after all names: no text begins with a later character.
const afterAllNames = "\U0010FFFF"

// middleName returns a name of which about half of the names are before, the middle one of some
// events. It is "" when there are none.
func (s *Store) middleName(ctx context.Context, head eventstore.Seq) (middle string, err error) {
	const samples = 63
	var seqs []int64
	for i := range samples {
		seqs = append(seqs, int64(head)*int64(i+1)/(samples+1))
	}
	err = s.query(ctx, func(row [][]byte) (bool, error) {
		middle = string(row[0])
		return false, nil
	}, selectMiddle, seqs)
	return middle, err
}

// eachNewestOf is EachNewest for a part of the names. Where a page takes longer than a read may,
// the next ones have fewer names: a start on a slow disk ends.
func (s *Store) eachNewestOf(ctx context.Context, basis eventstore.Head, names part, yield func([]eventstore.Newest) error) error {
	for order, most := 0, newestNames; ; {
		found, err := s.readNewest(ctx, basis, names, most)
		if tookTooLong(err) && ctx.Err() == nil && most > fewestNames {
			most /= 16
			continue
		}
		if err != nil || len(found) == 0 {
			return err
		}
		for i := range found {
			found[i].Part, found[i].Order = names.number, order+i
		}
		if err := yield(found); err != nil {
			return err
		}
		names.after, order = found[len(found)-1].Name, order+len(found)
	}
}

// tookTooLong reports whether a read has ended because of its time: by this program or the server.
func tookTooLong(err error) bool {
	const queryCanceled = "57014"
	return errors.Is(err, context.DeadlineExceeded) || hasState(err, queryCanceled)
}

// newestNames is how many names one statement reads, and fewestNames how many at least.
const newestNames, fewestNames = 4096, 16

func (s *Store) readNewest(ctx context.Context, basis eventstore.Head, names part, most int) ([]eventstore.Newest, error) {
	limit := eventstore.Limit{Records: most}.WithDefaults()
	p := newestPage{basisPage: basisPage{page: page{limit: limit}}}
	err := s.query(ctx, p.take, selectNewest, int64(basis.Seq), basis.Hash[:], names.after, limit.Records, limit.Bytes, names.last)
	if err == nil && !p.onBasis {
		err = fmt.Errorf("%w: it does not have %s", eventstore.ErrDiverged, basis.Position())
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
