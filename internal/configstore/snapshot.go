package configstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// Snapshot is the state right after one position, of all configs that the reader's caller may read.
// It never changes, and is safe for concurrent use.
type Snapshot struct {
	generation *generation
	view       *projection.View // at or after the position
	scope      config.Prefixes  // the names that are seen
	at         eventstore.Head
	request    *request // nil when at is the head of the view
	noValues   bool
	pageBytes  int // how many bytes of names and values a page holds; 0: [PageBytes]
}

// At returns the head at which the snapshot is. The zero Head is before the first event.
func (s *Snapshot) At() eventstore.Head { return s.at }

// WithoutValues returns the same snapshot, but its configs may lack their values, which are then
// not read.
func (s *Snapshot) WithoutValues() *Snapshot {
	bare := *s
	bare.noValues = true
	return &bare
}

// AsOf returns the snapshot right after a position. Inside a change set that is the end of the set.
// AsOf waits for a position that the history has but this node has not applied. The errors:
// [fault.ErrPositionUnknown] and [fault.ErrPositionNotReached], or one of kind [fault.Unavailable].
func (r *Reader) AsOf(ctx context.Context, at eventstore.Position) (*Snapshot, error) {
	return r.shared().snapshot(ctx, PointInTime{Position: at}, func() (*Snapshot, error) {
		view, err := r.await(ctx, at.Seq)
		if err != nil {
			return nil, err
		}
		end, err := r.shared().begin(ctx)
		if err != nil {
			return nil, err
		}
		defer end()
		head, err := r.generation.endOf(ctx, view, at)
		if err != nil {
			return nil, err
		}
		return &Snapshot{generation: r.generation, view: view, scope: r.scope, at: head, request: r.shared()}, nil
	})
}

// AsOfTime returns the snapshot at an instant: after the newest change set that was complete at or
// before the instant. An instant after the head means the head. Before the first event the snapshot
// is empty.
func (r *Reader) AsOfTime(ctx context.Context, instant time.Time) (*Snapshot, error) {
	if !instant.Before(r.view.Head().RecordedAt) {
		return r.Now(), nil
	}
	return r.shared().snapshot(ctx, PointInTime{Instant: instant.UTC()}, func() (*Snapshot, error) {
		end, err := r.shared().begin(ctx)
		if err != nil {
			return nil, err
		}
		defer end()
		at, err := r.generation.headAt(ctx, instant)
		if err != nil {
			return nil, err
		}
		return &Snapshot{generation: r.generation, view: r.view, scope: r.scope, at: at, request: r.shared()}, nil
	})
}

// AsOfPoint returns the snapshot at a position or at an instant: that of [Reader.AsOf] or of
// [Reader.AsOfTime].
func (r *Reader) AsOfPoint(ctx context.Context, at PointInTime) (*Snapshot, error) {
	if at.Instant.IsZero() {
		return r.AsOf(ctx, at.Position)
	}
	return r.AsOfTime(ctx, at.Instant)
}

// Config returns the state of a config as it was, nil when it did not exist.
func (s *Snapshot) Config(ctx context.Context, name config.Name) (*projection.Config, error) {
	present := s.view.Get(name)
	if present == nil || !s.scope.Has(name) {
		return nil, nil
	}
	states, _, err := s.rewind(ctx, []*projection.Config{present}, s.noValues)
	if err != nil || len(states) == 0 {
		return nil, err
	}
	return states[0], nil
}

// ConfigPage is a page of the configs of a snapshot.
type ConfigPage struct {
	Configs []*projection.Config // by name
	// More reports whether more configs may follow: continue after the name End. A page can be
	// short, even empty, although more follow: when very many names come next that the filter does
	// not select, or whose configs did not exist at the position.
	More bool
	End  string
}

// maxRewinds is how many times one page of the past reads the store.
const maxRewinds = 8

