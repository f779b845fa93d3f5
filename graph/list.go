package graph

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/pages"
	"configapi/internal/projection"
)

// The page sizes for an explicit null. They are the defaults of the schema.
const (
	configsPage  = 50
	historyPage  = 20
	childrenPage = 100
	diffPage     = 100
)

// Configs returns configs in the order that is asked for.
func (r queryResolver) Configs(ctx context.Context, input *model.ConfigFilterInput, contains *string, order *model.ConfigOrder, first *int32, after *string, c *model.Consistency, atLeast *eventstore.Position) (*object.ConfigConnection, error) {
	filter, err := filterContaining(input, contains)
	if err != nil {
		return nil, err
	}
	reader, err := r.freshReader(ctx, c, atLeast)
	if err != nil {
		return nil, err
	}
	if order != nil && *order == model.ConfigOrderChanged {
		return r.configsByChange(ctx, reader, filter, pageSize(first, configsPage), after, argumentsOf(input, contains))
	}
	return r.configsByName(ctx, reader, filter, pageSize(first, configsPage), after, atLeast)
}

// configsByName returns a first page that is of the reader. The pages after it are at the position
// of the first, so an atLeast that is newer than them is refused there.
func (r queryResolver) configsByName(ctx context.Context, reader *configstore.Reader, filter config.Filter, first int, after *string, atLeast *eventstore.Position) (*object.ConfigConnection, error) {
	snapshot := reader.Now()
	page := object.Page[*projection.Config]{After: after != nil}
	var key string
	if after != nil {
		cursor, err := object.ParseCursor(pages.Configs, *after)
		if err != nil {
			return nil, err
		}
		if atLeast != nil && atLeast.Seq > cursor.At.Seq {
			return nil, &config.InvalidError{Field: "after", Rule: "is of pages that are older than atLeast; begin again without it"}
		}
		if snapshot, err = r.snapshotOf(ctx, cursor.At); err != nil {
			return nil, err
		}
		key = cursor.Key
	}
	read := func(s *configstore.Snapshot) (configstore.ConfigPage, error) {
		return s.Configs(ctx, filter, key, first)
	}
	var found configstore.ConfigPage
	var err error
	if after == nil {
		found, err = read(snapshot) // the present is in memory anyway
	} else {
		found, err = readStates(ctx, snapshot, read)
	}
	if err != nil {
		return nil, err
	}
	page.Items, page.More, page.End = found.Configs, found.More, found.End
	return object.NewConfigConnection(snapshot, filter, page), nil
}

func (r queryResolver) configsByChange(ctx context.Context, reader *configstore.Reader, filter config.Filter, first int, after *string, arguments string) (*object.ConfigConnection, error) {
	read := func(reader *configstore.Reader, before eventstore.Seq) (configstore.ChangedPage, error) {
		return reader.ConfigsByChange(ctx, filter, before, first)
	}
	list := object.List{Kind: pages.Changed, Arguments: arguments}
	reader, page, err := r.pageByChange(ctx, reader, &list, after, read)
	if err != nil {
		return nil, err
	}
	return object.NewChangedConnection(list, reader.Now(), filter, page), nil
}

func (r queryResolver) DeletedConfigs(ctx context.Context, input *model.ConfigFilterInput, contains *string, first *int32, after *string) (*object.ConfigRevisionConnection, error) {
	filter, err := filterContaining(input, contains)
	if err != nil {
		return nil, err
	}
	reader, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	read := func(reader *configstore.Reader, before eventstore.Seq) (configstore.ChangedPage, error) {
		return reader.Deleted(ctx, filter, before, pageSize(first, configsPage))
	}
	list := object.List{Kind: pages.Deleted, Arguments: argumentsOf(input, contains)}
	reader, page, err := r.pageByChange(ctx, reader, &list, after, read)
	if err != nil {
		return nil, err
	}
	return object.NewDeletedConnection(list, reader.Now(), page), nil
}

// pageByChange reads a page of a list whose pages do not stay at one position. It sets the position
// of the list, and returns the reader of the page, which includes the page that a cursor is of.
func (r *resolver) pageByChange(ctx context.Context, reader *configstore.Reader, list *object.List, after *string,
	read func(*configstore.Reader, eventstore.Seq) (configstore.ChangedPage, error)) (*configstore.Reader, object.Page[*projection.Config], error) {
	page := object.Page[*projection.Config]{After: after != nil}
	var before eventstore.Seq
	if after != nil {
		newer, at, key, err := r.readerAfter(ctx, *list, *after)
		if err != nil {
			return nil, page, err
		}
		if before, err = object.ParseSeqKey(key, at.Seq); err != nil {
			return nil, page, err
		}
		if newer.Head().Seq > reader.Head().Seq {
			reader = newer
		}
	}
	list.At = reader.Head().Position()
	found, err := read(reader, before)
	if err != nil {
		return nil, page, err
	}
	page.Items, page.More = found.Configs, found.More
	if found.End > 0 {
		page.End = object.SeqKey(found.End)
	}
	return reader, page, nil
}

func (r queryResolver) Children(ctx context.Context, prefix *string, first *int32, after *string) (*object.ConfigChildConnection, error) {
	var below string
	if prefix != nil {
		below = *prefix
	}
	reader, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	list := object.List{Kind: pages.Children, Arguments: argumentsOf(below)}
	page := object.Page[projection.Child]{After: after != nil}
	var segment string
	if after != nil {
		newer, _, key, err := r.readerAfter(ctx, list, *after)
		if err != nil {
			return nil, err
		}
		reader, segment = newer, key
	}
	found, err := reader.Children(below, segment, pageSize(first, childrenPage))
	if err != nil {
		return nil, err
	}
	list.At = reader.Head().Position()
	page.Items, page.More = found.Children, found.More
	return object.NewChildConnection(list, reader.Now(), page), nil
}

// readerAfter returns a reader that includes the page that a cursor of a list is of, with the
// position and the key of the cursor. A cursor whose position the history does not know is not of
// this server.
func (r *resolver) readerAfter(ctx context.Context, list object.List, after string) (*configstore.Reader, eventstore.Position, string, error) {
	at, key, err := object.ParseListCursor(list.Kind, list.Arguments, after)
	if err != nil {
		return nil, at, "", err
	}
	reader, err := r.readerAt(ctx, at)
	if err == nil {
		err = reader.Includes(ctx, at)
	}
	if fault.KindOf(err) == fault.PositionUnknown {
		err = object.ErrForeignCursor
	}
	return reader, at, key, err
}

// argumentsOf returns what stands for the arguments of a list in its cursors. The cursors of a list
// with other arguments name places that this one does not have.
func argumentsOf(arguments ...any) string {
	text, err := json.Marshal(arguments)
	if err != nil {
		panic(err) // they have been made from JSON
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}
