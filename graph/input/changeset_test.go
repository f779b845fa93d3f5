package input_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"configapi/graph/input"
	"configapi/graph/model"
	"configapi/graph/scalar"
	"configapi/internal/eventstore"
)

type object = map[string]any

func TestChangeSet(t *testing.T) {
	position := eventstore.Position{Seq: 7, Prefix: [4]byte{0xab, 0xcd, 1, 2}}
	set := model.ConfigChangeInput{Set: &model.SetChangeInput{Name: "a", Value: "1"}}
	for name, row := range map[string]struct {
		given object
		want  input.ChangeSet
	}{
		"one change that is no list": {
			object{"changes": object{"set": object{"name": "a", "value": "1"}}},
			input.ChangeSet{Changes: []model.ConfigChangeInput{set}},
		},
		"nulls": {
			object{
				"changes":  []any{object{"set": object{"name": "a", "value": "1", "expectedVersion": nil, "expectedRevision": nil, "onlyIfChanged": nil}}},
				"asSeenAt": nil, "dryRun": nil, "reason": nil, "idempotencyKey": nil,
			},
			input.ChangeSet{Changes: []model.ConfigChangeInput{set}},
		},
		"all fields": {
			object{
				"changes": []any{
					object{"set": object{"name": "a", "value": "1", "expectedVersion": int64(2), "expectedRevision": position.String(), "onlyIfChanged": true}},
					object{"delete": object{"name": "b", "expectedVersion": int64(0), "expectedRevision": "no position"}},
					object{"restore": object{"name": "c", "value": "", "expectedVersion": int64(3), "expectedRevision": position.String()}},
					object{"restore": object{"name": "d"}},
				},
				"asSeenAt": position.String(), "dryRun": true, "reason": "why", "idempotencyKey": "key",
			},
			input.ChangeSet{
				Changes: []model.ConfigChangeInput{
					{Set: &model.SetChangeInput{Name: "a", Value: "1", ExpectedVersion: new(int32(2)), ExpectedRevision: &position, OnlyIfChanged: new(true)}},
					{Delete: &model.DeleteChangeInput{Name: "b", ExpectedVersion: new(int32(0)), ExpectedRevision: &scalar.Malformed}},
					{Restore: &model.RestoreChangeInput{Name: "c", Value: new(""), ExpectedVersion: new(int32(3)), ExpectedRevision: &position}},
					{Restore: &model.RestoreChangeInput{Name: "d"}},
				},
				AsSeenAt: &position, DryRun: new(true), Reason: new("why"), IdempotencyKey: new("key"),
			},
		},
	} {
		var got input.ChangeSet
		if err := got.UnmarshalGQL(row.given); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if name == "all fields" {
			mustHaveAll(t, got)
			mustHaveAll(t, *got.Changes[0].Set)
			mustHaveAll(t, *got.Changes[1].Delete)
			mustHaveAll(t, *got.Changes[2].Restore)
		}
	}
}

// mustHaveAll reports the fields of a struct that are zero: those that are new in the schema and
// that nobody reads.
func mustHaveAll(t *testing.T, object any) {
	t.Helper()
	v := reflect.ValueOf(object)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%T: the field %s is not read", object, v.Type().Field(i).Name)
		}
	}
}

// TestOtherTypes has values that package coerce refuses.
func TestOtherTypes(t *testing.T) {
	change := func(kind string, fields any) object { return object{"changes": []any{object{kind: fields}}} }
	for name, given := range map[string]any{
		"no object":              "secret",
		"a change of no object":  object{"changes": []any{"secret"}},
		"an empty change":        object{"changes": []any{object{}}},
		"a set of no object":     change("set", "secret"),
		"a delete of no object":  change("delete", "secret"),
		"a restore of no object": change("restore", "secret"),
		"no name":                change("delete", object{}),
		"no value":               change("set", object{"name": "secret"}),
		"a number as a value":    change("restore", object{"name": "secret", "value": int64(1)}),
		"a text as a version":    change("delete", object{"name": "secret", "expectedVersion": "secret"}),
		"a number as a position": change("delete", object{"name": "secret", "expectedRevision": int64(1)}),
		"a text as a flag":       change("set", object{"name": "secret", "value": "secret", "onlyIfChanged": "secret"}),
		"another text as a flag": object{"dryRun": "secret"},
		"a flag as a reason":     object{"reason": true},
		"a flag as a key":        object{"idempotencyKey": true},
		"a flag as asSeenAt":     object{"asSeenAt": true},
	} {
		err := new(input.ChangeSet).UnmarshalGQL(given)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got the error %v, want one without a value", name, err)
		}
	}
}
