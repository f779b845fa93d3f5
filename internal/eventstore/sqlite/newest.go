package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"configapi/internal/eventstore"
)

const (
	textOfPlacesQuery = `SELECT config_name, position, first FROM newest WHERE config_name > ? ORDER BY config_name LIMIT ?`

	textOfTimeQuery = `SELECT recorded_at FROM events WHERE position = ?`

	textOfNewestQuery = selectEvents + `, p.position, p.hash, p.recorded_at, s.hash
		FROM events e LEFT JOIN events p ON p.position = e.position - 1
			LEFT JOIN events s ON e.change_set <> e.position AND s.position = e.change_set
		WHERE e.position = ?`
)

// newestPage is how many names are read in one read transaction.
const newestPage = 4096

// place says where the records of a name are.
type place struct {
	order         int // of the name among all names
	newest, first eventstore.Seq
	createdAt     int64 // microseconds since 1970; 0 while it is not read
}

// EachNewest passes the newest record of each name at or before a basis to yield.
//
// The places of all records come from the table newest alone. The records are then read in the
// order in which they lie in their table, so that each of its pages is read once, however many
// names there are.
func (s *Store) EachNewest(ctx context.Context, basis eventstore.Head, yield func([]eventstore.Newest) error) error {
	if err := s.files.check(); err != nil {
		return fmt.Errorf("reading the newest records: %w", err)
	}
	err := s.eachNewest(ctx, basis, yield)
	if err != nil {
		return fmt.Errorf("reading the newest records at seq %d: %w", basis.Seq, err)
	}
	return nil
}

func (s *Store) eachNewest(ctx context.Context, basis eventstore.Head, yield func([]eventstore.Newest) error) error {
	var places []place
	for after, more := "", true; more; {
		err := s.useOnBasis(ctx, basis, func(r *reader) (err error) {
			places, after, more, err = r.readPlaces(places, basis.Seq, after)
			return err
		})
		if err != nil {
			return err
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.first, b.first) })
	for page := range slices.Chunk(places, newestPage) {
		if err := s.useOnBasis(ctx, basis, func(r *reader) error { return r.readTimes(page) }); err != nil {
			return err
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.newest, b.newest) })
	for len(places) > 0 {
		var found []eventstore.Newest
		err := s.useOnBasis(ctx, basis, func(r *reader) (err error) {
			found, err = r.readNewest(places[:min(len(places), newestPage)])
			return err
		})
		if err == nil {
			err = yield(found)
		}
		if err != nil {
			return err
		}
		places = places[len(found):]
	}
	return nil
}

// useOnBasis lends a connection for the node itself to read, if the history contains the basis.
func (s *Store) useOnBasis(ctx context.Context, basis eventstore.Head, read func(*reader) error) error {
	return s.nodeReaders.use(ctx, func(r *reader) error {
		return r.onBasis(basis, func() error { return read(r) })
	})
}

// readPlaces appends the places, at a seq, of the names after a name, one page of them. It returns
// the last name, and whether more may follow.
func (r *reader) readPlaces(places []place, at eventstore.Seq, after string) (_ []place, last string, more bool, err error) {
	s := r.prepared[placesQuery]
	defer r.reset(s)
	if err := r.bind(s, []any{after, int64(newestPage)}); err != nil {
		return nil, "", false, err
	}
	last = after
	for n := 0; ; n++ {
		found, err := r.step(s)
		if err != nil || !found {
			return places, last, n == newestPage, err
		}
		newest, first := eventstore.Seq(r.integer(s, 1)), eventstore.Seq(r.integer(s, 2))
		if newest > at || n == newestPage-1 {
			last = string(r.bytes(s, 0))
		}
		if newest > at && first <= at { // the name has changed since
			older, err := r.newestAsOf(last, at)
			if err == nil {
				err = r.check(last, older)
			}
			if err != nil {
				return nil, "", false, err
			}
			newest = older.seq
		}
		if first <= at {
			places = append(places, place{order: len(places), newest: newest, first: first})
		}
	}
}

// readTimes completes places by the times of their first records.
func (r *reader) readTimes(places []place) error {
	for i := range places {
		found, err := r.readOne(timeQuery, places[i].first, func(s statement) error {
			places[i].createdAt = r.integer(s, 0)
			return nil
		})
		if err != nil || !found {
			return err
		}
	}
	return nil
}

// readNewest reads the records at the first of the places, until a page is full.
func (r *reader) readNewest(places []place) (found []eventstore.Newest, err error) {
	found = make([]eventstore.Newest, 0, len(places))
	for bytes := 0; len(found) < len(places) && bytes < eventstore.PageBytes; {
		at := places[len(found)]
		there, err := r.readOne(newestQuery, at.newest, func(s statement) error {
			n, err := r.readNewestRow(s)
			n.Order = at.order
			if at.createdAt != 0 {
				n.CreatedAt = time.UnixMicro(at.createdAt).UTC()
			}
			found = append(found, n)
			bytes += len(n.Data)
			return err
		})
		if err == nil && !there { // it was removed since its place was read
			err = &eventstore.ChainError{Seq: at.newest, Problem: "its record is missing"}
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// readOne passes the row of a query with a seq to take, and reports whether there is one.
func (r *reader) readOne(q query, seq eventstore.Seq, take func(statement) error) (found bool, err error) {
	s := r.prepared[q]
	defer r.reset(s)
	if err := r.bindSeq(s, seq); err != nil {
		return false, err
	}
	if found, err = r.step(s); err != nil || !found {
		return found, err
	}
	return true, take(s)
}

// readNewestRow reads a row of textOfNewestQuery.
func (r *reader) readNewestRow(s statement) (n eventstore.Newest, err error) {
	var record eventstore.Record
	if err := r.readRecord(s, &record); err != nil {
		return n, err
	}
	n = eventstore.NewestOf(record)
	const before, setEnd = recordColumns, recordColumns + 3
	if !r.null(s, before) {
		n.Before = eventstore.Head{Seq: eventstore.Seq(r.integer(s, before)), RecordedAt: time.UnixMicro(r.integer(s, before+2)).UTC()}
		if err := fill(n.Before.Hash[:], r.bytes(s, before+1)); err != nil {
			return n, &eventstore.ChainError{Seq: n.Before.Seq, Problem: "its hash has " + err.Error()}
		}
	}
	if !r.null(s, setEnd) {
		if err := fill(n.SetEnd[:], r.bytes(s, setEnd)); err != nil {
			return n, &eventstore.ChainError{Seq: n.ChangeSet, Problem: "its hash has " + err.Error()}
		}
	}
	return n, nil
}
