package strictjson_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/strictjson"
)

type body struct {
	Value  *string           `json:"value"`
	Count  int32             `json:"count"`
	Ratio  float64           `json:"ratio"`
	Flag   bool              `json:"flag"`
	Names  []string          `json:"names"`
	Nested struct{ A int }   `json:"nested"`
	Free   strictjson.Object `json:"free"`
}

var (
	strict  = strictjson.Options{}
	lenient = strictjson.Options{AllowUnknown: true}
)

const secret = "s3cret"

// refused is the table of bad input. Each text is an error that a client may see.
var refused = []struct {
	name, input, want string
	options           strictjson.Options
}{
	{name: "nothing", input: "", want: "empty"},
	{name: "white space alone", input: " \r\n\t", want: "empty"},
	{name: "byte order mark", input: "\ufeff{}", want: "starts with a byte order mark"},
	{name: "byte order mark alone", input: "\ufeff", want: "starts with a byte order mark"},
	{name: "UTF-16", input: "\xff\xfe{\x00}\x00", want: "not valid UTF-8 (byte 0)"},
	{name: "invalid UTF-8 in a value", input: "{\"value\":\"s3cret\xff\"}", want: "not valid UTF-8 (byte 16)"},
	{name: "invalid UTF-8 in a name", input: "{\"\xc3(\":1}", want: "not valid UTF-8 (byte 2)"},
	{name: "overlong UTF-8", input: "{\"value\":\"\xc0\xaf\"}", want: "not valid UTF-8 (byte 10)"},
	{name: "surrogate in UTF-8", input: "{\"value\":\"\xed\xa0\x80\"}", want: "not valid UTF-8 (byte 10)"},
	{name: "high surrogate alone", input: `{"value":"\ud800"}`, want: `half a surrogate pair in a \u escape (byte 10)`},
	{name: "low surrogate alone", input: `{"value":"\udc00"}`, want: `half a surrogate pair in a \u escape (byte 10)`},
	{name: "surrogates the wrong way round", input: `{"value":"\udc00\ud800"}`, want: `half a surrogate pair in a \u escape (byte 10)`},
	{name: "surrogate in a free value", input: `{"free":{"a":"\ud800"}}`, want: `half a surrogate pair in a \u escape (byte 14)`},
	{name: "surrogate in a skipped member", input: `{"x":"\ud800"}`, want: `half a surrogate pair in a \u escape (byte 6)`, options: lenient},
	{name: "cut off in a string", input: `{"value":"s3cret`, want: "unexpected end (byte 16)"},
	{name: "cut off after a name", input: `{"value"`, want: "unexpected end (byte 8)"},
	{name: "cut off in an object", input: `{"value":"s3cret",`, want: "unexpected end (byte 18)"},
	{name: "cut off in a free value", input: `{"free":{"a":[1,`, want: "unexpected end (byte 16)"},
	{name: "bytes after the value", input: `{"value":"s3cret"} s3cret`, want: "bytes after the JSON value (byte 19)"},
	{name: "two documents", input: `{"value":"a"}{"value":"b"}`, want: "bytes after the JSON value (byte 13)"},
	{name: "two documents on two lines", input: "{}\n{}\n", want: "bytes after the JSON value (byte 3)"},
	{name: "NUL after the value", input: "{}\x00", want: "bytes after the JSON value (byte 2)"},
	{name: "duplicate member", input: `{"value":"s3cret","value":"b"}`, want: `duplicate member "value"`},
	{name: "duplicate by escape", input: `{"value":"s3cret","v\u0061lue":"b"}`, want: `duplicate member "value"`},
	{name: "duplicate in an object", input: `{"nested":{"A":1,"A":2}}`, want: `duplicate member "A" in "nested"`},
	{name: "duplicate in a free value", input: `{"free":{"a":{"b":1,"b":2}}}`, want: `duplicate member "b" in "a"`},
	{name: "duplicate unknown member", input: `{"x":1,"x":2}`, want: `duplicate member "x"`, options: lenient},
	{name: "duplicate in a skipped member", input: `{"x":{"y":1,"y":2}}`, want: `duplicate member "y" in "x"`, options: lenient},
	{name: "unknown member", input: `{"valeu":"s3cret"}`, want: `unknown member "valeu"`},
	{name: "another letter case", input: `{"Value":"s3cret"}`, want: `unknown member "Value"`},
	{name: "unknown in an object", input: `{"nested":{"B":"s3cret"}}`, want: `unknown member "B" in "nested"`},
	{name: "string instead of object", input: `"s3cret"`, want: "must be an object"},
	{name: "array", input: `["s3cret"]`, want: "must be an object"},
	{name: "number", input: `17`, want: "must be an object"},
	{name: "number for a string", input: `{"value":17}`, want: `member "value" must be a string`},
	{name: "object for a string", input: `{"value":{"a":"s3cret"}}`, want: `member "value" must be a string`},
	{name: "string for a whole number", input: `{"count":"17"}`, want: `member "count" must be a whole number`},
	{name: "fraction for a whole number", input: `{"count":1.5}`, want: `member "count" must be a whole number`},
	{name: "whole number too large", input: `{"count":4294967296}`, want: `member "count" holds a number out of range`},
	{name: "float too large", input: `{"ratio":1e999}`, want: `member "ratio" holds a number out of range`},
	{name: "string for a number", input: `{"ratio":"1"}`, want: `member "ratio" must be a number`},
	{name: "string for a boolean", input: `{"flag":"true"}`, want: `member "flag" must be true or false`},
	{name: "string for an array", input: `{"names":"s3cret"}`, want: `member "names" must be an array`},
	{name: "number in an array of strings", input: `{"names":["a",2]}`, want: `member "1" in "names" must be a string`},
	{name: "string for an object", input: `{"nested":"s3cret"}`, want: `member "nested" must be an object`},
	{name: "string for a free object", input: `{"free":"s3cret"}`, want: `member "free" must be an object`},
	{name: "array for a free object", input: `{"free":["s3cret"]}`, want: `member "free" must be an object`},
	{name: "free number too large", input: `{"free":{"a":-1e999}}`, want: `member "a" in "free" holds a number out of range`},
	{name: "deep free object", input: `{"free":` + strings.Repeat(`{"a":`, 64) + "1" + strings.Repeat("}", 64) + "}", want: "nested more than 64 levels deep"},
	{name: "deep free array", input: `{"free":{"a":` + strings.Repeat("[", 50_000), want: "nested more than 64 levels deep"},
	{name: "deep skipped array", input: `{"x":` + strings.Repeat("[", 50_000), want: "nested more than 64 levels deep", options: lenient},
	{name: "deep array alone", input: strings.Repeat("[", 50_000), want: "must be an object"},
	{name: "many values", input: `{"free":{"a":[` + strings.Repeat("{},", 60_000), want: "more than 100000 values"},
	{name: "many values in one another", input: strings.Repeat("[", 100_001), want: "more than 100000 values"},
	{name: "many skipped values", input: `{"x":[` + strings.Repeat(`"\\\"",`, 100_000) + `1]}`, want: "more than 100000 values", options: lenient},
	{name: "not JSON", input: "value=s3cret", want: "not valid JSON (byte 0)"},
	{name: "single quotes", input: "{'value':'s3cret'}", want: "not valid JSON (byte 1)"},
	{name: "comment", input: `{/*s3cret*/}`, want: "not valid JSON (byte 1)"},
	{name: "comma at the end", input: `{"value":"s3cret",}`, want: "not valid JSON (byte 17)"},
	{name: "NaN", input: `{"ratio":NaN}`, want: "not valid JSON (byte 9)"},
	{name: "leading zero", input: `{"count":01}`, want: "not valid JSON (byte 10)"},
	{name: "raw control character in a string", input: "{\"value\":\"a\nb\"}", want: "not valid JSON (byte 11)"},
	{name: "broken free member", input: `{"free":{"a":s3cret}}`, want: "not valid JSON (byte 13)"},
	{name: "broken free array", input: `{"free":{"a":[1 2]}}`, want: "not valid JSON (byte 16)"},
	{name: "broken where an object belongs", input: `{"free":s3cret}`, want: "not valid JSON (byte 8)"},
	{name: "name instead of member", input: `{"free":{a}}`, want: "not valid JSON (byte 9)"},
	{name: "hostile name", input: `{"a\nb\u001b[31m\u2028":1}`, want: `unknown member "a\nb\x1b[31m\u2028"`},
	{name: "long name", input: `{"` + strings.Repeat("é", 100) + `":1}`, want: `unknown member "` + strings.Repeat("é", 24) + `…"`},
	{name: "long name, cut inside a letter", input: `{"a` + strings.Repeat("é", 100) + `":1}`, want: `unknown member "a` + strings.Repeat("é", 23) + `…"`},
}

