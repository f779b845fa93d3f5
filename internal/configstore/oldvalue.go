package configstore

import (
	"context"
	"sync"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// OldValues reads the values that some configs had before their newest revisions, which the
// projection does not keep. It reads nothing until it is asked, and then as many values as one page
// of the event store holds, so that a list of configs does not cost one read for each. It is safe
// for concurrent use.
type OldValues struct {
	generation *generation
	foreign    bool // the config may be of another generation
	configs    []*projection.Config
	one        [1]*projection.Config // saves an allocation: most OldValues are of one config

	mu    sync.Mutex // guards what is below
	pages [2]page    // the newest first
}

// page is what one read has returned.
type page map[eventstore.Seq]*config.Value // :: seq of a revision → value before it; nil: erased

// OldValues returns the old values of configs that the snapshot has returned.
func (s *Snapshot) OldValues(configs []*projection.Config) *OldValues {
	return &OldValues{generation: s.generation, configs: configs}
}

// OldValue returns the old value of one config that the store has returned.
func (s *Store) OldValue(c *projection.Config) *OldValues {
	o := &OldValues{generation: s.generation.Load(), foreign: true, one: [1]*projection.Config{c}}
	o.configs = o.one[:]
	return o
}

// OldValuesOf returns the old values of configs that the store has returned together, all as they
// are at one position. One config may come several times.
func (s *Store) OldValuesOf(configs []*projection.Config) *OldValues {
	return &OldValues{generation: s.generation.Load(), foreign: true, configs: configs}
}

// Of returns the value that one of the configs had before its newest revision, nil if it had none
// or if that was erased. The error is of kind [fault.Unavailable] when the event store cannot be
// read, or when the history was replaced since the config was read.
func (o *OldValues) Of(ctx context.Context, c *projection.Config) (*config.Value, error) {
	if !c.Event().HasOldValue() {
		return nil, nil
	}
	if recent := o.generation.feed.Find(c.Seq); recent != nil && recent.Position() == c.Position() {
		if !recent.HasOldValue() {
			return nil, nil
		}
		return &recent.OldValue, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pages[0] == nil { // the first caller need not ask for the first of the list
		if err := o.read(ctx, o.configs[0]); err != nil {
			return nil, err
		}
	}
	if old, read := o.find(c); read {
		return old, nil
	}
	if err := o.read(ctx, c); err != nil {
		return nil, err
	}
	if old, read := o.find(c); read {
		return old, nil
	}
	return nil, o.generation.readFailed(projection.ErrDiverged)
}

func (o *OldValues) find(c *projection.Config) (old *config.Value, read bool) {
	for _, page := range o.pages {
		if old, read = page[c.Seq]; read {
			break
		}
	}
	return old, read
}

// read reads a page that begins with one of the configs. It keeps one earlier page and no more,
// since the values of a whole list may be larger than memory. That is enough for the few goroutines
// that read the list in its order.
func (o *OldValues) read(ctx context.Context, first *projection.Config) error {
	var asked []eventstore.VersionOf
	var configs []*projection.Config
	bySeq := make(map[eventstore.VersionOf]eventstore.Seq)
	for _, c := range o.from(first) {
		before := eventstore.VersionOf{Name: c.Name.String(), Version: int(c.Version) - 1}
		if _, twice := bySeq[before]; !twice && c.Event().HasOldValue() && len(asked) < eventstore.MaxAsOfNames {
			bySeq[before] = c.Seq
			before.Next = c.Seq
			asked, configs = append(asked, before), append(configs, c)
		}
	}
	if o.foreign {
		if err := o.checkHistory(ctx, configs); err != nil {
			return err
		}
	}
	records, err := o.generation.events.ReadVersions(ctx, o.generation.view().Head(), asked, eventstore.Limit{})
	if err != nil {
		return o.generation.readFailed(err)
	}
	found := make(page, len(records))
	for i := range records {
		before, err := eventstore.Decode(&records[i])
		if err != nil {
			return err
		}
		var old *config.Value
		if before.HasValue() {
			old = new(before.Value.Clone())
		}
		found[bySeq[eventstore.VersionOf{Name: records[i].Name, Version: records[i].Version}]] = old
	}
	o.pages = [2]page{found, o.pages[0]}
	return nil
}

// checkHistory returns an error if the generation's history does not have the revisions of configs,
// which are as they are at one position.
func (o *OldValues) checkHistory(ctx context.Context, configs []*projection.Config) error {
	view := o.generation.view()
	at := eventstore.AsOf{NoData: true}
	wanted := make(map[string]eventstore.Position) // :: name → position of the newest revision
	for _, c := range configs {
		if newest := view.Get(c.Name); newest == nil || newest.Position() != c.Position() {
			at.At, at.Names = max(at.At, c.Seq), append(at.Names, c.Name.String())
			wanted[c.Name.String()] = c.Position()
		}
	}
	if len(at.Names) == 0 {
		return nil
	}
	records, err := o.generation.events.ReadAsOf(ctx, view.Head(), at, eventstore.Limit{})
	if err != nil {
		return o.generation.readFailed(err)
	}
	for i := range records {
		if eventstore.HeadOf(&records[i]).Position() == wanted[records[i].Name] {
			delete(wanted, records[i].Name)
		}
	}
	if len(wanted) > 0 {
		return o.generation.readFailed(projection.ErrDiverged)
	}
	return nil
}

// from returns the configs from the first one on, in their order.
func (o *OldValues) from(first *projection.Config) []*projection.Config {
	for i, c := range o.configs {
		if c == first {
			return o.configs[i:]
		}
	}
	return []*projection.Config{first}
}
