package projection

import (
	"fmt"
	"sync"
	"sync/atomic"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// ErrDiverged is wrapped by errors that say that the history is not a continuation of what was
// applied.
var ErrDiverged = eventstore.ErrDiverged

// Publisher hears of events once they can be read.
type Publisher interface {
	// Publish is called with the events that a view has more than the one before, in order, never twice with one.
	Publish(revisions []*eventstore.Revision)
}

// Projection makes views. Its zero value is not for use: see [New].
type Projection struct {
	view      atomic.Pointer[View]
	publisher Publisher

	mu       sync.Mutex // guards what is below; held while events are applied and published
	configs  *tree      // the newest states; views are copies of it
	existing int
}

// New returns the projection of an empty history. The publisher hears of every event that is applied.
func New(publisher Publisher) *Projection {
	p := &Projection{publisher: publisher, configs: newTree()}
	p.swap(eventstore.Head{})
	return p
}

// View returns the newest view.
func (p *Projection) View() *View { return p.view.Load() }

// Apply brings in revisions that follow one another from the head from on. It is the one way into the projection, for events
// that this process has written and for those that it has read. What was applied before is skipped. The new view is there
// before anybody hears of its events, and both have happened when Apply returns.
//
// The revisions are whole change sets: no view may show half of one. Nothing is applied when there is an error: one that
// wraps [ErrDiverged] when the revisions do not continue what was applied, or one about an event that cannot follow.
func (p *Projection) Apply(from eventstore.Head, revisions []*eventstore.Revision) error {
	p.mu.Lock()
	defer p.mu.Unlock()

	fresh, err := unapplied(p.View().head, from, revisions)
	if err != nil || len(fresh) == 0 {
		return err
	}
	if err := checkSets(fresh); err != nil {
		return err
	}
	if err := p.add(fresh); err != nil {
		return err
	}
	p.swap(fresh[len(fresh)-1].Head())
	p.publisher.Publish(fresh)
	return nil
}

// Begin gives a projection to which nothing was applied the state at an older head of a view's
// history. past has the revision that was in force then for each name that has changed since, nil
// for one that did not exist; no other name may have changed. Nobody hears of it.
func (p *Projection) Begin(view *View, at eventstore.Head, past map[config.Name]*eventstore.Revision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.configs, p.existing = view.configs.Copy(), view.existing
	for name, r := range past {
		present := view.Get(name)
		p.existing -= count(present)
		if r == nil {
			p.configs.Delete(present)
			continue
		}
		then := present.AsOf(r)
		p.configs.Set(then)
		p.existing += count(then)
	}
	p.swap(at)
}

// add puts the states that the revisions lead to into the tree. On an error it puts back what was there before.
func (p *Projection) add(revisions []*eventstore.Revision) error {
	for i, r := range revisions {
		after := newConfig(r)
		before, _ := p.configs.Set(after) // finds what was there, so it is looked for once only
		if err := after.follow(before, r.Event); err != nil {
			p.restore(revisions[:i+1])
			return fmt.Errorf("applying the event at position %d: %w", r.Seq, err)
		}
		p.existing += count(after) - count(before)
	}
	return nil
}

// restore makes the tree that of the present view again.
func (p *Projection) restore(added []*eventstore.Revision) {
	view := p.View()
	for _, r := range added {
		if before := view.Get(r.Name); before != nil {
			p.configs.Set(before)
		} else {
			p.configs.Delete(&Config{Name: r.Name})
		}
	}
	p.existing = view.existing
}

// swap makes the tree the present view. Copying takes constant time: the nodes are shared until one of them changes.
func (p *Projection) swap(head eventstore.Head) {
	p.view.Store(&View{head: head, existing: p.existing, configs: p.configs.Copy()})
}

// unapplied returns those revisions, which follow from, that come after applied.
func unapplied(applied, from eventstore.Head, revisions []*eventstore.Revision) ([]*eventstore.Revision, error) {
	known := int(applied.Seq - from.Seq)
	var hash eventstore.Hash // of the position applied, according to the revisions
	switch {
	case known < 0:
		return nil, fmt.Errorf("applying events after position %d: only %d is applied", from.Seq, applied.Seq)
	case known > len(revisions):
		return nil, nil
	case known == 0:
		hash = from.Hash
	default:
		hash = revisions[known-1].Hash
	}
	if hash != applied.Hash {
		return nil, fmt.Errorf("%w: position %d has another hash", ErrDiverged, applied.Seq)
	}
	return revisions[known:], nil
}

// checkSets checks that revisions are change sets, one after the other, and that the last of them is whole.
func checkSets(revisions []*eventstore.Revision) error {
	var set eventstore.Seq // the one that is not whole yet
	for _, r := range revisions {
		end := r.ChangeSet.Seq
		if end < r.Seq || set != 0 && set != end {
			return &eventstore.ChainError{Seq: r.Seq, Problem: fmt.Sprintf("its change set cannot end at %d", end)}
		}
		if set = end; r.EndsSet() {
			set = 0
		}
	}
	if set != 0 {
		return fmt.Errorf("applying events: the change set that ends at position %d is not whole", set)
	}
	return nil
}

func count(c *Config) int {
	if c != nil && c.Exists() {
		return 1
	}
	return 0
}