func TestDecodeRefuses(t *testing.T) {
	for _, row := range refused {
		t.Run(row.name, func(t *testing.T) {
			var into body
			err := strictjson.Decode([]byte(row.input), &into, row.options)
			if err == nil {
				t.Fatalf("got no error, want %q", row.want)
			}
			if _, ok := errors.AsType[*strictjson.Error](err); !ok {
				t.Errorf("got a %T, want a *strictjson.Error", err)
			}
			if err.Error() != row.want {
				t.Errorf("got %q, want %q", err, row.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q repeats a value", err)
			}
		})
	}
}

func TestDecodeAccepts(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, row := range []struct {
		name, input string
		want        body
		options     strictjson.Options
	}{
		{name: "empty object", input: `{}`},
		{name: "white space around", input: "\r\n\t {} \n", want: body{}},
		{name: "empty value", input: `{"value":""}`, want: body{Value: text("")}},
		{name: "null is no value", input: `{"value":null,"free":null}`, want: body{}},
		{name: "NUL is left to the domain", input: `{"value":"\u0000"}`, want: body{Value: text("\x00")}},
		{name: "all of Unicode", input: `{"value":"é\ud83c\udfc3🏊"}`, want: body{Value: text("é🏃🏊")}},
		{name: "every kind", input: `{"count":-3,"ratio":0.5,"flag":true,"names":["a"],"nested":{"A":7}}`,
			want: body{Count: -3, Ratio: 0.5, Flag: true, Names: []string{"a"}, Nested: struct{ A int }{7}}},
		{name: "unknown members when allowed", input: `{"x":{"y":[1,{"z":null}]},"VALUE":1,"value":"v"}`,
			want: body{Value: text("v")}, options: lenient},
		{name: "free object", input: `{"free":{"a":[],"b":{},"c":[true,false,null,"s"]}}`,
			want: body{Free: strictjson.Object{"a": []any{}, "b": map[string]any{}, "c": []any{true, false, nil, "s"}}}},
		{name: "free object at the depth limit", input: `{"free":` + strings.Repeat(`{"a":`, 62) + "1" + strings.Repeat("}", 62) + "}",
			want: body{Free: nest(62)}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got body
			if err := strictjson.Decode([]byte(row.input), &got, row.options); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func nest(levels int) strictjson.Object {
	var inner any = int64(1)
	for range levels - 1 {
		inner = map[string]any{"a": inner}
	}
	return strictjson.Object{"a": inner}
}

// TestDecodeAcceptsLongTexts has what counts for nothing within strings.
func TestDecodeAcceptsLongTexts(t *testing.T) {
	text := strings.Repeat(`,[{\"\\`, 100_000)
	var object strictjson.Object
	if err := strictjson.Decode([]byte(`{"a":"`+text+`","b":[1]}`), &object, strict); err != nil || len(object) != 2 {
		t.Errorf("got %d members, %v", len(object), err)
	}
}

func TestObjectKeepsNumbersExact(t *testing.T) {
	for _, row := range []struct {
		input string
		want  any
	}{
		{"0", int64(0)},
		{"-0", int64(0)},
		{"9223372036854775807", int64(9223372036854775807)},
		{"-9223372036854775808", int64(-9223372036854775808)},
		{"9007199254740993", int64(9007199254740993)},
		{"1.0", int64(1)},
		{"1e3", int64(1000)},
		{"9007199254740991.0", int64(9007199254740991)},
		{"9007199254740992.0", float64(9007199254740992)},
		{"9223372036854775808", float64(9223372036854775808)},
		{"1.5", 1.5},
		{"1e300", 1e300},
		{"5e-324", 5e-324},
		{"1e-999", int64(0)},
	} {
		var got strictjson.Object
		if err := strictjson.Decode([]byte(`{"n":`+row.input+`}`), &got, strict); err != nil {
			t.Errorf("%s: %v", row.input, err)
			continue
		}
		if diff := cmp.Diff(row.want, got["n"]); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", row.input, diff)
		}
	}
}

func TestDecodeSharesNoMemoryWithItsInput(t *testing.T) {
	input := []byte(`{"value":"plain","names":["one"],"free":{"key":"text"}}`)
	var got body
	if err := strictjson.Decode(input, &got, strict); err != nil {
		t.Fatal(err)
	}
	for i := range input {
		input[i] = '#'
	}
	want := strictjson.Object{"key": "text"}
	if *got.Value != "plain" || got.Names[0] != "one" || !cmp.Equal(got.Free, want) {
		t.Errorf("got %q, %q, %v after the input was overwritten", *got.Value, got.Names, got.Free)
	}
}

// FuzzDecode shows that encoding/json takes whatever Decode takes, with the same result.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"value":"a"}`, `{"free":{"a":[1,2.5,"x",null,true]}}`, `{"value":"\ud83c\udfc3"}`, `{"value":"\ud800"}`, `{"a":1,"a":2}`,
		"\ufeff{}", `{}{}`, `{"free":[[[[`, `{"free":{"n":1e999}}`, `[1,2,3]`, `{"x":01}`, "", "{\"\xff\":1}", `{"free":{"n":-0.0}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got strictjson.Object
		err := strictjson.Decode(data, &got, strict)
		if err != nil {
			checkErrorText(t, err)
			return
		}
		if !utf8.Valid(data) {
			t.Fatalf("took invalid UTF-8: %q", data)
		}
		var want map[string]any
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("took %q, which encoding/json refuses: %v", data, err)
		}
		if !sameValue(map[string]any(got), want) {
			t.Fatalf("%q: got %#v, encoding/json says %#v", data, got, want)
		}
	})
}

func checkErrorText(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*strictjson.Error](err); !ok {
		t.Fatalf("got a %T", err)
	}
	text := err.Error()
	if text == "" || len(text) >= 500 || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		t.Fatalf("not fit for clients: %q", text)
	}
}

func sameValue(got, want any) bool {
	switch got := got.(type) {
	case map[string]any:
		want, ok := want.(map[string]any)
		if !ok || len(got) != len(want) || (got == nil) != (want == nil) {
			return false
		}
		for name := range got {
			if !sameValue(got[name], want[name]) {
				return false
			}
		}
		return true
	case []any:
		want, ok := want.([]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for i := range got {
			if !sameValue(got[i], want[i]) {
				return false
			}
		}
		return true
	case int64:
		want, ok := want.(float64)
		return ok && float64(got) == want
	default:
		return reflect.DeepEqual(got, want)
	}
}

func BenchmarkDecodeEnvelope(b *testing.B) {
	data := []byte(`{"query":"query Config($name: ConfigName!) { config(name: $name) { name value version } }","operationName":"Config","variables":{"name":"payments/timeout"}}`)
	b.ReportAllocs()
	for b.Loop() {
		var envelope struct {
			Query         *string           `json:"query"`
			OperationName *string           `json:"operationName"`
			Variables     strictjson.Object `json:"variables"`
			Extensions    strictjson.Object `json:"extensions"`
		}
		if err := strictjson.Decode(data, &envelope, lenient); err != nil {
			b.Fatal(err)
		}
	}
}
