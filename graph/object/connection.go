package object

import (
	"context"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// PageInfo is the GraphQL type PageInfo.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// ConfigConnection is the GraphQL type ConfigConnection.
type ConfigConnection struct {
	Edges    []ConfigEdge
	PageInfo PageInfo
	Position eventstore.Bookmark

	snapshot *configstore.Snapshot
	filter   config.Filter
}

// ConfigEdge is the GraphQL type ConfigEdge.
type ConfigEdge struct {
	Cursor string
	Node   Config
}

// NewConfigConnection returns a page of a snapshot's configs that a filter selects.
func NewConfigConnection(s *configstore.Snapshot, filter config.Filter, page Page[*projection.Config]) *ConfigConnection {
	at := s.At().Bookmark()
	c := &ConfigConnection{Position: at, snapshot: s, filter: filter, Edges: make([]ConfigEdge, len(page.Items))}
	for i, state := range page.Items {
		cursor := Cursor{ConfigPages, at, state.Revision.Name.String()}
		c.Edges[i] = ConfigEdge{cursor.String(), Config{state}}
	}
	c.PageInfo = page.info(func(i int) *string { return &c.Edges[i].Cursor })
	return c
}

// Nodes are the configs of the page.
func (c *ConfigConnection) Nodes() []Config {
	nodes := make([]Config, len(c.Edges))
	for i := range c.Edges {
		nodes[i] = c.Edges[i].Node
	}
	return nodes
}

// TotalCount is how many configs match, on all pages.
func (c *ConfigConnection) TotalCount(ctx context.Context) (int32, error) {
	n, err := c.snapshot.Count(ctx, c.filter)
	return int32(n), err
}

// ConfigRevisionConnection is the GraphQL type ConfigRevisionConnection.
type ConfigRevisionConnection struct {
	Edges    []ConfigRevisionEdge
	PageInfo PageInfo
}

// ConfigRevisionEdge is the GraphQL type ConfigRevisionEdge.
type ConfigRevisionEdge struct {
	Cursor string
	Node   ConfigRevision
}

// NewHistoryConnection returns a page of one name's revisions.
func NewHistoryConnection(at eventstore.Bookmark, page Page[*eventstore.Revision]) *ConfigRevisionConnection {
	return newRevisionConnection(page, func(r *eventstore.Revision) Cursor {
		return HistoryCursor(at, r.Name, r.Version)
	})
}

// NewSnapshotConnection returns a page of the revisions in force at a position.
func NewSnapshotConnection(at eventstore.Bookmark, page Page[*projection.Config]) *ConfigRevisionConnection {
	revisions := Page[*eventstore.Revision]{More: page.More, After: page.After, Items: make([]*eventstore.Revision, len(page.Items))}
	for i, state := range page.Items {
		revisions.Items[i] = state.Revision
	}
	return newRevisionConnection(revisions, func(r *eventstore.Revision) Cursor {
		return Cursor{SnapshotPages, at, r.Name.String()}
	})
}

func newRevisionConnection(page Page[*eventstore.Revision], cursor func(*eventstore.Revision) Cursor) *ConfigRevisionConnection {
	c := &ConfigRevisionConnection{Edges: make([]ConfigRevisionEdge, len(page.Items))}
	for i, r := range page.Items {
		c.Edges[i] = ConfigRevisionEdge{cursor(r).String(), ConfigRevision{r}}
	}
	c.PageInfo = page.info(func(i int) *string { return &c.Edges[i].Cursor })
	return c
}

// Nodes are the revisions of the page.
func (c *ConfigRevisionConnection) Nodes() []ConfigRevision {
	nodes := make([]ConfigRevision, len(c.Edges))
	for i := range c.Edges {
		nodes[i] = c.Edges[i].Node
	}
	return nodes
}

// Page is what a connection is made of.
type Page[T any] struct {
	Items []T
	More  bool // items follow the page
	After bool // the page comes after a cursor, so items precede it
}

func (p Page[T]) info(cursor func(i int) *string) PageInfo {
	info := PageInfo{HasNextPage: p.More, HasPreviousPage: p.After}
	if n := len(p.Items); n > 0 {
		info.StartCursor, info.EndCursor = cursor(0), cursor(n-1)
	}
	return info
}
