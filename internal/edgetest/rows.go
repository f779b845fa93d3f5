package edgetest

import (
	"strconv"
	"strings"
	"testing"

	"configapi/internal/configstore/configstoretest"
)

// badNames are names that break a rule.
var badNames = []row{
	{"empty", "", invalid, "name is empty"},
	{"dots", "..", invalid, "segment that is . or .."},
	{"one dot", "a/./b", invalid, "segment that is . or .."},
	{"way up", "a/../b", invalid, "segment that is . or .."},
	{"double slash", "a//b", invalid, "empty segment"},
	{"leading slash", "/a", invalid, "empty segment"},
	{"trailing slash", "a/", invalid, "empty segment"},
	{"line feed", "a\nb", invalid, "letters, digits"},
	{"NUL", "a\x00", invalid, "letters, digits"},
	{"space", "a b", invalid, "letters, digits"},
	{"percent", "a%2Fb", invalid, "letters, digits"},
	{"question mark", "a?b", invalid, "letters, digits"},
	{"other letters", "é", invalid, "letters, digits"},
	{"256 bytes", strings.Repeat("n", 256), invalid, "has 256 bytes; at most 255 are allowed"},
}

func (x table) runNames(t *testing.T, edge Reader) {
	for _, row := range badNames {
		for op, try := range map[string]func(testing.TB) Answer{
			"read":    func(t testing.TB) Answer { return edge.Read(t, row.input) },
			"history": func(t testing.TB) Answer { return edge.History(t, row.input) },
			"at":      func(t testing.TB) Answer { return edge.ReadAt(t, row.input, "2024-01-15T10:30:00Z") },
		} {
			row := row
			row.name += ", " + op
			x.read(t, row, try)
		}
	}
}

func (x table) runWrittenNames(t *testing.T, edge Writer) {
	for _, row := range badNames {
		for op, try := range map[string]func(testing.TB) Answer{
			"set":     func(t testing.TB) Answer { return edge.Set(t, row.input, `"x"`) },
			"delete":  func(t testing.TB) Answer { return edge.Delete(t, row.input) },
			"restore": func(t testing.TB) Answer { return edge.Restore(t, row.input) },
		} {
			row := row
			row.name += ", " + op
			x.write(t, row, try)
		}
	}
	for _, name := range []string{"a", "a/b", "history", "a/history", "at", "restore", "config", "v1", ".hidden", "A:1_b-c.d", strings.Repeat("n", 255)} {
		row := row{name: "fine: " + name[:min(len(name), 12)], want: done}
		x.write(t, row, func(t testing.TB) Answer { return edge.Set(t, name, `"x"`) })
		if edge, reads := edge.(Reader); reads {
			row.name += ", read"
			x.read(t, row, func(t testing.TB) Answer { return edge.Read(t, name) })
		}
	}
}

func (x table) runValues(t *testing.T, edge Writer) {
	longest := x.store.MaxValueBytes()
	for _, row := range []row{
		{"empty", `""`, done, ""},
		{"escapes", `"\"\\\/\b\f\n\r\t\u001f\u00e9\ud83c\udfc3"`, done, ""},
		{"looks like JSON", `"{\"a\":\"\\u0000\"}"`, done, ""},
		{"the longest", `"` + strings.Repeat("v", longest) + `"`, done, ""},
		{"the longest, all of it escaped", `"` + strings.Repeat(`\u0001`, longest) + `"`, done, ""},

		{"one byte too long", `"` + strings.Repeat("v", longest+1) + `"`, tooLarge, "at most " + strconv.Itoa(longest)},
		{"a body too long", `"` + strings.Repeat("v", 100*longest) + `"`, tooLarge, ""},
		{"NUL", `"a\u0000"`, invalid, "NUL"},
		{"null", `null`, refused, "value"},
		{"number", `30`, refused, "value"},
		{"true", `true`, refused, "value"},
		{"array", `["x"]`, refused, "value"},
		{"object", `{"x":"y"}`, refused, "value"},
		{"nothing", ``, refused, ""},
		{"half a surrogate pair", `"\ud800"`, refused, ""},
		{"the other half", `"\udc00"`, refused, ""},
		{"invalid UTF-8", "\"\xff\"", refused, ""},
		{"overlong UTF-8", "\"\xc0\xaf\"", refused, ""},
		{"bare line feed", "\"a\nb\"", refused, ""},
		{"bad escape", `"\x"`, refused, ""},
		{"no end", `"a`, refused, ""},
	} {
		x.write(t, row, func(t testing.TB) Answer { return edge.Set(t, Good, row.input) })
	}
}

