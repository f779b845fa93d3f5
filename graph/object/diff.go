package object

import (
	"context"
	"strings"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// ConfigDiff is the GraphQL type ConfigDiff.
type ConfigDiff struct {
	list    List
	from    eventstore.Position
	page    Page[ConfigDifference]
	count   func(context.Context) (int, error)
	counted counted
}

// NewConfigDiff returns a page of what differs between the two snapshots of a query. The list is at
// the position of the second one. count returns how many names differ on all pages; it is called
// once, when that is selected.
func NewConfigDiff(list List, q configstore.DiffQuery, page Page[configstore.Difference], count func(context.Context) (int, error)) *ConfigDiff {
	var before, after []*projection.Config
	for _, d := range page.Items {
		before, after = appendState(before, d.Before), appendState(after, d.After)
	}
	oldBefore, oldAfter := q.From.OldValues(before), q.To.OldValues(after)
	shown := Page[ConfigDifference]{make([]ConfigDifference, len(page.Items)), page.More, page.After, page.End}
	for i, d := range page.Items {
		shown.Items[i] = ConfigDifference{
			name:    d.Name,
			Before:  NewStateRevision(d.Before, oldBefore),
			After:   NewStateRevision(d.After, oldAfter),
			Changes: NewRevisions(d.Changes), MoreChanges: d.MoreChanges,
		}
	}
	return &ConfigDiff{list: list, from: q.From.At().Position(), page: shown, count: count}
}

func appendState(states []*projection.Config, state *projection.Config) []*projection.Config {
	if state == nil {
		return states
	}
	return append(states, state)
}

// From returns the position that the first moment came to.
func (d *ConfigDiff) From() eventstore.Position { return d.from }

// To returns the position that the second moment came to.
func (d *ConfigDiff) To() eventstore.Position { return d.list.At }

// Edges returns the differences of the page with their cursors.
func (d *ConfigDiff) Edges() []ConfigDifferenceEdge {
	edges := make([]ConfigDifferenceEdge, len(d.page.Items))
	for i := range d.page.Items {
		edges[i] = ConfigDifferenceEdge{&d.page.Items[i], d}
	}
	return edges
}

// Nodes returns the differences of the page.
func (d *ConfigDiff) Nodes() []ConfigDifference { return d.page.Items }

// PageInfo says whether pages precede and follow, and where the page begins and the next one does.
func (d *ConfigDiff) PageInfo() PageInfo {
	page := d.page
	if page.End != "" {
		page.End = diffKey(d.from, page.End)
	}
	return PageInfoOf(d.list, page, d.key)
}

// TotalCount returns how many names differ, on all pages. The error is one of the config store.
func (d *ConfigDiff) TotalCount(ctx context.Context) (int32, error) {
	return d.counted.of(func() (int, error) { return d.count(ctx) })
}

func (d *ConfigDiff) key(of *ConfigDifference) string { return diffKey(d.from, of.Name()) }

func diffKey(from eventstore.Position, name string) string { return from.String() + " " + name }

// ParseDiffKey reads the key of a cursor of a diff: the position of the first moment, and a name.
// The error is [ErrForeignCursor].
func ParseDiffKey(key string) (eventstore.Position, string, error) {
	text, name, _ := strings.Cut(key, " ")
	from, err := eventstore.ParsePosition(text)
	if err != nil || name == "" {
		return eventstore.Position{}, "", ErrForeignCursor
	}
	return from, name, nil
}

// ConfigDifference is the GraphQL type ConfigDifference.
type ConfigDifference struct {
	name          config.Name
	Before, After *ConfigRevision
	Changes       []ConfigRevision
	MoreChanges   bool
}

// Name returns the name that differs.
func (d *ConfigDifference) Name() string { return d.name.String() }

// ConfigDifferenceEdge is the GraphQL type ConfigDifferenceEdge.
type ConfigDifferenceEdge struct {
	node *ConfigDifference
	page *ConfigDiff
}

// Cursor returns the cursor after which the next difference follows.
func (e *ConfigDifferenceEdge) Cursor() string { return e.page.list.Cursor(e.page.key(e.node)) }

// Node returns the difference.
func (e *ConfigDifferenceEdge) Node() *ConfigDifference { return e.node }
