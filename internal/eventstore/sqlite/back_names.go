package sqlite

import (
	"container/heap"
	"context"

	"configapi/internal/eventstore"
)

// textOfExamineQuery reads what says whether an [eventstore.Back] selects an event.
const textOfExamineQuery = `SELECT previous, version, type, actor FROM events WHERE position = ?`

// readBackOfNames merges the lists of the names, newest first.
func (r *reader) readBackOfNames(ctx context.Context, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
	var next nextOfNames
	for _, name := range q.Names {
		at, err := r.newestAsOf(name, q.Before-1)
		if err != nil {
			return nil, 0, err
		}
		next.add(nextOfName{name, at.seq}, q.After)
	}
	p := newRecordPage(limit)
	for left := q.Enough(limit) * len(q.Names); len(next) > 0; left-- {
		newest := heap.Pop(&next).(nextOfName)
		selected, before, err := r.examine(&q, newest)
		if err == nil && selected {
			_, err = r.readAt(ctx, recordQuery, newest.seq, &p)
		}
		if err != nil || p.full() || left == 1 {
			return p.records, newest.seq, err
		}
		next.add(nextOfName{newest.name, before}, q.After)
	}
	return p.records, q.After + 1, ctx.Err()
}

// examine reports whether q selects the event at a place, and returns the seq of the one before it.
func (r *reader) examine(q *eventstore.Back, at nextOfName) (selected bool, before eventstore.Seq, err error) {
	_, err = r.readOne(examineQuery, at.seq, func(s statement) error {
		before = eventstore.Seq(r.integer(s, 0))
		selected = q.Selects(&eventstore.Record{
			Seq: at.seq, Name: at.name, Version: int(r.integer(s, 1)), Type: r.typeOf(r.bytes(s, 2)), Actor: r.nullable(s, 3),
		})
		return nil
	})
	return selected, before, err
}

// nextOfName is the place of the next event of a name.
type nextOfName struct {
	name string
	seq  eventstore.Seq
}

// nextOfNames is a heap with the newest event on top.
type nextOfNames []nextOfName

// add adds a place after a seq.
func (n *nextOfNames) add(next nextOfName, after eventstore.Seq) {
	if next.seq > after {
		heap.Push(n, next)
	}
}

func (n nextOfNames) Len() int           { return len(n) }
func (n nextOfNames) Less(i, j int) bool { return n[i].seq > n[j].seq }
func (n nextOfNames) Swap(i, j int)      { n[i], n[j] = n[j], n[i] }
func (n *nextOfNames) Push(next any)     { *n = append(*n, next.(nextOfName)) }

func (n *nextOfNames) Pop() any {
	last := len(*n) - 1
	next := (*n)[last]
	*n = (*n)[:last]
	return next
}
