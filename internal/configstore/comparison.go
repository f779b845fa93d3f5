package configstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// comparison compares two snapshots. It goes over pairs of names that may differ, by name.
type comparison struct {
	reader   *Reader
	from, to *Snapshot
	filter   config.Filter
	toFilter config.Filter // of the names at to; the same as filter unless there is a toPrefix
	// prefix and toPrefix are compared, without a slash at the end. toPrefix "": the same names are
	// compared. The filters may select less than what is below them.
	prefix, toPrefix string
	view             *projection.View // at or after both snapshots
	reads            int              // pieces of the list of names that were read from the past
	sparse           bool             // many names may have changed only after both snapshots

	// between are the present states of the names that have events between near snapshots, by
	// name. nil: the snapshots are not near.
	between []*projection.Config
}

// pair is what is compared: one name, or one below each of two prefixes.
type pair struct {
	// name is the one below the filter's prefix. It can be too long for a name, when only the other
	// prefix has it.
	name     config.Name
	from, to *projection.Config // the present states; nil: nothing ever happened to the name
}

func (r *Reader) newComparison(ctx context.Context, q DiffQuery) (*comparison, error) {
	c := &comparison{reader: r, filter: q.Filter, toFilter: q.Filter, view: q.From.view}
	if q.ToPrefix != "" {
		if err := c.setPrefix(q.ToPrefix); err != nil {
			return nil, err
		}
	}
	c.filter, c.toFilter = c.filter.Within(r.scope), c.toFilter.Within(r.scope)
	if q.To.view.Head().Seq > c.view.Head().Seq {
		c.view = q.To.view
	}
	from, to := *q.From, *q.To
	from.request, to.request = r.shared(), r.shared()
	from.noValues, to.noValues = false, false
	c.from, c.to = &from, &to
	return c, c.readBetween(ctx)
}

// setPrefix makes the comparison one of two prefixes.
func (c *comparison) setPrefix(toPrefix string) error {
	if _, listed := c.filter.Names(); listed || c.filter.Prefix() == "" {
		return &config.InvalidError{Field: "filter", Rule: "must have a prefix and no names when there is a toPrefix"}
	}
	var err error
	if c.toFilter, err = config.ParseFilter(toPrefix, nil); err != nil {
		invalid := *err.(*config.InvalidError)
		invalid.Field = "toPrefix"
		return &invalid
	}
	c.prefix, c.toPrefix = c.filter.Prefix(), c.toFilter.Prefix()
	return nil
}

// hasChanges reports whether there are changes between the snapshots to show.
func (c *comparison) hasChanges() bool { return c.toPrefix == "" && c.from.at.Seq < c.to.at.Seq }

// Snapshots are near when few events are between them: at most [eventstore.MaxExamined], and at
// most eventsPerName for each name that the filter selects, since to read a name at two snapshots
// costs more than that many events do. Ten times as many are few when there are at least
// namesPerEvent names for each of them, so that most names have not changed.
const eventsPerName, namesPerEvent = 8, 10

// readBetween finds the names of the events between two near snapshots.
func (c *comparison) readBetween(ctx context.Context) error {
	if _, listed := c.filter.Names(); listed || c.toPrefix != "" {
		return nil
	}
	earlier, later := c.span()
	distance, names := int(later-earlier), c.view.Count(c.filter)+c.view.CountDeleted(c.filter)
	few := distance <= eventstore.MaxExamined && distance <= names*eventsPerName ||
		distance <= 10*eventstore.MaxExamined && distance <= names/namesPerEvent
	if !few {
		c.sparse = distance < names && later < c.view.Head().Seq
		return nil
	}
	c.between = []*projection.Config{}
	for ; earlier < later; earlier += eventstore.MaxExamined {
		if err := c.readNames(ctx, earlier, min(earlier+eventstore.MaxExamined, later)); err != nil {
			return err
		}
	}
	slices.SortFunc(c.between, func(a, b *projection.Config) int { return a.Name.Compare(b.Name) })
	c.between = slices.Compact(c.between)
	return nil
}

