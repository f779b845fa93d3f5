package sqlite

import (
	"context"
	"fmt"
	"slices"

	"configapi/internal/eventstore"
)

// ReadConfig returns records of one name after a version, oldest first.
func (s *Store) ReadConfig(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) (records []eventstore.Record, err error) {
	err = s.useQueuedOnBasis(ctx, basis, func(r *reader) (err error) {
		records, err = r.readForward(ctx, name, after, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading config %q after version %d: %w", name, after, err)
	}
	return records, nil
}

// forwardStep is how many versions are found at once, from the last one back, when a name is read
// forward.
const forwardStep = 256

func (r *reader) readForward(ctx context.Context, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	newest, err := r.newestOf(name)
	if err != nil {
		return nil, err
	}
	if after >= newest.version {
		return nil, r.check(name, newest)
	}
	p := newRecordPage(limit)
	for after = max(after, 0); after < newest.version && !p.full(); {
		last := min(newest.version, after+min(forwardStep, p.left()))
		places, err := r.placesBack(name, newest, last, last-after)
		if err != nil {
			return nil, err
		}
		slices.Reverse(places)
		for i := 0; i < len(places) && !p.full(); i++ {
			if _, err := r.readVersion(ctx, recordQuery, name, places[i], &p); err != nil {
				return nil, err
			}
		}
		after = last
	}
	return p.records, nil
}

// placesBack returns the places of up to n events of a name from a version back, newest first.
func (r *reader) placesBack(name string, newest versionAt, version, n int) (places []versionAt, err error) {
	at, err := r.versionBefore(name, newest, version)
	for ; err == nil && at.seq > 0 && len(places) < n; at, err = r.before(name, at) {
		places = append(places, at)
	}
	return places, err
}

// ReadConfigBack returns records of one name before a version, newest first.
func (s *Store) ReadConfigBack(ctx context.Context, basis eventstore.Head, name string, before int, limit eventstore.Limit) (records []eventstore.Record, err error) {
	err = s.useQueuedOnBasis(ctx, basis, func(r *reader) (err error) {
		records, err = r.readBackward(ctx, name, before, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading config %q before version %d: %w", name, before, err)
	}
	return records, nil
}

func (r *reader) readBackward(ctx context.Context, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	newest, err := r.newestOf(name)
	if err != nil {
		return nil, err
	}
	at, err := r.versionBefore(name, newest, min(before-1, newest.version))
	p := newRecordPage(limit)
	for err == nil && at.seq > 0 && !p.full() {
		at, err = r.readVersion(ctx, recordQuery, name, at, &p)
	}
	return p.records, err
}

// ReadAsOf returns for each of the names its newest record at or before a seq, by name.
func (s *Store) ReadAsOf(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) (records []eventstore.Record, err error) {
	from := recordQuery
	if q.NoData {
		from = recordNoDataQuery
	}
	names := slices.Sorted(slices.Values(q.Names))
	err = s.useQueuedOnBasis(ctx, basis, func(r *reader) (err error) {
		p := newRecordPage(limit)
		for i := 0; i < len(names) && !p.full() && err == nil; i++ {
			var at versionAt
			if at, err = r.newestAsOf(names[i], q.At); err == nil && at.seq > 0 {
				_, err = r.readVersion(ctx, from, names[i], at, &p)
			}
		}
		records = p.records
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading %d configs as of seq %d: %w", len(q.Names), q.At, err)
	}
	return records, nil
}

// ReadVersions returns the records of versions, in the order asked.
func (s *Store) ReadVersions(ctx context.Context, basis eventstore.Head, versions []eventstore.VersionOf, limit eventstore.Limit) (records []eventstore.Record, err error) {
	err = s.useQueuedOnBasis(ctx, basis, func(r *reader) (err error) {
		records, err = r.readVersions(ctx, versions, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading %d versions: %w", len(versions), err)
	}
	return records, nil
}

// LookUp returns the records of versions, in the order asked, on a connection for the node itself.
func (s *Store) LookUp(ctx context.Context, versions []eventstore.VersionOf, limit eventstore.Limit) (records []eventstore.Record, err error) {
	err = s.useOnBasis(ctx, eventstore.Head{}, func(r *reader) (err error) {
		records, err = r.readVersions(ctx, versions, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking up %d versions: %w", len(versions), err)
	}
	return records, nil
}

func (r *reader) readVersions(ctx context.Context, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	p := newRecordPage(limit)
	for i := 0; i < len(versions) && !p.full(); i++ {
		v := versions[i]
		if n := len(p.records); n > 0 && p.records[n-1].Name == v.Name && p.records[n-1].Version == v.Version+1 {
			v.Next = p.records[n-1].Seq
		}
		found, err := r.readBefore(ctx, v, &p)
		if err == nil && !found {
			var at versionAt
			if at, err = r.versionOf(v.Name, v.Version); err == nil && at.seq > 0 {
				_, err = r.readVersion(ctx, recordQuery, v.Name, at, &p)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return p.records, nil
}

// readBefore adds the record of a version to a page, if the version after it is where v says.
func (r *reader) readBefore(ctx context.Context, v eventstore.VersionOf, p *recordPage) (found bool, err error) {
	if v.Next == 0 {
		return false, nil
	}
	at, is, err := r.previousOf(v.Name, versionAt{v.Next, v.Version + 1})
	if err != nil || !is || at.seq == 0 {
		return false, err
	}
	before := *p
	if _, err := r.readAt(ctx, recordQuery, at.seq, p); err != nil || len(p.records) == len(before.records) {
		return false, err
	}
	if last := &p.records[len(p.records)-1]; last.Name == v.Name && last.Version == v.Version {
		return true, nil
	}
	*p = before
	return false, nil
}

// readAt adds the record at a seq to a page, and returns the seq of the one before of the same
// name. It adds nothing where a record is missing.
func (r *reader) readAt(ctx context.Context, from query, seq eventstore.Seq, p *recordPage) (before eventstore.Seq, err error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	_, err = r.readOne(from, seq, func(s statement) error {
		before = eventstore.Seq(r.integer(s, recordColumns))
		return r.addRecord(s, p)
	})
	return before, err
}
