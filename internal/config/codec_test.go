package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"

	"configapi/internal/config"

	"pgregory.net/rapid"
)

// controls are all control characters that a value may hold; foreign are characters that JSON
// libraries often escape or break.
const (
	controls = "\x01\x02\x03\x04\x05\x06\x07\b\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
	foreign  = `<a href="x">&` + "é\u2028\u2029\ufeff\ufffd\x7f😀\U0010ffff</a>"
	document = `{"retries": 3, "path": "C:\\temp"}` + "\n"
)

// goldens are the events in testdata/events, one a line. Files may be added but never changed:
// histories hold what is in them.
var goldens = []struct {
	event  config.EventType
	schema int
	events []config.Event
}{
	{config.ValueSet, 1, []config.Event{
		{Version: 1, Value: value("30s")},
		{Version: 2, Value: value("45s")},
		{Version: 1, Value: value("")},
		{Version: 2, Value: value(controls)},
		{Version: 3, Value: value(foreign)},
	}},
	{config.ValueDeleted, 1, []config.Event{{Version: 3}}},
	{config.ValueRestored, 1, []config.Event{
		{Version: 4, Value: value("45s")},
		{Version: 3, Value: value("")},
		{Version: 3, Value: value(foreign + document + controls)},
	}},
}

func TestGoldens(t *testing.T) {
	for _, golden := range goldens {
		file := fmt.Sprintf("%s.v%d.json", golden.event, golden.schema)
		for i, data := range goldenLines(t, file, len(golden.events)) {
			event := golden.events[i]
			event.Type, event.Name, event.At = golden.event, name("payments/timeout"), noon
			stored := config.Stored{Type: string(golden.event), SchemaVersion: golden.schema, Data: data}
			if got, err := config.Decode(stored, event.Name, event.Version, event.At); err != nil || got != event {
				t.Errorf("%s, line %d: decoded %+v, %v, want %+v", file, i+1, got, err, event)
			}
			if got := config.Encode(event); got.SchemaVersion == golden.schema && got != stored {
				t.Errorf("%s, line %d: encoded %+v, want %+v", file, i+1, got, stored)
			}
		}
	}
}

func goldenLines(t *testing.T, file string, want int) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "events", file))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) != want {
		t.Fatalf("%s: got %d lines, want %d", file, len(lines), want)
	}
	return lines
}

func TestDecodeRefusesUnknownEvents(t *testing.T) {
	for _, test := range []struct {
		event  string
		schema int
	}{
		{"ConfigRenamed", 1},
		{"configvalueset", 1},
		{"", 1},
		{"ConfigValueSet", 2},
		{"ConfigValueDeleted", 2},
		{"ConfigValueRestored", 1 << 31},
		{"ConfigValueSet", 0},
		{"ConfigValueSet", -1},
	} {
		stored := config.Stored{Type: test.event, SchemaVersion: test.schema, Data: `{"value":"x"}`}
		event, err := config.Decode(stored, name("a"), 1, noon)
		unknown := new(config.UnknownEventError)
		if !errors.As(err, &unknown) || *unknown != (config.UnknownEventError{Type: test.event, SchemaVersion: test.schema}) {
			t.Errorf("%+v: got %v", stored, err)
		}
		if event != (config.Event{}) {
			t.Errorf("%+v: got %+v beside the error", stored, event)
		}
	}
}

