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
	v, version := value("v"), new(config.Version(3))
	for _, test := range []struct{ got, want config.Command }{
		{must(all.Set()), config.Set{Name: name("a"), Value: v, ExpectedVersion: version, Conditions: conditions,
			OnlyIfChanged: true, RestoreDeleted: true}},
		{must(all.Delete()), config.Delete{Name: name("a"), ExpectedVersion: version, Conditions: conditions}},
		{must(all.Restore()), config.Restore{Name: name("a"), Value: &v, ExpectedVersion: version, Conditions: conditions}},
		{must((config.Fields{Name: "a"}).Set()), config.Set{Name: name("a")}},
		{must((config.Fields{Name: "a"}).Delete()), config.Delete{Name: name("a")}},
		{must((config.Fields{Name: "a"}).Restore()), config.Restore{Name: name("a")}},
	} {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("got %+v, want %+v", test.got, test.want)
		}
	}
	want := because("why", config.Delete{Name: name("a")})
	want.IdempotencyKey = must(config.ParseIdempotencyKey("k"))
	if got := must(all.ChangeSet(config.Delete{Name: name("a")})); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestFieldsOfASet has a set whose changes are all right, and one in which everything is wrong that
// can be.
func TestFieldsOfASet(t *testing.T) {
	text := func(s string) *string { return &s }
	seen := &config.RevisionID{Seq: 7}
	conditions := []config.Condition{{Any: true}}
	f := config.ChangeSetFields{AsSeenAt: seen, DryRun: true, Reason: text("why"), IdempotencyKey: text("k"), Changes: []config.ChangeFields{
		{Fields: config.Fields{Name: "a", Value: text("v"), MaxValueBytes: 1, ExpectedVersion: new(int64(3)), OnlyIfChanged: true, RestoreDeleted: true}},
		{Kind: config.DeleteChange, Fields: config.Fields{Name: "b", Conditions: conditions}},
		{Kind: config.RestoreChange, Fields: config.Fields{Name: "c"}},
	}}
	want := because("why",
		config.Set{Name: name("a"), Value: value("v"), ExpectedVersion: new(config.Version(3)), OnlyIfChanged: true, RestoreDeleted: true},
		config.Delete{Name: name("b"), Conditions: conditions}, config.Restore{Name: name("c")})
	want.AsSeenAt, want.DryRun, want.IdempotencyKey = seen, true, must(config.ParseIdempotencyKey("k"))
	if got := f.Parse(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}

	neither := &config.InvalidError{Field: "changes", Rule: "must be one of set, delete and restore"}
	f = config.ChangeSetFields{Reason: text("\x00"), IdempotencyKey: text(""), Changes: []config.ChangeFields{
		{Fields: config.Fields{Name: "", Value: text("vv"), MaxValueBytes: 1, ExpectedVersion: new(int64(-1))}},
		{Kind: config.DeleteChange, Fields: config.Fields{Name: "b"}},
		{Fields: config.Fields{Name: "c"}},
		{Invalid: neither},
		{Kind: 9, Fields: config.Fields{Name: "d"}},
	}}
	got := f.Parse()
	fields := fieldsOf(got.Invalid)
	for _, change := range got.Changes {
		fields = append(fields, "|")
		fields = append(fields, fieldsOf(change.Invalid)...)
	}
	if text := strings.Join(fields, " "); text != "reason idempotencyKey | name value expectedVersion | | value | changes | changes" {
		t.Errorf("the failures are about %q", text)
	}
	if cmd := got.Changes[1].Command; !reflect.DeepEqual(cmd, config.Delete{Name: name("b")}) {
		t.Errorf("the valid change is %+v", cmd)
	}
	for n, want := range map[int]bool{0: true, 1: false, config.MaxChanges: false, config.MaxChanges + 1: true} {
		f := config.ChangeSetFields{Changes: make([]config.ChangeFields, n)}
		if fields := fieldsOf(f.Parse().Invalid); (len(fields) == 1 && fields[0] == "changes") != want {
			t.Errorf("%d changes: the set has failures about %q", n, fields)
		}
	}
}

func fieldsOf(invalid []*config.InvalidError) (fields []string) {
	for _, err := range invalid {
		fields = append(fields, err.Field)
	}
	return fields
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
		set, remove, restore := firstError(f, config.Fields.Set), firstError(f, config.Fields.Delete), firstError(f, config.Fields.Restore)
		for command, err := range map[string]error{"set": set, "delete": remove, "restore": restore} {
			invalid, is := errors.AsType[*config.InvalidError](err)
			if is != (row.field != "") || is && invalid.Field != row.field {
				t.Errorf("%s: got %v, want an error about %q", command, err, row.field)
			}
		}
	}
}

// firstError parses a single change and its set.
func firstError[C config.Command](f config.Fields, parse func(config.Fields) (C, error)) error {
	cmd, err := parse(f)
	if err == nil {
		_, err = f.ChangeSet(cmd)
	}
	return err
}
