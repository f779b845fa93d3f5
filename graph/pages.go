package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/transport/bounds"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// Reads of the event store reserve memory for the largest page that the store may return, and keep
// what the page has taken: see [bounds.ReadPage].

// The most that one read of the event store returns, and what is counted for it, in bytes.
const (
	pageBytes   = configstore.PageBytes // a page
	stateBytes  = 1 << 20               // one state
	recordBytes = 512                   // a revision or a state without its values
)

// The transports reserve memory for whole pages. This does not compile if they expect another size.
var _ [pageBytes]struct{} = [bounds.PageBytes]struct{}{}

// readChanges reads a page of changes within the memory of the answer.
func readChanges(ctx context.Context, read func() (configstore.Changes, error)) (configstore.Changes, error) {
	return bounds.ReadPage(ctx, pageBytes, read, func(c configstore.Changes) int64 {
		return revisionsSize(c.Revisions)
	})
}

// revisionPage is a page of a name's history, and whether more revisions follow.
type revisionPage struct {
	revisions []*eventstore.Revision
	more      bool
}

// readRevisions reads a page of a name's history within the memory of the answer.
func readRevisions(ctx context.Context, read func() ([]*eventstore.Revision, bool, error)) ([]*eventstore.Revision, bool, error) {
	readPage := func() (revisionPage, error) {
		revisions, more, err := read()
		return revisionPage{revisions, more}, err
	}
	page, err := bounds.ReadPage(ctx, pageBytes, readPage, func(p revisionPage) int64 { return revisionsSize(p.revisions) })
	return page.revisions, page.more, err
}

// readRecent reads a page of the newest changes within the memory of the answer.
func readRecent(ctx context.Context, read func() (configstore.RecentPage, error)) (configstore.RecentPage, error) {
	return bounds.ReadPage(ctx, pageBytes, read, func(p configstore.RecentPage) int64 { return revisionsSize(p.Revisions) })
}

// readDiff reads a page of a diff within the memory of the answer.
func readDiff(ctx context.Context, read func() (configstore.DiffPage, error)) (configstore.DiffPage, error) {
	return bounds.ReadPage(ctx, pageBytes, read, func(p configstore.DiffPage) (size int64) {
		for _, d := range p.Differences {
			size += recordBytes + stateSize(d.Before) + stateSize(d.After) + revisionsSize(d.Changes)
		}
		return size
	})
}

// readStates reads a page of a snapshot's states within the memory of the answer.
func readStates(ctx context.Context, snapshot *configstore.Snapshot, read func(*configstore.Snapshot) (configstore.ConfigPage, error)) (configstore.ConfigPage, error) {
	if !selects(ctx, valueField) {
		return read(snapshot.WithoutValues()) // which takes next to no memory
	}
	readPage := func() (configstore.ConfigPage, error) { return read(snapshot) }
	return bounds.ReadPage(ctx, pageBytes, readPage, func(p configstore.ConfigPage) (size int64) {
		for _, state := range p.Configs {
			size += stateSize(state)
		}
		return size
	})
}

// readState reads the state of one name in a snapshot within the memory of the answer.
func readState(ctx context.Context, read func() (*projection.Config, error)) (*projection.Config, error) {
	return bounds.ReadPage(ctx, stateBytes, read, stateSize)
}

func revisionsSize(revisions []*eventstore.Revision) (size int64) {
	for _, r := range revisions {
		size += int64(len(r.Value.String())+len(r.OldValue.String())) + recordBytes
	}
	return size
}

func stateSize(c *projection.Config) int64 {
	if c == nil {
		return 0
	}
	return int64(len(c.Value.String())) + recordBytes
}

// valueField is the field of configs and revisions that costs a read of their data.
const valueField = "value"

// withSelectedValues returns a snapshot that reads values only if the field that is being resolved
// selects them.
func withSelectedValues(ctx context.Context, snapshot *configstore.Snapshot) *configstore.Snapshot {
	if selects(ctx, valueField) {
		return snapshot
	}
	return snapshot.WithoutValues()
}

// selects reports whether a field is selected anywhere below the field that is being resolved. It
// ignores aliases and directives, so it may report true for a field that is skipped.
func selects(ctx context.Context, name string) bool {
	field := graphql.GetFieldContext(ctx)
	return field == nil || selectsIn(field.Field.Selections, name)
}

func selectsIn(selections ast.SelectionSet, name string) bool {
	for _, selection := range selections {
		below := ast.SelectionSet(nil)
		switch selection := selection.(type) {
		case *ast.Field:
			if selection.Name == name {
				return true
			}
			below = selection.SelectionSet
		case *ast.InlineFragment:
			below = selection.SelectionSet
		case *ast.FragmentSpread:
			below = selection.Definition.SelectionSet
		}
		if selectsIn(below, name) {
			return true
		}
	}
	return false
}