// Configs returns the states of the configs that the filter selects, by name, after the name after
// ("" for the first), at most first of them and [PageBytes].
func (s *Snapshot) Configs(ctx context.Context, filter config.Filter, after string, first int) (ConfigPage, error) {
	if err := checkPageSize(first); err != nil {
		return ConfigPage{}, err
	}
	filter = filter.Within(s.scope)
	page := ConfigPage{End: after}
	scan := s.generation.newScan()
	for rewinds, bytes, next := 0, 0, after; ; rewinds++ {
		candidates, err := s.candidates(ctx, scan, filter, next, max(first+1-len(page.Configs), rewindAhead<<rewinds))
		if err != nil {
			return ConfigPage{}, err
		}
		if len(candidates.states) == 0 && !candidates.more {
			return page, nil
		}
		if rewinds == maxRewinds && s.IsPast() {
			page.More = true
			return page, nil
		}
		// A full page only needs to know whether anything follows.
		states, seen, err := s.rewind(ctx, candidates.states, s.noValues || len(page.Configs) == first)
		if err != nil {
			return ConfigPage{}, err
		}
		for _, c := range states {
			bytes += len(c.Name.String()) + len(c.Value.String())
			if len(page.Configs) == first || bytes > cmp.Or(s.pageBytes, PageBytes) && len(page.Configs) > 0 {
				page.More = true
				return page, nil
			}
			page.Configs = append(page.Configs, c)
			page.End = c.Name.String()
		}
		if next = candidates.end; len(seen) < len(candidates.states) {
			next = seen[len(seen)-1].Name.String()
		}
		if len(page.Configs) < first {
			page.End = next
		}
		if candidates.more { // many names were looked at
			page.More = true
			return page, nil
		}
	}
}

// EachPage calls yield for all configs that the filter selects, by name, page by page, until yield
// returns an error. A page holds at most [MaxPageSize] configs, and [PageBytes] of the present, or
// 1 MiB of the past, which has to be read. It holds at least one config, but in the past a page may
// be empty. The next page is read when yield has returned.
func (s *Snapshot) EachPage(ctx context.Context, filter config.Filter, yield func([]*projection.Config) error) error {
	paged := *s
	if s.IsPast() {
		paged.pageBytes = streamPageBytes
	}
	for page := (ConfigPage{More: true}); page.More; {
		var err error
		if page, err = paged.Configs(ctx, filter, page.End, MaxPageSize); err != nil {
			return err
		}
		if err := yield(page.Configs); err != nil {
			return err
		}
	}
	return nil
}

// IsPast reports whether the snapshot is of a position before its reader's: then the event store is
// read for the configs that have changed since.
func (s *Snapshot) IsPast() bool { return !s.at.Same(s.view.Head()) }

// Count returns how many configs that the filter selects existed.
func (s *Snapshot) Count(ctx context.Context, filter config.Filter) (int, error) {
	filter = filter.Within(s.scope)
	if s.at.Same(s.view.Head()) {
		if filter.Part() == "" {
			return s.view.Count(filter), nil
		}
		return s.generation.countParts(ctx, s.view.AscendExisting, filter)
	}
	count, after := 0, ""
	for {
		candidates, err := s.candidates(ctx, s.generation.newScan(), filter, after, eventstore.MaxAsOfNames)
		if err != nil {
			return 0, err
		}
		if len(candidates.states) == 0 && !candidates.more {
			return count, nil
		}
		states, seen, err := s.rewind(ctx, candidates.states, true)
		if err != nil {
			return 0, err
		}
		count += len(states)
		if after = candidates.end; len(seen) < len(candidates.states) {
			after = seen[len(seen)-1].Name.String()
		}
	}
}

// rewindAhead is how many names are looked at together at least, since those that did not exist at
// the position drop out.
const rewindAhead = 64

// candidates are present states of names that may have existed at a snapshot's position.
type candidates struct {
	states []*projection.Config // by name
	end    string               // the last name that was looked at
	more   bool                 // the scan ended early: names after end were not looked at
}

