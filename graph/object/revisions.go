package object

import (
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/pages"
	"configapi/internal/projection"
)

// ConfigRevisionConnection is the GraphQL type ConfigRevisionConnection.
type ConfigRevisionConnection struct {
	list List
	page Page[ConfigRevision]
	key  func(*ConfigRevision) string
}

// NewHistoryConnection returns a page of one name's revisions, of pages that were begun at a
// position.
func NewHistoryConnection(at eventstore.Position, page Page[*eventstore.Revision]) *ConfigRevisionConnection {
	list := List{Kind: pages.History, At: at}
	return &ConfigRevisionConnection{list, recorded(page), func(r *ConfigRevision) string {
		return historyKey(r.event.Name, r.event.Version)
	}}
}

// NewSnapshotConnection returns a page of the revisions in force at the position of a snapshot.
func NewSnapshotConnection(s *configstore.Snapshot, page Page[*projection.Config]) *ConfigRevisionConnection {
	list := List{Kind: pages.Snapshot, At: s.At().Position()}
	return &ConfigRevisionConnection{list, inForce(s, page), (*ConfigRevision).Name}
}

// NewRecentConnection returns a page of the newest changes.
func NewRecentConnection(list List, page Page[*eventstore.Revision]) *ConfigRevisionConnection {
	return &ConfigRevisionConnection{list, recorded(page), seqKey}
}

// NewDeletedConnection returns a page of the deletions of configs that are deleted at a snapshot,
// the newest first.
func NewDeletedConnection(list List, s *configstore.Snapshot, page Page[*projection.Config]) *ConfigRevisionConnection {
	return &ConfigRevisionConnection{list, inForce(s, page), seqKey}
}

func seqKey(r *ConfigRevision) string { return SeqKey(r.at.Seq) }

// recorded returns a page of revisions that were read with their old values.
func recorded(page Page[*eventstore.Revision]) Page[ConfigRevision] {
	return Page[ConfigRevision]{NewRevisions(page.Items), page.More, page.After, page.End}
}

// inForce returns a page of the revisions that made the states of a snapshot.
func inForce(s *configstore.Snapshot, page Page[*projection.Config]) Page[ConfigRevision] {
	old := s.OldValues(page.Items)
	shown := Page[ConfigRevision]{make([]ConfigRevision, len(page.Items)), page.More, page.After, page.End}
	for i, state := range page.Items {
		shown.Items[i] = newStateRevision(state, old)
	}
	return shown
}

// Edges returns the revisions of the page with their cursors.
func (c *ConfigRevisionConnection) Edges() []ConfigRevisionEdge {
	edges := make([]ConfigRevisionEdge, len(c.page.Items))
	for i := range c.page.Items {
		edges[i] = ConfigRevisionEdge{&c.page.Items[i], c}
	}
	return edges
}

// Nodes returns the revisions of the page.
func (c *ConfigRevisionConnection) Nodes() []ConfigRevision { return c.page.Items }

// PageInfo says whether pages precede and follow, and where the page begins and the next one does.
func (c *ConfigRevisionConnection) PageInfo() PageInfo { return PageInfoOf(c.list, c.page, c.key) }

// Position returns the position that the page is valid at.
func (c *ConfigRevisionConnection) Position() eventstore.Position { return c.list.At }

// ConfigRevisionEdge is the GraphQL type ConfigRevisionEdge.
type ConfigRevisionEdge struct {
	node *ConfigRevision
	page *ConfigRevisionConnection
}

// Cursor returns the cursor after which the next revision follows.
func (e *ConfigRevisionEdge) Cursor() string { return e.page.list.Cursor(e.page.key(e.node)) }

// Node returns the revision.
func (e *ConfigRevisionEdge) Node() *ConfigRevision { return e.node }
