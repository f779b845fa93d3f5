package projection

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// ErrDiverged is [eventstore.ErrDiverged]: the history does not continue what was applied.
var ErrDiverged = eventstore.ErrDiverged

// Publisher gets events once they can be read.
type Publisher interface {
	// Begin is called when the projection gets the state at a head without events. It comes before
	// any call of Publish, which then continues from that head.
	Begin(head eventstore.Head)
	// Publish is called with the events that the newest view has and the one before has not, in
	// order, and never twice with the same event.
	Publish(revisions []*eventstore.Revision)
}

// Projection makes views. Use [New] to make one. It is safe for concurrent use.
type Projection struct {
	view      atomic.Pointer[View]
	publisher Publisher

	mu       sync.Mutex // guards what is below; held while events are applied and published
	states   states     // the newest ones; views have copies of them
	byHash   *hashIndex // of the states of the newest view; nil: none
	changes  changes
	streams  *streams                       // the newest events; views share them
	secrets  *secrets                       // of the tokens among the streams; views share them
	stamp    *auth.Stamp                    // of secrets
	closedAt time.Time                      // when the first token was issued; zero: there is none
	erased   map[config.Name]eventstore.Seq // :: name → seq of its newest event, whose value was erased

	erasures *erasures
	orders   orders
}

// New returns the projection of an empty history. It passes every applied event to publisher.
func New(publisher Publisher) *Projection {
	p := &Projection{
		publisher: publisher, states: newStates(), byHash: newHashIndex(), streams: newStreams(), secrets: newSecrets(), stamp: new(auth.Stamp),
		erased: make(map[config.Name]eventstore.Seq), erasures: new(erasures), orders: newOrders(),
	}
	p.swap(eventstore.Head{})
	return p
}

// View returns the newest view.
func (p *Projection) View() *View { return p.view.Load() }

// Apply applies revisions that follow one another after the head from. It is the only way into the
// projection, both for events that this process has written and for those that it has read. It
// skips what was applied before. The new view is stored before its events are published, and both
// are done when Apply returns. Apply gives the revisions their old values, so nobody else may use
// them yet.
//
// The revisions must be whole change sets, because no view may show part of one. On an error
// nothing is applied: the error wraps [ErrDiverged] if the revisions do not continue what was
// applied; otherwise it is about an event that cannot follow. Apply refuses to show a present
// config whose value was erased: then it is to be called with more revisions.
func (p *Projection) Apply(from eventstore.Head, revisions []*eventstore.Revision) error {
	return p.apply(from, revisions, false)
}

// ApplyUnseen is Apply while nobody reads, such as at start. It shows present configs whose values
// were erased: see [Projection.CheckErasures].
func (p *Projection) ApplyUnseen(from eventstore.Head, revisions []*eventstore.Revision) error {
	return p.apply(from, revisions, true)
}

func (p *Projection) apply(from eventstore.Head, revisions []*eventstore.Revision, unseen bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()

	fresh, err := unapplied(p.View().head, from, revisions)
	if err != nil || len(fresh) == 0 {
		return err
	}
	if err := checkSets(fresh); err != nil {
		return err
	}
	if err := p.erasures.Check(fresh); err != nil {
		return err
	}
	known := p.changes
	changed, err := p.add(fresh)
	if err == nil && !unseen {
		err = p.checkPresent()
	}
	if err != nil {
		p.restore(fresh)
		p.changes = known
		return err
	}
	p.erasures.add(fresh)
	if p.byHash != nil {
		p.byHash.set(changed)
	}
	p.swap(fresh[len(fresh)-1].Head())
	p.publisher.Publish(fresh)
	return nil
}

// Begin gives a new projection the state at an older head of a view's history. past has, for each
// name that has changed since, the revision that was in force then, or nil if the name did not
// exist; no other name, and no stream that is no config, may have changed. Nothing is published.
func (p *Projection) Begin(view *View, at eventstore.Head, past map[config.Name]*eventstore.Revision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.states, p.byHash, p.changes = view.states.copy(), nil, changes{}
	p.takeStreams(view)
	p.erasures = view.erasures
	for name, r := range past {
		present := view.Get(name)
		p.states.forget(name)
		if r != nil {
			p.set(present.AsOf(r))
		}
	}
	p.swap(at)
}