// candidates looks for up to limit candidates that the filter selects, after the name after.
func (s *Snapshot) candidates(ctx context.Context, scan *scan, filter config.Filter, after string, limit int) (candidates, error) {
	if err := ctx.Err(); err != nil {
		return candidates{}, err
	}
	limit = min(limit, eventstore.MaxAsOfNames)
	found := candidates{states: make([]*projection.Config, 0, limit), end: after}
	ascend := s.view.Ascend
	if s.at.Same(s.view.Head()) {
		ascend = s.view.AscendExisting
	}
	if filter.Part() != "" {
		if err := s.generation.scans.Acquire(ctx, 1); err != nil {
			return candidates{}, err
		}
		defer s.generation.scans.Release(1)
	}
	ascend(filter.WithoutPart(), after, func(c *projection.Config) bool {
		found.end = c.Name.String()
		if filter.Matches(c.Name) && !c.CreatedAt().After(s.at.RecordedAt) {
			found.states = append(found.states, c)
			return len(found.states) < limit
		}
		found.more = !scan.next()
		return !found.more
	})
	return found, nil
}

// rewind returns the states that present ones, ordered by name, had at the snapshot's position. It
// leaves out configs that did not exist then. It reads one page of those that have changed since:
// seen are the present states up to the end of that page.
func (s *Snapshot) rewind(ctx context.Context, present []*projection.Config, noValues bool) (states, seen []*projection.Config, err error) {
	all, err := s.statesOf(ctx, present, noValues)
	if err != nil {
		return nil, nil, err
	}
	states = make([]*projection.Config, 0, len(all))
	for _, c := range all {
		if c != nil && c.Exists() {
			states = append(states, c)
		}
	}
	return states, present[:len(all)], nil
}

// statesOf returns the states that present ones, ordered by name, had at the snapshot's position,
// in the same order: deleted configs too, and nil for a name to which nothing had happened. Like
// rewind it reads one page: it returns the states up to the end of that page.
func (s *Snapshot) statesOf(ctx context.Context, present []*projection.Config, noValues bool) ([]*projection.Config, error) {
	past, seen, err := s.readPast(ctx, present, noValues)
	if err != nil {
		return nil, err
	}
	states := make([]*projection.Config, len(seen))
	for i, c := range seen {
		if c.Seq <= s.at.Seq {
			states[i] = c
		} else if then := past[c.Name]; then != nil {
			states[i] = c.AsOf(then)
		}
	}
	return states, nil
}

// readPast reads the newest revisions at the snapshot's position of those names that have changed
// since, one page of them. It returns them with the present states up to the end of that page.
func (s *Snapshot) readPast(ctx context.Context, present []*projection.Config, noValues bool) (map[config.Name]*eventstore.Revision, []*projection.Config, error) {
	var changed []string
	for _, c := range present {
		if s.isPast(c) {
			changed = append(changed, c.Name.String())
		}
	}
	if len(changed) == 0 {
		return nil, present, nil
	}
	if s.request != nil {
		end, err := s.request.begin(ctx)
		if err != nil {
			return nil, nil, err
		}
		defer end()
	}
	limit := eventstore.Limit{Bytes: s.pageBytes}
	records, err := s.generation.events.ReadAsOf(ctx, s.generation.view().Head(), eventstore.AsOf{At: s.at.Seq, Names: changed, NoData: noValues}, limit)
	if err != nil {
		return nil, nil, s.generation.readFailed(err)
	}
	if !noValues && limit.Fills(records) {
		last := records[len(records)-1].Name
		end, _ := slices.BinarySearchFunc(present, last, func(c *projection.Config, name string) int {
			return cmp.Compare(c.Name.String(), name)
		})
		present = present[:end+1]
	}
	past, err := s.decodePast(ctx, records, noValues)
	return past, present, err
}

// isPast reports whether the state that a present one had at the snapshot's position has to be
// read: the name has changed since, and had an event by then.
func (s *Snapshot) isPast(c *projection.Config) bool {
	return c.Seq > s.at.Seq && !c.CreatedAt().After(s.at.RecordedAt)
}

func (s *Snapshot) decodePast(ctx context.Context, records []eventstore.Record, noValues bool) (map[config.Name]*eventstore.Revision, error) {
	decode := eventstore.DecodeAll
	if noValues {
		decode = eventstore.DecodeNoData
	}
	revisions, err := decode(records)
	if err != nil {
		return nil, err
	}
	if err := s.generation.completeSets(ctx, revisions); err != nil {
		return nil, err
	}
	past := make(map[config.Name]*eventstore.Revision, len(revisions))
	for _, r := range revisions {
		past[r.Name] = r
	}
	return past, nil
}
