package projection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// A load costs about a quarter more for a name than a replay for an event: see "Start" in
// docs/figures.md. How many of the events are the first of a name is estimated from samples.
const (
	samples = 64
	// manyFirst is how many of them are first events when a replay is as cheap.
	manyFirst = samples * 2 / 3
)

// errContradiction says that the records that a load has read are not those of one whole history.
// They were changed, or are being replaced.
var errContradiction = errors.New("the records contradict each other")

// load gives an empty projection the state at a head shortly before the newest one, from the newest
// record of each name. The events after it are then replayed as usual, which also fills the feed. A
// load takes time for names, not for events; the records that it has not read are left to a
// [Verifier].
//
// It does nothing when a replay is as cheap, and when a record that it reads is not what it should
// be: a replay then finds the first record that is wrong.
func (f *Follower) load(ctx context.Context) error {
	basis, err := f.chooseBasis(ctx)
	if err != nil || basis.Seq == 0 {
		return err
	}
	loaded, err := f.loadStates(ctx, basis)
	var broken *eventstore.ChainError
	switch {
	case errors.Is(err, ErrDiverged): // it was replaced meanwhile; this is no rebuild yet
		return fmt.Errorf("loading the state at seq %d: %v", basis.Seq, err)
	case errors.As(err, &broken) || errors.Is(err, errContradiction):
		f.opts.Log.Warn("the state cannot be loaded; reading the whole history", "reason", err)
		return nil
	case err != nil:
		return fmt.Errorf("loading the state at seq %d: %w", basis.Seq, err)
	}
	f.opts.Loaded(basis)
	f.projection.Load(basis, loaded.configs(), loaded.streams)
	return nil
}

// chooseBasis returns the head of which the state is loaded, or the zero Head if the history is to
// be replayed instead.
func (f *Follower) chooseBasis(ctx context.Context) (eventstore.Head, error) {
	head, err := f.source.Head(ctx)
	if err != nil {
		return eventstore.Head{}, fmt.Errorf("reading the head: %w", err)
	}
	if f.opts.Replay || int(head.Seq) <= f.opts.RecentEvents {
		return eventstore.Head{}, nil
	}
	if many, err := f.manyNames(ctx, head); err != nil || many {
		return eventstore.Head{}, err
	}
	for recent := f.opts.RecentEvents; ; recent /= 10 {
		basis, err := f.basisBefore(ctx, head, eventstore.Seq(recent))
		if err != nil || basis.Seq != 0 || recent == 0 {
			return basis, err
		}
	}
}

// manyNames estimates whether the history has so many names that a replay is as cheap as a load.
// Each name has one event of version 1, so their share in random events is that of names to events.
func (f *Follower) manyNames(ctx context.Context, head eventstore.Head) (bool, error) {
	first := 0
	for range samples {
		records, err := f.source.Read(ctx, rand.N(head.Seq), eventstore.Limit{Records: 1})
		if err != nil {
			return false, fmt.Errorf("reading events: %w", err)
		}
		if len(records) == 1 && records[0].Version == 1 {
			first++
		}
	}
	return first >= manyFirst, nil
}

// basisBefore returns the head at the end of a change set about recent events before a head. It
// returns the zero Head if one page does not reach the head from there.
func (f *Follower) basisBefore(ctx context.Context, head eventstore.Head, recent eventstore.Seq) (eventstore.Head, error) {
	records, err := f.source.Read(ctx, head.Seq-recent-1, eventstore.Limit{Records: int(recent) + 1})
	if err != nil {
		return eventstore.Head{}, fmt.Errorf("reading events: %w", err)
	}
	if len(records) == 0 || records[len(records)-1].Seq < head.Seq {
		return eventstore.Head{}, nil
	}
	for i := range records {
		if records[i].ChangeSet == records[i].Seq {
			return eventstore.HeadOf(&records[i]), nil
		}
	}
	return eventstore.Head{}, nil
}

// loadStates returns the states of all names at a basis. Reading runs one page ahead of checking
// and decoding.
func (f *Follower) loadStates(ctx context.Context, basis eventstore.Head) (*loader, error) {
	ctx, cancel := context.WithCancel(ctx)
	pages := make(chan []eventstore.Newest)
	read := make(chan error, 1)
	go func() {
		defer close(pages)
		read <- f.source.EachNewest(ctx, basis, func(page []eventstore.Newest) error {
			select {
			case pages <- page:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	l := &loader{basis: basis, codec: f.opts.Codec}
	var err error
	for page := range pages {
		if err = l.add(page); err != nil {
			break
		}
	}
	cancel()
	l.join()
	return l, cmp.Or(err, <-read, l.check())
}

// loader makes states of the newest records.
type loader struct {
	basis    eventstore.Head
	codec    config.Codec
	chain    eventstore.Chain
	parts    [][]*Config            // by name; nil for one that is not read yet, or not of a config
	states   []*Config              // of all parts, once all are read
	streams  []*eventstore.Revision // the newest events of streams that are no configs
	count    int
	versions eventstore.Seq // all together
}

func (l *loader) add(page []eventstore.Newest) error {
	if err := l.chain.VerifyNewest(l.basis, page); err != nil {
		return err
	}
	for i := range page {
		n := &page[i]
		r, err := n.Revision(l.codec)
		if err != nil {
			return err
		}
		if missing := n.Part + 1 - len(l.parts); missing > 0 {
			l.parts = append(l.parts, make([][]*Config, missing)...)
		}
		part := &l.parts[n.Part]
		if missing := n.Order + 1 - len(*part); missing > 0 {
			*part = append(*part, make([]*Config, missing)...)
		}
		if r.Stream != nil {
			l.streams = append(l.streams, r)
		} else {
			(*part)[n.Order] = newState(n, r)
		}
		l.count++
		l.versions += eventstore.Seq(n.Version)
	}
	return nil
}

// join makes one list of the states of all parts.
func (l *loader) join() {
	for i, part := range l.parts {
		l.states = append(l.states, part...)
		l.parts[i] = nil
	}
}

// check checks that nothing is missing. The versions of a name have no gap, so those of the newest
// records add up to the number of all records, if none is there twice.
func (l *loader) check() error {
	if name, twice := l.twice(); twice {
		return fmt.Errorf("%w: there are two newest records of %s", errContradiction, name)
	}
	if l.versions != l.basis.Seq || l.count != len(l.states) {
		return fmt.Errorf("%w: the versions of %d names at seq %d add up to %d", errContradiction, l.count, l.basis.Seq, l.versions)
	}
	return nil
}

// twice returns a name that has two records.
func (l *loader) twice() (name string, twice bool) {
	var last *Config
	for _, c := range l.states {
		if c == nil {
			continue
		}
		if last != nil && c.Name.Compare(last.Name) <= 0 {
			return c.Name.String(), true
		}
		last = c
	}
	streams := make(map[string]bool, len(l.streams))
	for _, r := range l.streams {
		name := r.Stream.Stream
		if streams[name] {
			return name, true
		}
		streams[name] = true
	}
	return "", false
}

// configs returns the states of configs, by name.
func (l *loader) configs() []*Config {
	if len(l.streams) == 0 {
		return l.states
	}
	return slices.DeleteFunc(l.states, func(c *Config) bool { return c == nil })
}

// newState returns the state of a name after its newest record, which holds a revision.
func newState(n *eventstore.Newest, r *eventstore.Revision) *Config {
	c := newConfig(r, nil)
	c.Name, c.createdAt = c.Name.Clone(), n.CreatedAt.UnixMicro()
	return c
}
