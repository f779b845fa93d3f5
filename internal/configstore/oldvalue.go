package configstore

import (
	"context"
	"sync"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// OldValues reads the values that some configs had before their newest revisions: the projection
// does not keep them. It reads nothing until it is asked, and then as many as one page of the event
// store holds, so that a list of configs does not cost one read for each. It is safe for concurrent
// use.
type OldValues struct {
	branch  *branch
	at      eventstore.Seq // a position at which all the configs are as they are
	configs []*projection.Config
	one     [1]*projection.Config // configs, where there is one: most are never asked, so it must cost little

	mu    sync.Mutex // guards what is below
	pages [2]page    // the newest first
}

// page is what was read at once: the old value of each revision, by the revision's position.
type page map[eventstore.Seq]config.Value

// OldValues returns the old values of configs that the snapshot has returned.
func (s *Snapshot) OldValues(configs []*projection.Config) *OldValues {
	return &OldValues{branch: s.branch, at: s.at.Seq, configs: configs}
}

// OldValue returns the old value of one config that the store has returned.
func (s *Store) OldValue(c *projection.Config) *OldValues {
	o := &OldValues{branch: s.branch.Load(), at: c.Seq, one: [1]*projection.Config{c}}
	o.configs = o.one[:]
	return o
}

// Of returns the value that one of the configs had before its newest revision, nil if it had none.
// The error is of kind [Unavailable] when the event store cannot be read, or when the history has
// changed since the config was read.
func (o *OldValues) Of(ctx context.Context, c *projection.Config) (*config.Value, error) {
	if !c.Event().HasOldValue() {
		return nil, nil
	}
	if recent := o.branch.feed.Find(c.Seq); recent != nil && recent.Position() == c.Position() {
		return &recent.OldValue, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pages[0] == nil { // several ask at once, and the first to come need not be the first of the list
		if err := o.read(ctx, o.configs[0]); err != nil {
			return nil, err
		}
	}
	if old, read := o.find(c); read {
		return &old, nil
	}
	if err := o.read(ctx, c); err != nil {
		return nil, err
	}
	if old, read := o.find(c); read {
		return &old, nil
	}
	return nil, o.branch.failed(projection.ErrDiverged)
}

func (o *OldValues) find(c *projection.Config) (old config.Value, read bool) {
	for _, page := range o.pages {
		if old, read = page[c.Seq]; read {
			break
		}
	}
	return old, read
}

// read reads a page that begins with one of the configs. It keeps the one before, and no more: the
// values of a whole list may be larger than memory. The list is read in its order, by a few readers
// at a time.
func (o *OldValues) read(ctx context.Context, first *projection.Config) error {
	wanted := make(map[string]eventstore.Position)
	names := make([]string, 0, len(o.configs))
	for _, c := range o.from(first) {
		if c.Event().HasOldValue() && len(names) < eventstore.MaxAsOfNames {
			wanted[c.Name.String()] = c.Position()
			names = append(names, c.Name.String())
		}
	}
	records, err := o.branch.events.ReadAsOf(ctx, o.branch.view().Head(), eventstore.AsOf{At: o.at, Names: names}, eventstore.Limit{})
	if err != nil {
		return o.branch.failed(err)
	}
	found := make(page, len(records))
	for i := range records {
		revision, err := eventstore.Decode(&records[i])
		if err != nil {
			return err
		}
		if revision.Position() == wanted[records[i].Name] {
			found[revision.Seq] = revision.OldValue.Clone()
		}
	}
	o.pages = [2]page{found, o.pages[0]}
	return nil
}

// from returns the configs from one on, in their order.
func (o *OldValues) from(first *projection.Config) []*projection.Config {
	for i, c := range o.configs {
		if c == first {
			return o.configs[i:]
		}
	}
	return []*projection.Config{first}
}