func TestDecodeRefusesBadData(t *testing.T) {
	for _, test := range []struct{ data, want string }{
		{``, `want {"value": at byte 0`},
		{`null`, `want {"value": at byte 0`},
		{`[]`, `want {"value": at byte 0`},
		{`{}`, `want {"value": at byte 0`},
		{` {"value":"x"}`, `want {"value": at byte 0`},
		{`{ "value":"x"}`, `want {"value": at byte 0`},
		{`{"Value":"x"}`, `want {"value": at byte 0`},
		{`{"old_value":null,"value":"x"}`, `want {"value": at byte 0`},
		{`{"deleted_value":"x"}`, `want {"value": at byte 0`},
		{"\ufeff" + `{"value":"x"}`, `want {"value": at byte 0`},
		{`{"value":null}`, `want " at byte 9`},
		{`{"value":7}`, `want " at byte 9`},
		{`{"value":"x`, `want " at byte 11`},
		{`{"value":"x\`, `want " at byte 11`},
		{`{"value":"x\"`, `want " at byte 13`},
		{"{\"value\":\"x\n\"}", `want " at byte 11`},
		{"{\"value\":\"\x00\"}", `want " at byte 10`},
		{`{"value":"x"`, `want } at byte 12`},
		{`{"value":"x","value":"x"}`, `want } at byte 12`},
		{`{"value":"x","reason":"y"}`, `want } at byte 12`},
		{`{"value":"x","old_value":null}`, `want } at byte 12`},
		{`{"value":"x"}}`, `want nothing more at byte 13`},
		{`{"value":"x"} `, `want nothing more at byte 13`},
		{`{"value":"x"}{"value":"x"}`, `want nothing more at byte 13`},
		{"{\"value\":\"\xff\"}", `it is not valid UTF-8`},
	} {
		mustRefuse(t, config.ValueSet, test.data, test.want)
		mustRefuse(t, config.ValueRestored, test.data, test.want)
	}
	for _, test := range []struct{ data, want string }{
		{``, `want {} at byte 0`},
		{`{ }`, `want {} at byte 0`},
		{`{"deleted_value":"x"}`, `want {} at byte 0`},
		{`{"value":"x"}`, `want {} at byte 0`},
		{`{} `, `want nothing more at byte 2`},
		{"{}\xff", `it is not valid UTF-8`},
	} {
		mustRefuse(t, config.ValueDeleted, test.data, test.want)
	}
}

func mustRefuse(t *testing.T, event config.EventType, data, want string) {
	t.Helper()
	want = fmt.Sprintf("decoding the data of %s, schema version 1: %s", event, want)
	stored := config.Stored{Type: string(event), SchemaVersion: 1, Data: data}
	got, err := config.Decode(stored, name("a"), 2, noon)
	if err == nil || err.Error() != want || got != (config.Event{}) {
		t.Errorf("%s %q: got %+v\n%v\nwant\n%s", event, data, got, err, want)
	}
}

// TestDecodeRefusesStrangeEscapes: text that could be written in two ways would have two hashes.
func TestDecodeRefusesStrangeEscapes(t *testing.T) {
	const want = "want a string with only the escapes that it needs at byte 10"
	for _, escape := range []string{
		`\/`, `\b`, `\f`, `\a`, `\x41`, `\U0001`, `\ `,
		`\u`, `\u0`, `\u001`, `\u00`, `\u0001`[:5] + `g`, `\u+001`,
		// No value has NUL; the others have a shorter escape.
		`\u0000`, `\u000a`, `\u000d`, `\u0009`, `\u0022`, `\u005c`,
		`\u001F`, `\u0041`, `\u0020`, `\u007f`, `\u00e9`, `\u2028`, `\ufffd`,
		`\ud800`, `\udc00`, `\ud83d\ude00`, `\uffff`,
	} {
		for _, data := range []string{
			`{"value":"` + escape + `"}`, `{"value":"12345678` + escape + `\n"}`, `{"value":"\n` + escape,
		} {
			mustRefuse(t, config.ValueSet, data, want)
		}
	}
}

// TestRoundTrip checks for any event that decoding returns what was encoded, and that encoding/json
// reads the same from the data.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		event := config.Event{
			Type:    rapid.SampledFrom([]config.EventType{config.ValueSet, config.ValueDeleted, config.ValueRestored}).Draw(t, "type"),
			Name:    name("a"),
			Version: config.Version(rapid.IntRange(1, 3).Draw(t, "version")),
			At:      noon,
		}
		if event.HasValue() {
			event.Value = anyValue().Draw(t, "value")
		}
		stored := config.Encode(event)
		if got, err := config.Decode(stored, event.Name, event.Version, event.At); err != nil || got != event {
			t.Fatalf("%s: decoded %+v, %v, want %+v", stored.Data, got, err, event)
		}
		if want := oracle(event); !sameJSON(t, stored.Data, want) {
			t.Fatalf("got %s, want as much as %s", stored.Data, want)
		}
	})
}

func TestRoundTripOfTheLargestValues(t *testing.T) {
	for _, piece := range []string{"v", controls + foreign + document} {
		huge := value(strings.Repeat(piece, config.DefaultMaxValueBytes/len(piece)))
		event := config.Event{Type: config.ValueSet, Name: name("a"), Version: 2, Value: huge, At: noon}
		if got, err := config.Decode(config.Encode(event), event.Name, 2, noon); err != nil || got != event {
			t.Errorf("%q repeated: %v", piece, err)
		}
	}
}

