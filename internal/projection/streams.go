package projection

import (
	"fmt"
	"sync"

	"github.com/tidwall/btree"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// streams are the newest events of all streams that are no configs, by stream. They are apart from
// the states of configs, so that nothing about configs ever shows them.
type streams = btree.BTreeG[*eventstore.Revision]

func newStreams() *streams {
	before := func(a, b *eventstore.Revision) bool { return a.Stream.Stream < b.Stream.Stream }
	return btree.NewBTreeGOptions(before, btree.Options{NoLocks: true})
}

// Stream returns the newest event of a stream that is no config, or nil if it has none.
func (v *View) Stream(name string) *eventstore.Revision { return newestOf(v.streams, name) }

func newestOf(s *streams, name string) *eventstore.Revision {
	r, _ := s.Get(&eventstore.Revision{Stream: &config.StreamEvent{Stream: name}})
	return r
}

// addStream makes an event the newest one of its stream. The error says that it cannot follow. The
// trees that views have do not change: few batches have such events, so these copy the trees, which
// takes constant time.
func (p *Projection) addStream(r *eventstore.Revision) error {
	p.streams, p.secrets, p.stamp = p.streams.Copy(), p.secrets.Copy(), new(auth.Stamp)
	before, _ := p.streams.Set(r)
	version := config.Version(0)
	if before != nil {
		version = before.Stream.Version
	}
	if r.Stream.Version != version+1 {
		return fmt.Errorf("version %d of stream %q follows version %d", r.Stream.Version, r.Stream.Stream, version)
	}
	return p.addToken(r, before)
}

// takeStreams makes the streams the same as those of a view.
func (p *Projection) takeStreams(v *View) {
	p.streams, p.secrets, p.stamp, p.closedAt = v.streams, v.secrets, v.stamp, v.closedAt
}

// erasures are the erased events of a history. All views of the history share them.
type erasures struct {
	mu sync.RWMutex
	eventstore.Erasures
	unknown eventstore.Seq // events up to it were not read
}

func (e *erasures) add(revisions []*eventstore.Revision) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Add(revisions)
}

// MayBeErased reports whether an event says that it erases the one at a seq. It is also true for
// each event that a load has not read: a [Verifier] checks that there is an event that says so.
func (v *View) MayBeErased(seq eventstore.Seq) bool {
	return seq <= v.erasures.unknown || v.IsErased(seq)
}

// IsErased reports whether an event that was applied one by one says that it erases the one at a
// seq.
func (v *View) IsErased(seq eventstore.Seq) bool {
	v.erasures.mu.RLock()
	defer v.erasures.mu.RUnlock()
	return v.erasures.Erased(seq)
}

// presentErasedError says that a view would show a config whose value was erased: the version that
// follows is not applied yet, or the history is broken.
type presentErasedError struct {
	name config.Name
	eventstore.ChainError
}

func (e *presentErasedError) Unwrap() error { return &e.ChainError }

// checkPresent returns a [*presentErasedError] if a present value was erased.
func (p *Projection) checkPresent() error {
	for name, seq := range p.erased {
		return &presentErasedError{name, eventstore.ChainError{Seq: seq, Problem: "its value was erased, but it is the present one"}}
	}
	return nil
}

// CheckErasures returns a [*eventstore.ChainError] if something was erased that may not be: an
// event that no applied one says it erases, or a present value. It is for when everything is
// applied that the history had after the last of the events was read.
func (p *Projection) CheckErasures() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.checkPresent(); err != nil {
		return err
	}
	return p.erasures.Unexplained()
}