// Load gives a new projection the states of all names at a head, by name, and the newest events of
// streams that are no configs. The publisher begins at that head. What was erased up to it is not
// known: see [View.MayBeErased].
func (p *Projection) Load(at eventstore.Head, states []*Config, streams []*eventstore.Revision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range states {
		p.states.load(c)
	}
	p.byHash.set(states)
	p.streams, p.secrets, p.stamp, p.closedAt = newStreams(), newSecrets(), new(auth.Stamp), time.Time{}
	for _, r := range streams {
		p.streams.Set(r)
		if token := tokenOf(r); token != nil {
			p.setSecrets(token)
		}
	}
	p.erasures.unknown = at.Seq
	p.swap(at)
	p.publisher.Begin(at)
}

// add puts the states that the revisions lead to into the trees, returns them, and completes the
// revisions. After an error the trees must be restored.
func (p *Projection) add(revisions []*eventstore.Revision) (changed []*Config, err error) {
	changed = make([]*Config, 0, len(revisions))
	var newest *details // of the change before
	for _, r := range revisions {
		switch r.Fact().(type) {
		case *config.Event:
			var c *Config
			if c, err = p.addConfig(r, newest); err == nil {
				changed, newest = append(changed, c), c.details
			}
		case *config.StreamEvent:
			err = p.addStream(r)
		}
		if err != nil {
			return nil, fmt.Errorf("applying the event at seq %d: %w", r.Seq, err)
		}
	}
	p.changes.trim(p.states.len())
	return changed, nil
}

// addConfig adds a change of a config, given the details of the change before, and returns the
// state after it.
func (p *Projection) addConfig(r *eventstore.Revision, newest *details) (*Config, error) {
	after := newConfig(r, newest)
	before := p.set(after)
	if before != nil {
		r.SetOld(before.Event())
	}
	if err := before.CheckNext(r.Event); err != nil {
		return nil, err
	}
	after.continueFrom(before)
	p.changes.add(after, before)
	return after, nil
}

// set replaces the state of a name, and returns the one before.
func (p *Projection) set(c *Config) (before *Config) {
	if before = p.states.set(c); c.erased {
		p.erased[c.Name] = c.Seq
	} else if len(p.erased) > 0 {
		delete(p.erased, c.Name)
	}
	return before
}

// restore makes the states the same as those of the present view.
func (p *Projection) restore(added []*eventstore.Revision) {
	view := p.View()
	p.takeStreams(view)
	for _, r := range added {
		if r.Stream != nil {
			continue
		}
		p.states.forget(r.Name)
		delete(p.erased, r.Name)
		if before := view.Get(r.Name); before != nil {
			p.set(before)
		}
	}
}

// swap makes the states the present view. The copy takes constant time: both share their nodes
// until one of them changes.
func (p *Projection) swap(head eventstore.Head) {
	if len(p.changes.newest) == 0 {
		p.changes.after = head.Seq
	}
	p.view.Store(&View{
		head: head, states: p.states.copy(), byHash: p.byHash, changes: p.changes,
		streams: p.streams, secrets: p.secrets, stamp: p.stamp, closedAt: p.closedAt, erasures: p.erasures,
	})
}

// unapplied returns the revisions after applied. The revisions follow from.
func unapplied(applied, from eventstore.Head, revisions []*eventstore.Revision) ([]*eventstore.Revision, error) {
	known := int(applied.Seq - from.Seq)
	var hash eventstore.Hash // of the seq applied, according to the revisions
	switch {
	case known < 0:
		return nil, fmt.Errorf("applying events after seq %d: only %d is applied", from.Seq, applied.Seq)
	case known > len(revisions):
		return nil, nil
	case known == 0:
		hash = from.Hash
	default:
		hash = revisions[known-1].Hash
	}
	if hash != applied.Hash {
		return nil, fmt.Errorf("%w: seq %d has another hash", ErrDiverged, applied.Seq)
	}
	return revisions[known:], nil
}

// checkSets checks that revisions are change sets, one after the other, and that the last one is
// whole.
func checkSets(revisions []*eventstore.Revision) error {
	var set eventstore.Seq // the change set that is not whole yet
	for _, r := range revisions {
		end := r.ChangeSet.Seq
		if end < r.Seq || set != 0 && set != end {
			return &eventstore.ChainError{Seq: r.Seq, Problem: fmt.Sprintf("its change set cannot end at %d", end)}
		}
		if set = end; r.EndsChangeSet() {
			set = 0
		}
	}
	if set != 0 {
		return fmt.Errorf("applying events: the change set that ends at seq %d is not whole", set)
	}
	return nil
}
