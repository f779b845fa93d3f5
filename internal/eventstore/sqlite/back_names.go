package sqlite

import (
	"container/heap"
	"context"

	"configapi/internal/eventstore"
)

// textOfExamineQuery reads what says whether an [eventstore.Back] selects an event.
const textOfExamineQuery = `SELECT previous, version, type, actor, config_name FROM events WHERE position = ?`

// readBackOfNames merges the lists of the names, newest first.
func (r *reader) readBackOfNames(ctx context.Context, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
	var next nextOfNames
	for _, name := range q.Names {
		at, err := r.newestAsOf(name, q.Before-1)
		if err == nil {
			err = r.addNext(&next, &q, name, at)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	p := newRecordPage(limit)
	for left := q.Enough(limit) * len(q.Names); len(next) > 0; left-- {
		newest := heap.Pop(&next).(nextOfName)
		var err error
		if newest.selected {
			_, err = r.readVersion(ctx, recordQuery, newest.name, newest.at, &p)
		}
		if err != nil || p.full() || left == 1 {
			return p.records, newest.at.seq, err
		}
		if err := r.addNext(&next, &q, newest.name, newest.before); err != nil {
			return nil, 0, err
		}
	}
	return p.records, q.After + 1, ctx.Err()
}

// nextOfName is the next event of a name.
type nextOfName struct {
	name       string
	at, before versionAt
	selected   bool
}

// addNext adds the event at a place, if that is after q.After. It reads the event at once: a wrong
// place would be taken up too early or too late.
func (r *reader) addNext(next *nextOfNames, q *eventstore.Back, name string, at versionAt) error {
	if at.seq <= q.After {
		return nil
	}
	n, is := nextOfName{name: name, at: at}, false
	_, err := r.readOne(examineQuery, at.seq, func(s statement) error {
		n.before, is = at.previous(eventstore.Seq(r.integer(s, 0)))
		is = is && int(r.integer(s, 1)) == at.version && string(r.bytes(s, 4)) == name
		n.selected = q.Selects(&eventstore.Record{
			Seq: at.seq, Name: name, Version: at.version, Type: r.typeOf(r.bytes(s, 2)), Actor: r.nullable(s, 3),
		})
		return nil
	})
	if err == nil && !is {
		err = notInList(at.seq)
	}
	if err == nil {
		heap.Push(next, n)
	}
	return err
}

// nextOfNames is a heap with the newest event on top.
type nextOfNames []nextOfName

func (n nextOfNames) Len() int           { return len(n) }
func (n nextOfNames) Less(i, j int) bool { return n[i].at.seq > n[j].at.seq }
func (n nextOfNames) Swap(i, j int)      { n[i], n[j] = n[j], n[i] }
func (n *nextOfNames) Push(next any)     { *n = append(*n, next.(nextOfName)) }

func (n *nextOfNames) Pop() any {
	last := len(*n) - 1
	next := (*n)[last]
	*n = (*n)[:last]
	return next
}
