package object

import (
	"context"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/pages"
	"configapi/internal/projection"
)

// Page is the content of a connection.
type Page[T any] struct {
	Items []T
	More  bool // more items follow the page
	After bool // the page comes after a cursor, so items precede it
	// End is the key after which the next page begins. "": that of the last item.
	End string
}

// PageInfo is the GraphQL type PageInfo.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// info returns the PageInfo of the page. cursor makes the cursor of an item.
func (p Page[T]) info(cursor func(T) pages.Cursor) PageInfo {
	info := PageInfo{HasNextPage: p.More, HasPreviousPage: p.After}
	if n := len(p.Items); n > 0 {
		first, last := cursor(p.Items[0]).String(), cursor(p.Items[n-1]).String()
		info.StartCursor, info.EndCursor = &first, &last
	}
	return info
}

// endingAt returns the PageInfo with another end cursor, when more items follow. A page that ends
// early may have passed items after its last one: the next page begins after those.
func (i PageInfo) endingAt(more bool, end pages.Cursor) PageInfo {
	if more && end.Key != "" {
		text := end.String()
		i.EndCursor = &text
	}
	return i
}

// ConfigConnection is the GraphQL type ConfigConnection.
type ConfigConnection struct {
	snapshot *configstore.Snapshot
	filter   config.Filter
	page     Page[*projection.Config]
	old      *configstore.OldValues // of the configs of the page
}

// NewConfigConnection returns a page of a snapshot's configs that a filter selects.
func NewConfigConnection(s *configstore.Snapshot, filter config.Filter, page Page[*projection.Config]) *ConfigConnection {
	return &ConfigConnection{s, filter, page, s.OldValues(page.Items)}
}

// Edges returns the configs of the page with their cursors.
func (c *ConfigConnection) Edges() []ConfigEdge {
	edges := make([]ConfigEdge, len(c.page.Items))
	for i, state := range c.page.Items {
		edges[i] = ConfigEdge{Config{state, c.old}, c.cursor}
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

// PageInfo says whether pages precede and follow, and where the page begins and ends.
func (c *ConfigConnection) PageInfo() PageInfo {
	return c.page.info(c.cursor).endingAt(c.page.More, pages.Cursor{Kind: pages.Configs, At: c.Position(), Key: c.page.End})
}

// TotalCount returns how many configs match, on all pages. The error is one of the config store.
func (c *ConfigConnection) TotalCount(ctx context.Context) (int32, error) {
	n, err := c.snapshot.Count(ctx, c.filter)
	return int32(n), err
}

// Position returns the position that the page was read at.
func (c *ConfigConnection) Position() eventstore.Position { return c.snapshot.At().Position() }

func (c *ConfigConnection) cursor(state *projection.Config) pages.Cursor {
	return pages.Cursor{Kind: pages.Configs, At: c.Position(), Key: state.Name.String()}
}

// ConfigEdge is the GraphQL type ConfigEdge.
type ConfigEdge struct {
	node   Config
	cursor func(*projection.Config) pages.Cursor
}

// Cursor returns the cursor after which the next config follows.
func (e *ConfigEdge) Cursor() string { return e.cursor(e.node.state).String() }

// Node returns the config.
func (e *ConfigEdge) Node() *Config { return &e.node }

// ConfigRevisionConnection is the GraphQL type ConfigRevisionConnection.
type ConfigRevisionConnection struct {
	page   Page[ConfigRevision]
	cursor func(*ConfigRevision) pages.Cursor
	end    pages.Cursor // after which the next page begins; without a key: that of the last item
}

// NewHistoryConnection returns a page of one name's revisions, of pages that were begun at a
// position.
func NewHistoryConnection(at eventstore.Position, page Page[*eventstore.Revision]) *ConfigRevisionConnection {
	shown := Page[ConfigRevision]{Items: NewRevisions(page.Items), More: page.More, After: page.After}
	return &ConfigRevisionConnection{shown, func(r *ConfigRevision) pages.Cursor {
		return HistoryCursor(at, r.event.Name, r.event.Version)
	}, pages.Cursor{}}
}

// NewSnapshotConnection returns a page of the revisions in force at the position of a snapshot.
func NewSnapshotConnection(s *configstore.Snapshot, page Page[*projection.Config]) *ConfigRevisionConnection {
	old := s.OldValues(page.Items)
	shown := Page[ConfigRevision]{make([]ConfigRevision, len(page.Items)), page.More, page.After, page.End}
	for i, state := range page.Items {
		shown.Items[i] = newStateRevision(state, old)
	}
	at := s.At().Position()
	return &ConfigRevisionConnection{shown, func(r *ConfigRevision) pages.Cursor {
		return pages.Cursor{Kind: pages.Snapshot, At: at, Key: r.Name()}
	}, pages.Cursor{Kind: pages.Snapshot, At: at, Key: page.End}}
}

// Edges returns the revisions of the page with their cursors.
func (c *ConfigRevisionConnection) Edges() []ConfigRevisionEdge {
	edges := make([]ConfigRevisionEdge, len(c.page.Items))
	for i := range c.page.Items {
		edges[i] = ConfigRevisionEdge{&c.page.Items[i], c.cursor}
	}
	return edges
}

// Nodes returns the revisions of the page.
func (c *ConfigRevisionConnection) Nodes() []ConfigRevision { return c.page.Items }

// PageInfo says whether pages precede and follow, and where the page begins and ends.
func (c *ConfigRevisionConnection) PageInfo() PageInfo {
	return c.page.info(func(r ConfigRevision) pages.Cursor { return c.cursor(&r) }).endingAt(c.page.More, c.end)
}

// ConfigRevisionEdge is the GraphQL type ConfigRevisionEdge.
type ConfigRevisionEdge struct {
	node   *ConfigRevision
	cursor func(*ConfigRevision) pages.Cursor
}

// Cursor returns the cursor after which the next revision follows.
func (e *ConfigRevisionEdge) Cursor() string { return e.cursor(e.node).String() }

// Node returns the revision.
func (e *ConfigRevisionEdge) Node() *ConfigRevision { return e.node }