// runTypes sends valid input with other content types.
func (x table) runTypes(t *testing.T, edge Types) {
	for _, row := range []row{
		{"JSON", "application/json", done, ""},
		{"capital letters", "Application/JSON", done, ""},
		{"JSON in UTF-8", "application/json; charset=utf-8", done, ""},

		{"text", "text/plain", wrongType, "application/json"},
		{"form", "application/x-www-form-urlencoded", wrongType, "application/json"},
		{"parts", "multipart/form-data; boundary=x", wrongType, "application/json"},
		{"GraphQL", "application/graphql", wrongType, "application/json"},
		{"like JSON", "application/problem+json", wrongType, "application/json"},
		{"another encoding", "application/json; charset=utf-16", wrongType, "UTF-8"},
		{"no type", "json", wrongType, "application/json"},
	} {
		x.write(t, row, func(t testing.TB) Answer { return edge.Typed(t, row.input) })
	}
}

// runDocuments changes the body of a valid request.
func (x table) runDocuments(t *testing.T, edge Writer) {
	x.mustDo(t, configstoretest.Set(t, Good, GoodValue))
	for name, tamper := range map[string]func(body string) string{
		"unchanged":          func(body string) string { return body },
		"white space around": func(body string) string { return " \r\n\t" + body + "\n" },
	} {
		x.write(t, row{name: name, want: done}, func(t testing.TB) Answer { return edge.Tampered(t, tamper) })
	}
	for name, tamper := range map[string]func(body string) string{
		"nothing":               func(string) string { return "" },
		"white space":           func(string) string { return " \n" },
		"null":                  func(string) string { return "null" },
		"array":                 func(string) string { return "[]" },
		"array around":          func(body string) string { return "[" + body + "]" },
		"string":                func(string) string { return `"x"` },
		"empty object":          func(string) string { return "{}" },
		"not JSON":              func(string) string { return "value=x" },
		"byte order mark":       func(body string) string { return "\ufeff" + body },
		"two documents":         func(body string) string { return body + body },
		"bytes behind":          func(body string) string { return body + "x" },
		"NUL behind":            func(body string) string { return body + "\x00" },
		"comma at the end":      func(body string) string { return body[:len(body)-1] + ",}" },
		"cut off":               func(body string) string { return body[:len(body)-1] },
		"members twice":         func(body string) string { return body[:len(body)-1] + "," + body[1:] },
		"comment":               func(body string) string { return body + "// fine" },
		"single quotes":         func(body string) string { return strings.ReplaceAll(body, `"`, `'`) },
		"another letter case":   strings.ToUpper,
		"names without quotes":  func(body string) string { return strings.Replace(body, `"`, ``, 2) },
		"invalid UTF-8 in name": func(body string) string { return "{\"\xff\":1," + body[1:] },
		"UTF-16":                func(body string) string { return "\xff\xfe" + strings.Join(strings.Split(body, ""), "\x00") + "\x00" },
	} {
		x.write(t, row{name: name, want: refused}, func(t testing.TB) Answer { return edge.Tampered(t, tamper) })
	}
}

