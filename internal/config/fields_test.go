package config_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"configapi/internal/config"
)

// TestFieldsBecomeCommands gives all fields to each command, and none but the name.
func TestFieldsBecomeCommands(t *testing.T) {
	text := func(s string) *string { return &s }
	conditions := []config.Condition{{Any: true, Not: true}}
	all := config.Fields{Name: "a", Value: text("v"), MaxValueBytes: 1, ExpectedVersion: new(int64(3)), Conditions: conditions,
		OnlyIfChanged: true, RestoreDeleted: true, Reason: text("why"), IdempotencyKey: text("k")}
	v, version, reason, key := value("v"), new(config.Version(3)), must(config.ParseReason("why")), must(config.ParseIdempotencyKey("k"))
	for _, test := range []struct{ got, want config.Command }{
		{must(all.Set()), config.Set{Name: name("a"), Value: v, ExpectedVersion: version, Conditions: conditions,
			OnlyIfChanged: true, RestoreDeleted: true, Reason: reason, IdempotencyKey: key}},
		{must(all.Delete()), config.Delete{Name: name("a"), ExpectedVersion: version, Conditions: conditions, Reason: reason, IdempotencyKey: key}},
		{must(all.Restore()), config.Restore{Name: name("a"), Value: &v, ExpectedVersion: version, Conditions: conditions, Reason: reason, IdempotencyKey: key}},
		{must((config.Fields{Name: "a"}).Set()), config.Set{Name: name("a")}},
		{must((config.Fields{Name: "a"}).Delete()), config.Delete{Name: name("a")}},
		{must((config.Fields{Name: "a"}).Restore()), config.Restore{Name: name("a")}},
	} {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("got %+v, want %+v", test.got, test.want)
		}
	}
}

// TestFieldsAreChecked breaks one more rule in each row. The first field that breaks one is named.
func TestFieldsAreChecked(t *testing.T) {
	text := func(s string) *string { return &s }
	f := config.Fields{Name: "a", Value: text("v"), MaxValueBytes: 1, ExpectedVersion: new(int64), Reason: text(""), IdempotencyKey: text("k")}
	for _, row := range []struct {
		field string
		spoil func()
	}{
		{"", func() {}},
		{"idempotencyKey", func() { f.IdempotencyKey = text("") }},
		{"reason", func() { f.Reason = text(strings.Repeat("x", config.MaxReasonBytes+1)) }},
		{"expectedVersion", func() { f.ExpectedVersion = new(int64(-1)) }},
		{"value", func() { f.Value = text("vv") }},
		{"name", func() { f.Name = "" }},
	} {
		row.spoil()
		_, set := f.Set()
		_, remove := f.Delete()
		_, restore := f.Restore()
		for command, err := range map[string]error{"set": set, "delete": remove, "restore": restore} {
			invalid, is := errors.AsType[*config.InvalidError](err)
			if is != (row.field != "") || is && invalid.Field != row.field {
				t.Errorf("%s: got %v, want an error about %q", command, err, row.field)
			}
		}
	}
}