// readNames adds the states whose names have an event after one seq and up to another.
func (c *comparison) readNames(ctx context.Context, after, upTo eventstore.Seq) error {
	end, err := c.reader.shared().begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	g := c.reader.generation
	names, err := g.events.ReadNames(ctx, g.view().Head(), after, upTo)
	if err != nil {
		return g.readFailed(err)
	}
	for _, text := range names {
		name := config.NameBound(text)
		if present := c.view.Get(name); present != nil && c.filter.Matches(name) {
			c.between = append(c.between, present)
		}
	}
	return nil
}

// span returns the seqs of the earlier and of the later snapshot.
func (c *comparison) span() (earlier, later eventstore.Seq) {
	return min(c.from.at.Seq, c.to.at.Seq), max(c.from.at.Seq, c.to.at.Seq)
}

// pairs returns up to limit pairs that may differ, by name after a name.
func (c *comparison) pairs(ctx context.Context, after string, limit int) ([]pair, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	limit = min(limit, eventstore.MaxAsOfNames)
	switch {
	case c.toPrefix != "":
		return c.prefixPairs(after, limit), nil
	case c.between != nil:
		return c.nearPairs(after, limit), nil
	}
	return c.changedPairs(ctx, after, limit)
}

// nearPairs returns pairs of the names of the events between.
func (c *comparison) nearPairs(after string, limit int) []pair {
	next, _ := slices.BinarySearchFunc(c.between, after, func(present *projection.Config, name string) int {
		if present.Name.String() <= name {
			return -1
		}
		return 1
	})
	var found []pair
	for _, present := range c.between[next:min(next+limit, len(c.between))] {
		found = append(found, pair{present.Name, present, present})
	}
	return found
}

// changedPairs returns pairs of the names that have changed since the earlier snapshot.
func (c *comparison) changedPairs(ctx context.Context, after string, limit int) (found []pair, err error) {
	earlier, _ := c.span()
	last := c.from.at.RecordedAt
	if c.to.at.RecordedAt.After(last) {
		last = c.to.at.RecordedAt
	}
	err = walk(ctx, c.view, c.filter, after, func(present *projection.Config) bool {
		if present.Seq > earlier && !present.CreatedAt().After(last) {
			found = append(found, pair{present.Name, present, present})
		}
		return len(found) < limit
	})
	return found, err
}

// prefixPairs returns pairs of the names below either prefix.
func (c *comparison) prefixPairs(after string, limit int) []pair {
	toAfter := ""
	if after != "" {
		toAfter = c.toPrefix + strings.TrimPrefix(after, c.prefix)
	}
	from, to := c.some(c.filter, after, limit), c.some(c.toFilter, toAfter, limit)
	var found []pair
	for len(found) < limit && len(from)+len(to) > 0 {
		var p pair
		order := 0
		switch {
		case len(from) == 0:
			order = 1
		case len(to) == 0:
			order = -1
		default:
			order = cmp.Compare(from[0].Name.String()[len(c.prefix):], to[0].Name.String()[len(c.toPrefix):])
		}
		if order >= 0 {
			p.to, to = to[0], to[1:]
			p.name = config.NameBound(c.prefix + p.to.Name.String()[len(c.toPrefix):])
		}
		if order <= 0 {
			p.from, from = from[0], from[1:]
			p.name = p.from.Name
		}
		found = append(found, p)
	}
	return found
}

// some returns up to limit present states that a filter selects, by name after a name.
func (c *comparison) some(filter config.Filter, after string, limit int) (found []*projection.Config) {
	c.view.Ascend(filter, after, func(present *projection.Config) bool {
		found = append(found, present)
		return len(found) < limit
	})
	return found
}

