package config_test

import (
	"errors"
	"reflect"
	"testing"

	"configapi/internal/config"
)

func TestDecodeStream(t *testing.T) {
	wrong := errors.New("wrong")
	codec := config.NewCodec(config.Kind{Type: "NoteAdded", SchemaVersion: 2, Decode: func(e config.StreamEvent, version int, data string) (any, []int64, error) {
		if data == "?" {
			return nil, nil, wrong
		}
		return []any{e, version, data}, []int64{7}, nil
	}})
	got, err := codec.DecodeStream(config.Stored{Type: "NoteAdded", SchemaVersion: 1, Data: "d"}, "$note/a", 3, noon)
	given := config.StreamEvent{Type: "NoteAdded", Stream: "$note/a", Version: 3, At: noon, Bytes: 1}
	want := &config.StreamEvent{Type: "NoteAdded", Stream: "$note/a", Version: 3, Content: []any{given, 1, "d"}, Erases: []int64{7}, At: noon, Bytes: 1}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, stored := range []config.Stored{
		{Type: "NoteAdded", SchemaVersion: 3}, {Type: "NoteAdded"}, {Type: "NoteGone", SchemaVersion: 1}, {Type: "ConfigValueSet", SchemaVersion: 1, Data: `{"value":""}`},
	} {
		unknown := new(config.UnknownEventError)
		if got, err := codec.DecodeStream(stored, "$note/a", 1, noon); got != nil || !errors.As(err, &unknown) {
			t.Errorf("%+v: got %+v, %v", stored, got, err)
		}
	}
	if got, err := (config.Codec{}).DecodeStream(config.Stored{Type: "NoteAdded", SchemaVersion: 1}, "$note/a", 1, noon); got != nil || err == nil {
		t.Errorf("the standard codec: got %+v, %v", got, err)
	}
	if _, err := codec.DecodeStream(config.Stored{Type: "NoteAdded", SchemaVersion: 1, Data: "?"}, "$note/a", 1, noon); !errors.Is(err, wrong) {
		t.Errorf("data that the kind refuses: got %v", err)
	}
	if _, err := codec.DecodeStream(config.Stored{Type: "NoteAdded", SchemaVersion: 1, Erased: true}, "$note/a", 1, noon); err == nil {
		t.Error("the data of an event of a stream can be erased")
	}
}

func TestErasedEvents(t *testing.T) {
	for _, event := range []config.EventType{config.ValueSet, config.ValueRestored} {
		got, err := config.Decode(config.Stored{Type: string(event), SchemaVersion: 1, Erased: true}, name("a"), 2, noon)
		if want := (config.Event{Type: event, Name: name("a"), Version: 2, At: noon, Erased: true}); err != nil || got != want || got.HasValue() {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		next := config.Event{Type: config.ValueSet, Version: 3}
		next.SetOld(got)
		if !next.OldErased || next.HasOldValue() {
			t.Errorf("the next event has an old value: %+v", next)
		}
		next.SetOld(config.Event{Type: event, Value: value("v")})
		if next.OldErased || !next.HasOldValue() || next.OldValue != value("v") {
			t.Errorf("the next event has no old value: %+v", next)
		}
	}
	if _, err := config.Decode(config.Stored{Type: "ConfigValueDeleted", SchemaVersion: 1, Erased: true}, name("a"), 2, noon); err == nil {
		t.Error("a deletion, which has no value, can be erased")
	}
	if _, err := config.Decode(config.Stored{Type: "Unknown", SchemaVersion: 1, Erased: true}, name("a"), 2, noon); !errors.As(err, new(*config.UnknownEventError)) {
		t.Errorf("an unknown event: got %v", err)
	}
}
