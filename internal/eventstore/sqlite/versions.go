package sqlite

import (
	"sort"

	"configapi/internal/eventstore"
)

// The events of a name are a list: the table newest says where its last one is, and each event
// where the one before is. The events at every milestoneStep-th version are in an index, so that no
// search walks far.
//
// An index over names and versions of all events would be simpler, but it is most of the cost of a
// large append: each event changes one of its pages, at a random place. See docs/adr/0042.
const (
	textOfNewestOfQuery = `SELECT position, version FROM newest WHERE config_name = ?`

	textOfPreviousQuery = `SELECT previous FROM events WHERE position = ?`

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

// before returns the event of the same name before one. It returns the zero versionAt before the
// first, and where an event is missing.
func (r *reader) before(at versionAt) (before versionAt, err error) {
	_, err = r.readOne(previousQuery, at.seq, func(s statement) error {
		if seq := eventstore.Seq(r.integer(s, 0)); seq > 0 {
			before = versionAt{seq, at.version - 1}
		}
		return nil
	})
	return before, err
}

// milestone returns the event of a name at a multiple of milestoneStep.
func (r *reader) milestone(name string, version int) (versionAt, error) {
	seq, err := r.queryNumber(milestoneQuery, name, int64(version))
	return versionAt{eventstore.Seq(seq), version}, err
}

// versionOf returns the event of a name with a version, or the zero versionAt if there is none.
func (r *reader) versionOf(name string, version int) (at versionAt, err error) {
	at, err = r.newestOf(name)
	if err != nil || version > at.version {
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
		at, err = r.milestone(name, next)
	}
	for err == nil && at.version > version {
		at, err = r.before(at)
	}
	return at, err
}

// newestAsOf returns the newest event of a name at or before a seq, or the zero versionAt if there
// is none. Its cost grows with the logarithm of the number of versions.
func (r *reader) newestAsOf(name string, seq eventstore.Seq) (at versionAt, err error) {
	at, err = r.newestOf(name)
	if err != nil || at.seq <= seq {
		return at, err
	}
	sort.Search(at.version/milestoneStep, func(i int) bool {
		if err != nil {
			return true
		}
		var m versionAt
		if m, err = r.milestone(name, (i+1)*milestoneStep); err != nil || m.seq <= seq {
			return false
		}
		at = m // the first milestone after the seq, of those that were looked at
		return true
	})
	for err == nil && at.seq > seq {
		at, err = r.before(at)
	}
	return at, err
}