// anyValue draws values with many characters that must be escaped.
func anyValue() *rapid.Generator[config.Value] {
	char := rapid.OneOf(
		rapid.RuneFrom([]rune(controls+"\"\\\"\\")),
		rapid.RuneFrom([]rune(foreign)),
		rapid.RuneFrom([]rune("abcdefghijklmnopqrstuvwxyz0123456789")),
		rapid.Rune(),
	)
	return rapid.Custom(func(t *rapid.T) config.Value {
		text := rapid.StringOfN(char, 0, 60, -1).Draw(t, "text")
		return value(strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "0"))
	})
}

// oracle writes the data of an event with encoding/json.
func oracle(e config.Event) string {
	members := map[string]any{}
	if e.HasValue() {
		members["value"] = e.Value.String()
	}
	return string(must(json.Marshal(members)))
}

func sameJSON(t interface{ Fatal(...any) }, texts ...string) bool {
	var canonical [2][]byte
	for i, text := range texts {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err, text)
		}
		canonical[i] = must(json.Marshal(v))
	}
	return bytes.Equal(canonical[0], canonical[1])
}

// FuzzDecode checks that Decode accepts exactly what Encode writes, and reads it as encoding/json
// does.
func FuzzDecode(f *testing.F) {
	for _, data := range []string{
		`{"value":"x"}`, `{"value":"x","old_value":"y"}`, `{"value":"\n\"\\\u001f"}`,
		`{"value":"x" }`, `{"value":"\u0041"}`, `{"value":"x"}}`, `{"value":"\`,
	} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data string) {
		stored := config.Stored{Type: "ConfigValueSet", SchemaVersion: 1, Data: data}
		event, err := config.Decode(stored, name("a"), 2, noon)
		if want, ok := decodeByLibrary(data); ok && config.Encode(want) == stored {
			if err != nil || event != want {
				t.Fatalf("%q: decoded %+v, %v, want %+v", data, event, err, want)
			}
		} else if err == nil {
			t.Fatalf("%q: decoded %+v, want an error", data, event)
		}
	})
}

// decodeByLibrary reads the data of a ConfigValueSet with encoding/json, which accepts more than
// Decode does.
func decodeByLibrary(data string) (e config.Event, ok bool) {
	var members struct {
		Value *string `json:"value"`
	}
	if json.Unmarshal([]byte(data), &members) != nil || members.Value == nil || !utf8.ValidString(data) {
		return config.Event{}, false
	}
	e = config.Event{Type: config.ValueSet, Name: name("a"), Version: 2, At: noon}
	var err error
	e.Value, err = config.ParseValue(*members.Value, len(data))
	return e, err == nil
}

// benchmarkValues are the values of the events that the benchmarks encode and decode: 64 bytes of
// plain text, and a JSON document of the same length with many quotes.
var benchmarkValues = []struct{ name, text string }{
	{"plain", strings.Repeat("abcdefgh", 8)},
	{"json", strings.Repeat(`{"abcd":"fgh"},`, 4) + "1234"},
}

func BenchmarkEncode(b *testing.B) {
	for _, bench := range benchmarkValues {
		v := value(bench.text)
		event := config.Event{Type: config.ValueSet, Name: name("payments/timeout"), Version: 2, Value: v, At: noon}
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				config.Encode(event)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, bench := range benchmarkValues {
		v := value(bench.text)
		event := config.Event{Type: config.ValueSet, Name: name("payments/timeout"), Version: 2, Value: v, At: noon}
		stored := config.Encode(event)
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := config.Decode(stored, event.Name, event.Version, noon); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestOwnValueSharesNoMemoryWithTheValue: what comes back is in the stored data, or a copy where
// the data has escapes.
func TestOwnValueSharesNoMemoryWithTheValue(t *testing.T) {
	for _, text := range []string{"", "30s", `say "x"`, "line\nline", "ü"} {
		v := value(text)
		stored := config.Encode(config.Event{Type: config.ValueSet, Value: v})
		own := stored.OwnValue(v)
		if own.String() != text {
			t.Errorf("%q: got %q", text, own.String())
		}
		if text != "" && unsafe.StringData(own.String()) == unsafe.StringData(v.String()) {
			t.Errorf("%q: the value shares its memory", text)
		}
	}
	stored := config.Encode(config.Event{Type: config.ValueDeleted})
	if own := stored.OwnValue(config.Value{}); own != (config.Value{}) {
		t.Errorf("a deletion: got %q", own.String())
	}
}
