package config_test

import (
	"errors"
	"strings"
	"testing"

	"configapi/internal/config"
)

// FuzzStored decodes events of all types and versions, also ones that no program has written. What
// can be read is written again in the same form, and a broken history is no wrong input.
func FuzzStored(f *testing.F) {
	for _, eventType := range []string{"ConfigValueSet", "ConfigValueDeleted", "ConfigValueRestored", "TokenIssued", ""} {
		for _, data := range []string{`{"value":"x"}`, `{}`, `{"value":"\ud83d"}`, `{"value":"a","value":"b"}`, `{"value":"\n\u001f"}`, ``, `{"value":"\u0000"}`} {
			f.Add(eventType, 1, data, false)
		}
		f.Add(eventType, 0, `{}`, true)
		f.Add(eventType, -1, `{}`, false)
		f.Add(eventType, 2, `{"value":"x"}`, true)
	}
	f.Fuzz(func(t *testing.T, eventType string, schemaVersion int, data string, erased bool) {
		stored := config.Stored{Type: eventType, SchemaVersion: schemaVersion, Data: data, Erased: erased}
		event, err := config.Decode(stored, name("a"), 2, noon)
		if err != nil {
			if _, isInput := errors.AsType[*config.InvalidError](err); isInput || event != (config.Event{}) {
				t.Errorf("%+v: got %+v, %v", stored, event, err)
			}
			return
		}
		if err := config.CheckKnown(eventType, schemaVersion); err != nil {
			t.Errorf("%+v was read: %v", stored, err)
		}
		if event.Erased != erased || !erased && config.Encode(event) != stored {
			t.Errorf("%+v: read as %+v, which is written %+v", stored, event, config.Encode(event))
		}
		if _, err := config.ParseValue(event.Value.String(), len(data)); err != nil {
			t.Errorf("%+v has a value that nobody can set: %v", stored, err)
		}
	})
}

// FuzzParseIdempotencyKey shows that a key is kept as it is, and has nothing that a log or a
// database would change.
func FuzzParseIdempotencyKey(f *testing.F) {
	for _, seed := range []string{"", "k", " ", "é", "A\x1bB", "a\x7f", strings.Repeat("k", 64), strings.Repeat("k", 65)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := config.ParseIdempotencyKey(text)
		printable := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) < 0
		if want := printable && 1 <= len(text) && len(text) <= config.MaxIdempotencyKeyBytes; err == nil != want || err == nil && key.String() != text {
			t.Errorf("%q: got %q, %v", text, key, err)
		}
		if _, isInput := errors.AsType[*config.InvalidError](err); err != nil && !isInput {
			t.Errorf("%q: got %v", text, err)
		}
	})
}
