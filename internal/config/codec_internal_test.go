package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestEveryVersionHasItsGolden requires a golden file and an upcaster for each schema version.
func TestEveryVersionHasItsGolden(t *testing.T) {
	var want []string
	for _, event := range []EventType{ValueDeleted, ValueRestored, ValueSet} {
		for v := 1; v <= current[event].version; v++ {
			want = append(want, fmt.Sprintf("%s.v%d.json", event, v))
			if v < current[event].version && current[event].upcast[v] == nil {
				t.Errorf("%s has no upcaster from schema version %d", event, v)
			}
		}
	}
	files, err := os.ReadDir("testdata/events")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range files {
		got = append(got, file.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("testdata/events: got %q, want %q", got, want)
	}
	if len(current) != 3 {
		t.Errorf("%d types of events are known, and 3 were looked at", len(current))
	}
}

var errOdd = errors.New("odd text")

// evolved is a codec of a possible future: sets are stored in version 3. In version 1 the data is
// the bare text, in version 2 an object with another member. Version 0 is no longer known.
var evolved = schemas{ValueSet: {version: 3, upcast: map[int]upcaster{
	1: func(data string) (string, error) {
		if data == "?" {
			return "", errOdd
		}
		return `{"text":"` + data + `"}`, nil
	},
	2: func(data string) (string, error) { return strings.Replace(data, `"text"`, `"value"`, 1), nil },
}}}

func TestUpcastingGoesVersionByVersion(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	want := Event{Type: ValueSet, Name: Name{"a"}, Version: 2, Value: Value{"30s"}, At: at}
	for version, data := range map[int]string{
		1: `30s`,
		2: `{"text":"30s"}`,
		3: `{"value":"30s"}`,
	} {
		stored := Stored{Type: "ConfigValueSet", SchemaVersion: version, Data: data}
		if got, err := evolved.decode(stored, want.Name, want.Version, at); err != nil || got != want {
			t.Errorf("%+v: got %+v, %v, want %+v", stored, got, err, want)
		}
	}
	if got, want := evolved.encode(want), (Stored{Type: "ConfigValueSet", SchemaVersion: 3, Data: `{"value":"30s"}`}); got != want {
		t.Errorf("encoded %+v, want %+v", got, want)
	}
}

func TestUpcastingReportsWhatItCannotDo(t *testing.T) {
	for _, test := range []struct {
		stored Stored
		want   string
	}{
		{
			Stored{Type: "ConfigValueSet", SchemaVersion: 1, Data: `?`},
			"upcasting ConfigValueSet from schema version 1: odd text",
		},
		{
			Stored{Type: "ConfigValueSet", SchemaVersion: 1, Data: `"`},
			`decoding the data of ConfigValueSet, schema version 1: want } at byte 11`,
		},
		{
			Stored{Type: "ConfigValueSet", SchemaVersion: 0, Data: `30s`},
			(&UnknownEventError{"ConfigValueSet", 0}).Error(),
		},
		{
			Stored{Type: "ConfigValueSet", SchemaVersion: 4, Data: `{"value":"30s"}`},
			(&UnknownEventError{"ConfigValueSet", 4}).Error(),
		},
		{
			Stored{Type: "ConfigValueRestored", SchemaVersion: 1, Data: `{"value":"x"}`},
			(&UnknownEventError{"ConfigValueRestored", 1}).Error(),
		},
	} {
		got, err := evolved.decode(test.stored, Name{"a"}, 2, time.Time{})
		if err == nil || err.Error() != test.want || got != (Event{}) {
			t.Errorf("%+v: got %+v, %v, want %s", test.stored, got, err, test.want)
		}
	}
	if _, err := evolved.decode(Stored{Type: "ConfigValueSet", SchemaVersion: 1, Data: `?`}, Name{"a"}, 2, time.Time{}); !errors.Is(err, errOdd) {
		t.Errorf("got %v, want it to wrap what the upcaster said", err)
	}
}

// TestPlain puts every byte at every place of texts around eight bytes long: plain checks eight
// bytes at a time.
func TestPlain(t *testing.T) {
	for length := range 26 {
		for place := range length {
			for b := range 256 {
				text := []byte(strings.Repeat("a", length))
				text[place] = byte(b)
				want := length
				if b < 0x20 || b == '"' || b == '\\' {
					want = place
				}
				if got := plain(string(text)); got != want {
					t.Fatalf("plain(%q) = %d, want %d", text, got, want)
				}
			}
		}
	}
}

// FuzzPlain compares plain with a loop over single bytes.
func FuzzPlain(f *testing.F) {
	f.Add("")
	f.Add("abcdefgh\x00\x01\x1f\x20\x21\"#[\\]\x80\xff")
	f.Add("!\x1f!\"#\\]\x9f\xa0\xa2\xdc")
	f.Fuzz(func(t *testing.T, text string) {
		want := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' })
		if want < 0 {
			want = len(text)
		}
		if got := plain(text); got != want {
			t.Errorf("plain(%q) = %d, want %d", text, got, want)
		}
	})
}