// compare returns those of the pairs that differ. It compares as many of the pairs as one page of
// values holds at either snapshot: end is the name of the last one.
func (c *comparison) compare(ctx context.Context, pairs []pair) (found []Difference, end string, err error) {
	if slices.ContainsFunc(pairs, c.isPast) {
		c.reads++
	}
	end = pairs[len(pairs)-1].name.String()
	if c.sparse {
		if pairs, err = c.changed(ctx, pairs); err != nil || len(pairs) == 0 {
			return nil, end, err
		}
	}
	before, n, err := c.from.statesOfPairs(ctx, pairs, fromOf, false)
	if err != nil {
		return nil, "", err
	}
	after, n, err := c.to.statesOfPairs(ctx, pairs[:n], toOf, false)
	if err != nil {
		return nil, "", err
	}
	if n < len(pairs) {
		end = pairs[n-1].name.String()
	}
	for i, p := range pairs[:n] {
		d := newDifference(p.name, before[i], after[i])
		if !d.differs() {
			continue
		}
		if len(p.name.String()) > config.MaxNameBytes {
			return nil, "", c.tooLong(p)
		}
		found = append(found, d)
	}
	return found, end, nil
}

// changed returns the pairs of names that have changed between the snapshots. It reads no values.
func (c *comparison) changed(ctx context.Context, pairs []pair) (changed []pair, err error) {
	before, _, err := c.from.statesOfPairs(ctx, pairs, fromOf, true)
	if err != nil {
		return nil, err
	}
	after, _, err := c.to.statesOfPairs(ctx, pairs, toOf, true)
	if err != nil {
		return nil, err
	}
	for i, p := range pairs {
		if d := newDifference(p.name, before[i], after[i]); d.versions[0] != d.versions[1] {
			changed = append(changed, p)
		}
	}
	return changed, nil
}

// newDifference returns what clients see of the states of a name at both snapshots.
func newDifference(name config.Name, before, after *projection.Config) Difference {
	d := Difference{Name: name}
	d.Before, d.versions[0] = existing(before)
	d.After, d.versions[1] = existing(after)
	return d
}

// existing returns a state, nil if the config did not exist, and the version of the name.
func existing(state *projection.Config) (*projection.Config, config.Version) {
	switch {
	case state == nil:
		return nil, 0
	case !state.Exists():
		return nil, state.Version
	}
	return state, state.Version
}

// differs reports whether the states differ in value or existence.
func (d *Difference) differs() bool {
	if d.Before == nil || d.After == nil {
		return d.Before != d.After
	}
	return d.Before.Seq != d.After.Seq && (d.Before.Value != d.After.Value || d.Before.Erased() || d.After.Erased())
}

func (c *comparison) tooLong(p pair) error {
	rule := fmt.Sprintf("has %s below it, whose name below %s would have %d bytes; at most %d are allowed: compare the other way round, from %s to %s",
		p.to.Name, c.prefix, len(p.name.String()), config.MaxNameBytes, c.toPrefix, c.prefix)
	return &config.InvalidError{Field: "toPrefix", Rule: rule}
}

// isPast reports whether states of the pair have to be read.
func (c *comparison) isPast(p pair) bool {
	return p.from != nil && c.from.isPast(p.from) || p.to != nil && c.to.isPast(p.to)
}

func fromOf(p pair) *projection.Config { return p.from }
func toOf(p pair) *projection.Config   { return p.to }

// statesOfPairs is statesOf for one side of pairs. It returns the states of the first n pairs, nil
// where there is none.
func (s *Snapshot) statesOfPairs(ctx context.Context, pairs []pair, of func(pair) *projection.Config, noValues bool) (states []*projection.Config, n int, err error) {
	present := make([]*projection.Config, 0, len(pairs))
	for _, p := range pairs {
		if of(p) != nil {
			present = append(present, of(p))
		}
	}
	read, err := s.statesOf(ctx, present, noValues)
	if err != nil {
		return nil, 0, err
	}
	states = make([]*projection.Config, len(pairs))
	i := 0
	for n = range pairs {
		if of(pairs[n]) == nil {
			continue
		}
		if i == len(read) {
			return states, n, nil
		}
		states[n] = read[i]
		i++
	}
	return states, len(pairs), nil
}
