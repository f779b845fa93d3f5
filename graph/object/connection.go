package object

import (
	"context"
	"strings"
	"sync"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/pages"
	"configapi/internal/projection"
)

// List is what the cursors of a list's pages have in common.
type List struct {
	Kind pages.Kind
	At   eventstore.Position // that the pages say they are valid at
	// Arguments stand for those of the list, "" when its cursors fit any: see [ParseListCursor].
	Arguments string
}

// Cursor returns the cursor of the item that a key names.
func (l List) Cursor(key string) string {
	if l.Arguments != "" {
		key = l.Arguments + " " + key
	}
	return pages.Cursor{Kind: l.Kind, At: l.At, Key: key}.String()
}

// ParseListCursor reads a cursor of a list with such arguments, and returns the position that it
// names and the key of an item. The error is [ErrForeignCursor].
func ParseListCursor(kind pages.Kind, arguments, text string) (eventstore.Position, string, error) {
	cursor, err := ParseCursor(kind, text)
	if err != nil {
		return eventstore.Position{}, "", err
	}
	key, ours := strings.CutPrefix(cursor.Key, arguments+" ")
	if !ours || key == "" {
		return eventstore.Position{}, "", ErrForeignCursor
	}
	return cursor.At, key, nil
}

// Page is the content of a connection.
type Page[T any] struct {
	Items []T
	More  bool // more items follow the page
	After bool // the page comes after a cursor, so items precede it
	// End is the key after which the next page begins, which can be past the last item. "": the
	// key of the last item.
	End string
}

// PageInfo is the GraphQL type PageInfo.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// PageInfoOf returns the PageInfo of a page. key returns the key of an item.
func PageInfoOf[T any](l List, p Page[T], key func(*T) string) PageInfo {
	info := PageInfo{HasNextPage: p.More, HasPreviousPage: p.After}
	if len(p.Items) > 0 {
		first := l.Cursor(key(&p.Items[0]))
		info.StartCursor = &first
	}
	if p.More && (p.End != "" || len(p.Items) > 0) {
		end := p.End
		if end == "" {
			end = key(&p.Items[len(p.Items)-1])
		}
		end = l.Cursor(end)
		info.EndCursor = &end
	}
	return info
}

// counted is a number of items that is counted once, when it is asked for.
type counted struct {
	once sync.Once
	n    int
	err  error
}

func (c *counted) of(count func() (int, error)) (int32, error) {
	c.once.Do(func() { c.n, c.err = count() })
	return int32(c.n), c.err
}

// ConfigConnection is the GraphQL type ConfigConnection.
type ConfigConnection struct {
	list     List
	snapshot *configstore.Snapshot
	filter   config.Filter
	page     Page[*projection.Config]
	key      func(**projection.Config) string
	old      *configstore.OldValues // of the configs of the page
	count    counted
}

// NewConfigConnection returns a page of a snapshot's configs that a filter selects, by name.
func NewConfigConnection(s *configstore.Snapshot, filter config.Filter, page Page[*projection.Config]) *ConfigConnection {
	list := List{Kind: pages.Configs, At: s.At().Position()}
	return &ConfigConnection{list: list, snapshot: s, filter: filter, page: page, key: nameKey, old: s.OldValues(page.Items)}
}

// NewChangedConnection returns a page of a snapshot's configs that a filter selects, the newest
// change first.
func NewChangedConnection(list List, s *configstore.Snapshot, filter config.Filter, page Page[*projection.Config]) *ConfigConnection {
	return &ConfigConnection{list: list, snapshot: s, filter: filter, page: page, key: changeKey, old: s.OldValues(page.Items)}
}

func nameKey(state **projection.Config) string { return (*state).Name.String() }

func changeKey(state **projection.Config) string { return SeqKey((*state).Seq) }

// Edges returns the configs of the page with their cursors.
func (c *ConfigConnection) Edges() []ConfigEdge {
	edges := make([]ConfigEdge, len(c.page.Items))
	for i, state := range c.page.Items {
		edges[i] = ConfigEdge{Config{state, c.old}, c}
	}
	return edges
}

// Nodes returns the configs of the page.
func (c *ConfigConnection) Nodes() []Config {
	nodes := make([]Config, len(c.page.Items))
	for i, state := range c.page.Items {
		nodes[i] = Config{state, c.old}
	}
	return nodes
}

// PageInfo says whether pages precede and follow, and where the page begins and the next one does.
func (c *ConfigConnection) PageInfo() PageInfo { return PageInfoOf(c.list, c.page, c.key) }

// TotalCount returns how many configs match, on all pages. The error is one of the config store.
func (c *ConfigConnection) TotalCount(ctx context.Context) (int32, error) {
	return c.count.of(func() (int, error) { return c.snapshot.Count(ctx, c.filter) })
}

// Position returns the position that the page was read at.
func (c *ConfigConnection) Position() eventstore.Position { return c.list.At }

// ConfigEdge is the GraphQL type ConfigEdge.
type ConfigEdge struct {
	node Config
	page *ConfigConnection
}

// Cursor returns the cursor after which the next config follows.
func (e *ConfigEdge) Cursor() string { return e.page.list.Cursor(e.page.key(&e.node.state)) }

// Node returns the config.
func (e *ConfigEdge) Node() *Config { return &e.node }