func (x table) runInstants(t *testing.T, edge Reader) {
	for _, row := range []row{
		{"in the future", "2999-01-01T00:00:00Z", done, ""},
		{"offset", "2999-01-01T00:00:00+02:00", done, ""},
		{"nine digits", "2999-01-01T00:00:00.123456789Z", done, ""},
		{"leap day", "2996-02-29T00:00:00Z", done, ""},
		{"small letters", "2999-01-01t00:00:00z", done, ""},
		{"leap second", "2998-12-31T23:59:60Z", done, ""},
		{"leap second elsewhere", "2998-12-31T15:59:60.5-08:00", done, ""},

		{"empty", "", invalid, "2024-01-15T10:30:00Z"},
		{"no offset", "2024-01-15T10:30:00", invalid, "2024-01-15T10:30:00Z"},
		{"day that is not there", "2026-02-30T00:00:00Z", invalid, "2024-01-15T10:30:00Z"},
		{"leap day that is not there", "2026-02-29T00:00:00Z", invalid, "2024-01-15T10:30:00Z"},
		{"second 60 in the middle of a day", "2026-01-01T12:00:60Z", invalid, "2024-01-15T10:30:00Z"},
		{"second 61", "2026-01-01T23:59:61Z", invalid, "2024-01-15T10:30:00Z"},
		{"hour 24", "2026-01-01T24:00:00Z", invalid, "2024-01-15T10:30:00Z"},
		{"date alone", "2026-01-01", invalid, "2024-01-15T10:30:00Z"},
		{"ten digits", "2026-01-01T00:00:00.1234567890Z", invalid, "2024-01-15T10:30:00Z"},
		{"space", "2026-01-01 00:00:00Z", invalid, "2024-01-15T10:30:00Z"},
		{"comma", "2026-01-01T00:00:00,5Z", invalid, "2024-01-15T10:30:00Z"},
		{"number", "1736937000", invalid, "2024-01-15T10:30:00Z"},
		{"line feed", "2026-01-01T00:00:00Z\n", invalid, "2024-01-15T10:30:00Z"},
		{"offset of a day", "2026-01-01T00:00:00+24:00", invalid, "2024-01-15T10:30:00Z"},
	} {
		x.read(t, row, func(t testing.TB) Answer { return edge.ReadAt(t, Good, row.input) })
	}
}

func (x table) runPositions(t *testing.T, edge Positions) {
	head := x.head()
	other := head
	other.Prefix[0]++
	beyond := head
	beyond.Seq += 1000
	for _, row := range []row{
		{"the head", head.String(), done, ""},
		{"the beginning", "0-00000000", done, ""},

		{"empty", "", unknown, ""},
		{"number alone", "1", unknown, ""},
		{"no number", "-00000000", unknown, ""},
		{"negative", "-1-00000000", unknown, ""},
		{"leading zero", "0" + head.String(), unknown, ""},
		{"capital letters", "1-ABCDEF01", unknown, ""},
		{"too many digits", head.String() + "0", unknown, ""},
		{"overflow", "9223372036854775808-00000000", unknown, ""},
		{"another hash", other.String(), unknown, ""},
		{"another hash at the beginning", "0-00000001", unknown, ""},
		{"beyond the head", beyond.String(), unknown, ""},
	} {
		x.position(t, row, func(t testing.TB) Answer { return edge.After(t, row.input) })
	}
}

// runKeys sends idempotency keys that fit into a header.
func (x table) runKeys(t *testing.T, edge Writer) {
	longest := strings.Repeat("k", 64)
	for _, row := range []row{
		{"one character", "k", done, ""},
		{"the longest", longest, done, ""},
		{"punctuation", `"8e03978e-40d5-43dd {};,` + "'`~", done, ""},

		{"empty", "", invalid, "is empty"},
		{"65 bytes", longest + "k", invalid, "has 65 bytes; at most 64 are allowed"},
		{"tab", "a\tb", invalid, "printable ASCII"},
		{"other letters", "é", invalid, "printable ASCII"},
	} {
		x.write(t, row, func(t testing.TB) Answer { return edge.SetWithKey(t, Good, `"x"`, row.input) })
	}
	for _, row := range []row{
		{"the same again", `"x"`, done, ""},
		{"another value", `"y"`, otherKey, "used for another request"},
		{"another value that is bad", `"a\u0000"`, invalid, "NUL"},
	} {
		row = row.of(x.caller, false)
		t.Run(row.name, func(t *testing.T) {
			x.unchanged(t, func() { row.check(t, edge.SetWithKey(t, Good, row.input, longest)) })
		})
	}
}
