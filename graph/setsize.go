package graph

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/strictjson"
)

// isChangeSet reports whether a field of a mutation carries out a change set.
func isChangeSet(field string) bool {
	return field == "applyConfigs" || field == "revertConfigs" || field == "revertChangeSet"
}

// largestSet returns the size in bytes of the largest answer to one change set, as
// [largestAnswer] does. The values of a revert, and those of the errors of a rejected set, are read
// later.
func largestSet(op *graphql.OperationContext, field graphql.CollectedField, reader *configstore.Reader) (sure, perhaps int64) {
	values := setValues{changes: config.MaxChanges, restored: config.MaxChangeSetBytes, replaced: config.MaxChangeSetBytes}
	var input map[string]any
	if field.Name == "applyConfigs" {
		input = inputOf(op, field.Field)
		values = setValues{changes: int64(len(changesOf(input)))}
	}
	c := selectionCounter{items: values.changes, fragments: make(map[*ast.FragmentDefinition]selected)}
	common, byType := c.byType(field.Selections)
	changed := common.plus(byType["ConfigsChanged"])
	rejected := common.plus(byType["ChangesRejected"])
	if input != nil && changed.values+changed.oldValues+rejected.values > 0 {
		values = valuesOf(input, reader)
	}
	toChange := changed.bytes + changed.values*values.given
	most := toChange + changed.values*values.restored + changed.oldValues*values.replaced
	if field.Name == "applyConfigs" {
		toChange += changed.oldValues * values.replaced
	}
	sure = max(toChange, rejected.bytes)
	return sure, max(most, rejected.bytes+rejected.values*values.present) - sure
}

// setValues are the bytes of the values that belong to a change set, as JSON.
type setValues struct {
	changes  int64 // how many
	given    int64 // of the values that are in the input
	restored int64 // at most, of the values that are read later
	replaced int64 // of the values that the set replaces or deletes
	present  int64 // of the present values of all its configs
}

// changesOf returns the changes in the input of applyConfigs. For too many it returns an empty one:
// the set will be refused, with one error.
func changesOf(input map[string]any) []any {
	changes, _ := input["changes"].([]any)
	if len(changes) > config.MaxChanges {
		return []any{nil}
	}
	return changes
}

// valuesOf returns the values that belong to the input of applyConfigs. Values beyond what a set
// may hold do not count: it will be refused.
func valuesOf(input map[string]any, reader *configstore.Reader) (v setValues) {
	changes := changesOf(input)
	v.changes = int64(len(changes))
	var written, replaced int
	for _, change := range changes {
		kinds, _ := change.(map[string]any)
		for kind, raw := range kinds { // one, by @oneOf
			c, _ := raw.(map[string]any)
			text, hasValue := c["value"].(string)
			v.given += strictjson.QuotedLen(text)
			written += len(text)
			if kind == "restore" && !hasValue {
				v.restored = config.MaxChangeSetBytes
			}
			name, _ := c["name"].(string)
			if parsed, err := config.ParseName(name); err == nil {
				if present := reader.Config(parsed); present != nil {
					v.present += strictjson.QuotedLen(present.Value.String())
					replaced += len(present.Value.String())
				}
			}
		}
	}
	if v.replaced = v.present; len(changes) > 1 && replaced > config.MaxChangeSetBytes {
		v.replaced = 0
	}
	if len(changes) > 1 && written > config.MaxChangeSetBytes {
		v.given = 0
	}
	return v
}
