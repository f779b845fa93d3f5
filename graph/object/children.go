package object

import (
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// ConfigChildConnection is the GraphQL type ConfigChildConnection.
type ConfigChildConnection struct {
	list List
	page Page[projection.Child]
	old  *configstore.OldValues // of the configs of the page
}

// NewChildConnection returns a page of what lies directly below a prefix in a snapshot.
func NewChildConnection(list List, s *configstore.Snapshot, page Page[projection.Child]) *ConfigChildConnection {
	var states []*projection.Config
	for _, child := range page.Items {
		states = appendState(states, child.Config)
	}
	return &ConfigChildConnection{list, page, s.OldValues(states)}
}

func segmentKey(c *projection.Child) string { return c.Segment }

// Edges returns the children of the page with their cursors.
func (c *ConfigChildConnection) Edges() []ConfigChildEdge {
	edges := make([]ConfigChildEdge, len(c.page.Items))
	for i, child := range c.page.Items {
		edges[i] = ConfigChildEdge{ConfigChild{child, c.old}, c.list}
	}
	return edges
}

// Nodes returns the children of the page.
func (c *ConfigChildConnection) Nodes() []ConfigChild {
	nodes := make([]ConfigChild, len(c.page.Items))
	for i, child := range c.page.Items {
		nodes[i] = ConfigChild{child, c.old}
	}
	return nodes
}

// PageInfo says whether pages precede and follow, and where the page begins and the next one does.
func (c *ConfigChildConnection) PageInfo() PageInfo { return PageInfoOf(c.list, c.page, segmentKey) }

// Position returns the position that the page was read at.
func (c *ConfigChildConnection) Position() eventstore.Position { return c.list.At }

// ConfigChild is the GraphQL type ConfigChild.
type ConfigChild struct {
	child projection.Child
	old   *configstore.OldValues
}

// Segment returns the segment that follows the prefix.
func (c *ConfigChild) Segment() string { return c.child.Segment }

// Name returns the whole name up to and with the segment.
func (c *ConfigChild) Name() string { return c.child.Name.String() }

// Config returns the config of that very name, nil when there is none.
func (c *ConfigChild) Config() *Config { return NewConfig(c.child.Config, c.old) }

// Below returns how many configs are further below.
func (c *ConfigChild) Below() int32 { return int32(c.child.Below) }

// ConfigChildEdge is the GraphQL type ConfigChildEdge.
type ConfigChildEdge struct {
	node ConfigChild
	list List
}

// Cursor returns the cursor after which the next child follows.
func (e *ConfigChildEdge) Cursor() string { return e.list.Cursor(segmentKey(&e.node.child)) }

// Node returns the child.
func (e *ConfigChildEdge) Node() *ConfigChild { return &e.node }
