package sqlite

import (
	"context"
	"sort"

	"configapi/internal/eventstore"
)

// The events of a name are a list: the table newest says where its last one is, and each event
// where the one before is. The events at every milestoneStep-th version are in an index, so that no
// search walks far.
//
// An index over names and versions of all events would be simpler, but it is most of the cost of a
// large append: each event changes one of its pages, at a random place. See docs/adr/0042.
//
// The hash chain does not cover the lists. So each step checks that it has led to the version of
// the name that it should lead to; otherwise the read fails with an [eventstore.ChainError].
const (
	textOfNewestOfQuery = `SELECT position, version FROM newest WHERE config_name = ?`

	textOfPreviousQuery = `SELECT previous, version, config_name FROM events WHERE position = ?`

	textOfMilestoneQuery = `SELECT position FROM events INDEXED BY events_milestones
		WHERE config_name = ? AND version = ? AND version % 8 = 0`
)

// milestoneStep is the distance of two versions that are in the index events_milestones.
const milestoneStep = 8

// versionAt is the place of an event of a name. The zero versionAt is before its first event.
type versionAt struct {
	seq     eventstore.Seq
	version int
}

// newestOf returns the newest event of a name.
func (r *reader) newestOf(name string) (at versionAt, err error) {
	s := r.prepared[newestOfQuery]
	defer r.reset(s)
	if err := r.bind(s, []any{name}); err != nil {
		return at, err
	}
	found, err := r.step(s)
	if err != nil || !found {
		return at, err
	}
	return versionAt{eventstore.Seq(r.integer(s, 0)), int(r.integer(s, 1))}, nil
}

// notInList says that the lists do not lead to what they should.
func notInList(seq eventstore.Seq) error {
	return &eventstore.ChainError{Seq: seq, Problem: "the list of the versions of its config is damaged there"}
}

// before returns the event of a name before another one, or the zero versionAt before the first.
func (r *reader) before(name string, at versionAt) (versionAt, error) {
	before, is, err := r.previousOf(name, at)
	if err == nil && !is {
		err = notInList(at.seq)
	}
	return before, err
}

// check checks that an event of a name is at a place, if there is one. Reads that do not look at
// the event call it.
func (r *reader) check(name string, at versionAt) error {
	if at.seq == 0 {
		return nil
	}
	_, err := r.before(name, at)
	return err
}

// previousOf is before for an event that may be another one: is reports whether at is its place,
// and whether the event names one before it as it must.
func (r *reader) previousOf(name string, at versionAt) (before versionAt, is bool, err error) {
	_, err = r.readOne(previousQuery, at.seq, func(s statement) error {
		before, is = at.previous(eventstore.Seq(r.integer(s, 0)))
		is = is && int(r.integer(s, 1)) == at.version && string(r.bytes(s, 2)) == name
		return nil
	})
	return before, is, err
}

// previous returns the place of the event before, if seq can be that.
func (at versionAt) previous(seq eventstore.Seq) (before versionAt, can bool) {
	if at.version == 1 {
		return versionAt{}, seq == 0
	}
	return versionAt{seq, at.version - 1}, 0 < seq && seq < at.seq
}

// milestone returns the event of a name at a multiple of milestoneStep, which at comes after.
func (r *reader) milestone(name string, at versionAt, version int) (versionAt, error) {
	seq, err := r.queryNumber(milestoneQuery, name, int64(version))
	if err == nil && (seq == 0 || eventstore.Seq(seq) > at.seq) {
		err = notInList(at.seq)
	}
	return versionAt{eventstore.Seq(seq), version}, err
}

// versionOf returns the event of a name with a version, or the zero versionAt if there is none.
func (r *reader) versionOf(name string, version int) (at versionAt, err error) {
	at, err = r.newestOf(name)
	if err == nil && version > at.version {
		return versionAt{}, r.check(name, at)
	}
	if err != nil {
		return versionAt{}, err
	}
	return r.versionBefore(name, at, version)
}

// versionBefore returns the event of a name with a version, which at or an event before it has. It
// returns the zero versionAt before the first version.
func (r *reader) versionBefore(name string, at versionAt, version int) (_ versionAt, err error) {
	if version < 1 {
		return versionAt{}, nil
	}
	if next := (version + milestoneStep - 1) / milestoneStep * milestoneStep; next < at.version {
		at, err = r.milestone(name, at, next)
	}
	for err == nil && at.version > version {
		at, err = r.before(name, at)
	}
	return at, err
}

// newestAsOf returns the newest event of a name at or before a seq, or the zero versionAt if there
// is none. Its cost grows with the logarithm of the number of versions.
func (r *reader) newestAsOf(name string, seq eventstore.Seq) (at versionAt, err error) {
	newest, err := r.newestOf(name)
	if err != nil || newest.seq <= seq {
		return newest, err
	}
	at = newest
	sort.Search(at.version/milestoneStep, func(i int) bool {
		if err != nil {
			return true
		}
		var m versionAt
		if m, err = r.milestone(name, newest, (i+1)*milestoneStep); err != nil || m.seq <= seq {
			return false
		}
		at = m // the first milestone after the seq, of those that were looked at
		return true
	})
	for err == nil && at.seq > seq {
		at, err = r.before(name, at)
	}
	return at, err
}

// readVersion adds the record of a name at a place to a page, and returns the place of the one
// before it.
func (r *reader) readVersion(ctx context.Context, from query, name string, at versionAt, p *recordPage) (before versionAt, err error) {
	n := len(p.records)
	seq, err := r.readAt(ctx, from, at.seq, p)
	if err != nil {
		return versionAt{}, err
	}
	before, can := at.previous(seq)
	if !can || len(p.records) == n || p.records[n].Name != name || p.records[n].Version != at.version {
		return versionAt{}, notInList(at.seq)
	}
	return before, nil
}
