package encode

import (
	"io"
	"maps"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/graph/scalar"
	"configapi/internal/eventstore"
	"configapi/internal/strictjson"
)

// The object types of the schema with their fields that are in memory.
var (
	configType = objectType[object.Config]{
		[]string{"Config", "Node"},
		map[string]fieldType[object.Config]{
			"__typename": text(func(*object.Config) string { return "Config" }),
			"id":         text((*object.Config).ID),
			"name":       text((*object.Config).Name),
			"value":      text((*object.Config).Value),
			"version":    short((*object.Config).Version, scalar.MarshalInt),
			"revision":   child((*object.Config).Revision, revisionType),
			"createdAt":  short((*object.Config).CreatedAt, scalar.MarshalDateTime),
			"updatedAt":  short((*object.Config).UpdatedAt, scalar.MarshalDateTime),
		},
	}
	revisionType = objectType[object.ConfigRevision]{
		[]string{"ConfigRevision", "Node"},
		map[string]fieldType[object.ConfigRevision]{
			"__typename":  text(func(*object.ConfigRevision) string { return "ConfigRevision" }),
			"id":          text((*object.ConfigRevision).ID),
			"configId":    text((*object.ConfigRevision).ConfigID),
			"name":        text((*object.ConfigRevision).Name),
			"operation":   short((*object.ConfigRevision).Operation, scalar.MarshalConfigOperation),
			"value":       optionalText((*object.ConfigRevision).Value),
			"version":     short((*object.ConfigRevision).Version, scalar.MarshalInt),
			"position":    short((*object.ConfigRevision).Position, scalar.MarshalPosition),
			"changeSet":   short((*object.ConfigRevision).ChangeSet, scalar.MarshalPosition),
			"committedAt": short((*object.ConfigRevision).CommittedAt, scalar.MarshalDateTime),
			"actor":       optionalText((*object.ConfigRevision).Actor),
			"reason":      optionalText((*object.ConfigRevision).Reason),
			"reverts":     optionalPosition((*object.ConfigRevision).Reverts),
			"erased":      short((*object.ConfigRevision).Erased, graphql.MarshalBoolean),
		},
	}
	// recordType is the type of a revision that was read together with the value before it.
	recordType = objectType[object.ConfigRevision]{revisionType.conditions, func() map[string]fieldType[object.ConfigRevision] {
		fields := maps.Clone(revisionType.fields)
		fields["oldValue"] = optionalText((*object.ConfigRevision).RecordedOldValue)
		return fields
	}()}
	changedType = objectType[model.ConfigChanged]{
		[]string{"ConfigChanged", "SetConfigResult", "DeleteConfigResult", "RestoreConfigResult"},
		map[string]fieldType[model.ConfigChanged]{
			"__typename": text(func(*model.ConfigChanged) string { return "ConfigChanged" }),
			"config":     child(func(c *model.ConfigChanged) *object.Config { return c.Config }, configType),
			"revision":   child(func(c *model.ConfigChanged) *object.ConfigRevision { return c.Revision }, revisionType),
			"changed":    short(func(c *model.ConfigChanged) bool { return c.Changed }, graphql.MarshalBoolean),
			"position":   short(func(c *model.ConfigChanged) eventstore.Position { return c.Position }, scalar.MarshalPosition),
		},
	}
	// configsType is the outcome of a change set, whose revisions have their old values.
	configsType = objectType[object.ConfigsChanged]{
		[]string{"ConfigsChanged", "ApplyConfigsResult"},
		map[string]fieldType[object.ConfigsChanged]{
			"__typename": text(func(*object.ConfigsChanged) string { return "ConfigsChanged" }),
			"revisions":  children((*object.ConfigsChanged).Revisions, recordType),
			"unchanged":  names(func(c *object.ConfigsChanged) []string { return c.Unchanged }),
			"position":   short(func(c *object.ConfigsChanged) eventstore.Position { return c.Position }, scalar.MarshalPosition),
			"dryRun":     short(func(c *object.ConfigsChanged) bool { return c.DryRun }, graphql.MarshalBoolean),
		},
	}
)

// typeOfAll returns the type whose fields are in memory for all of the revisions.
func typeOfAll(revisions []object.ConfigRevision) objectType[object.ConfigRevision] {
	for i := range revisions {
		if !revisions[i].IsRecord() {
			return revisionType
		}
	}
	return recordType
}

// leaf is a field without fields below it.
func leaf[T any](size func(*T) int64, write func(io.Writer, *T)) fieldType[T] {
	encoder := &valueEncoder[T]{size, write}
	return func(ast.SelectionSet) *valueEncoder[T] { return encoder }
}

func text[T any](of func(*T) string) fieldType[T] {
	return leaf(
		func(object *T) int64 { return strictjson.QuotedLen(of(object)) },
		func(w io.Writer, object *T) { graphql.MarshalString(of(object)).MarshalGQL(w) },
	)
}

// optionalText is a text that may be null.
func optionalText[T any](of func(*T) *string) fieldType[T] {
	return leaf(
		func(object *T) int64 { return Size(of(object)) },
		func(w io.Writer, object *T) {
			if text := of(object); text != nil {
				graphql.MarshalString(*text).MarshalGQL(w)
			} else {
				graphql.Null.MarshalGQL(w)
			}
		},
	)
}

// optionalPosition is a position that may be null.
func optionalPosition[T any](of func(*T) *eventstore.Position) fieldType[T] {
	return short(of, func(at *eventstore.Position) graphql.Marshaler {
		if at == nil {
			return graphql.Null
		}
		return scalar.MarshalPosition(*at)
	})
}

// short is a scalar of at most shortSize bytes.
func short[T, V any](of func(*T) V, marshal func(V) graphql.Marshaler) fieldType[T] {
	return leaf(
		func(*T) int64 { return shortSize },
		func(w io.Writer, object *T) { marshal(of(object)).MarshalGQL(w) },
	)
}

// child is an object, or null.
func child[T, C any](of func(*T) *C, t objectType[C]) fieldType[T] {
	return func(below ast.SelectionSet) *valueEncoder[T] {
		encoder := t.compile(below)
		if encoder == nil {
			return nil
		}
		return &valueEncoder[T]{
			size:  func(object *T) int64 { return encoder.size(of(object)) },
			write: func(w io.Writer, object *T) { encoder.write(w, of(object)) },
		}
	}
}

// children is a list of objects.
func children[T, C any](of func(*T) []C, t objectType[C]) fieldType[T] {
	return func(below ast.SelectionSet) *valueEncoder[T] {
		encoder := t.compile(below)
		if encoder == nil {
			return nil
		}
		list := func(object *T) *encodedList[C] { return &encodedList[C]{encoder, of(object)} }
		return &valueEncoder[T]{
			size:  func(object *T) int64 { return list(object).Size() },
			write: func(w io.Writer, object *T) { list(object).MarshalGQL(w) },
		}
	}
}

// names is a list of the names of configs.
func names[T any](of func(*T) []string) fieldType[T] {
	return leaf(
		func(object *T) int64 { return namesSize(of(object)) },
		func(w io.Writer, object *T) {
			_, _ = io.WriteString(w, "[")
			for i, name := range of(object) {
				if i > 0 {
					_, _ = io.WriteString(w, ",")
				}
				scalar.MarshalConfigName(name).MarshalGQL(w)
			}
			_, _ = io.WriteString(w, "]")
		},
	)
}
