package projection

import (
	"cmp"
	"context"
	"runtime"
	"slices"

	"github.com/tidwall/btree"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// Order has the names of a view by their last change. It is immutable and safe for concurrent use.
type Order struct {
	head              eventstore.Seq // of the view
	existing, deleted *bySeq
}

// bySeq has names by the seq of their newest revision.
type bySeq = btree.Map[eventstore.Seq, config.Name]

// Existing calls yield for each name whose config exists, with the seq of its last change, the
// newest first and only for changes before a seq (0 means all), until yield returns false.
func (o *Order) Existing(before eventstore.Seq, yield func(eventstore.Seq, config.Name) bool) {
	descend(o.existing, before, yield)
}

// Deleted is [Order.Existing] for names whose config is deleted.
func (o *Order) Deleted(before eventstore.Seq, yield func(eventstore.Seq, config.Name) bool) {
	descend(o.deleted, before, yield)
}

func descend(names *bySeq, before eventstore.Seq, yield func(eventstore.Seq, config.Name) bool) {
	if before <= 0 {
		names.Reverse(yield)
	} else {
		names.Descend(before-1, yield)
	}
}

// orders makes the orders of a projection. Writes only note what has changed; an order is made when
// one is asked for, from the one before.
type orders struct {
	turn   chan struct{} // holds an element while somebody uses newest
	newest *Order        // nil: none was asked for
}

func newOrders() orders { return orders{turn: make(chan struct{}, 1)} }

// Order returns the order of a view of this projection. It costs about what has changed since the
// last one. The first one, and one after very many changes, costs a sort of all names: about half a
// second of CPU with 1,000,000. One at a time is made. The error is that of ctx.
func (p *Projection) Order(ctx context.Context, view *View) (*Order, error) {
	select {
	case p.orders.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-p.orders.turn }()
	known := p.orders.newest
	if known != nil && known.head == view.head.Seq {
		return known, nil
	}
	made := known.moved(view, p.View())
	if made == nil {
		var err error
		if made, err = newOrder(ctx, view); err != nil {
			return nil, err
		}
	}
	if known == nil || known.head < made.head {
		p.orders.newest = made
	}
	return made, nil
}

// pauseAfter is after how many names a walk lets other goroutines run.
const pauseAfter = 1024

// newOrder makes an order of all names.
func newOrder(ctx context.Context, view *View) (*Order, error) {
	type entry struct {
		seq    eventstore.Seq
		config *Config
	}
	entries := make([]entry, 0, view.states.len())
	view.states.each("", func(c *Config) bool {
		entries = append(entries, entry{c.Seq, c})
		if len(entries)%pauseAfter != 0 {
			return true
		}
		runtime.Gosched()
		return ctx.Err() == nil
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.seq, b.seq) })
	o := &Order{head: view.head.Seq, existing: new(bySeq), deleted: new(bySeq)}
	for _, e := range entries {
		o.of(e.config).Load(e.seq, e.config.Name)
	}
	return o, nil
}

// moved returns the order of another view of the same projection, by the changes between the two.
// It returns nil if newest, the newest view, does not have all of these, or if there are so many
// that a new order costs less.
func (o *Order) moved(view, newest *View) *Order {
	if o == nil {
		return nil
	}
	from, to := min(o.head, view.head.Seq), max(o.head, view.head.Seq)
	changed, ok := newest.changes.between(from, to)
	if !ok || len(changed) > view.states.len()/keptPart {
		return nil
	}
	moved := &Order{head: view.head.Seq, existing: o.existing.Copy(), deleted: o.deleted.Copy()}
	for i, change := range changed {
		moved.remove(change.before)
		moved.remove(change.seq)
		if c := view.Get(change.name); c != nil {
			moved.of(c).Set(c.Seq, c.Name)
		}
		if i%pauseAfter == 0 {
			runtime.Gosched()
		}
	}
	return moved
}

// of returns the names to which that of a state belongs.
func (o *Order) of(c *Config) *bySeq {
	if c.Exists() {
		return o.existing
	}
	return o.deleted
}

func (o *Order) remove(seq eventstore.Seq) {
	if _, existed := o.existing.Delete(seq); !existed {
		o.deleted.Delete(seq)
	}
}
