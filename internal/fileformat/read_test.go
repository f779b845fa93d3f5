package fileformat_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"configapi/internal/fileformat"
)

// reads is a file with what it holds: keys and values in Go's quotes, one a line, or the beginning
// of the error.
type reads struct{ text, want string }

func mustRead(t *testing.T, format fileformat.Format, options fileformat.Options, rows []reads) {
	t.Helper()
	for _, row := range rows {
		file, err := fileformat.Read(format, []byte(row.text), options)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			for _, e := range file.Entries {
				got += fmt.Sprintf("%s=%q\n", e.Key, e.Value)
			}
			for _, note := range file.Notes {
				got += "note: " + note + "\n"
			}
			if file.Declares {
				got += "below " + file.Prefix + "\n"
			}
		}
		if err == nil && got != row.want || err != nil && (row.want == "" || !strings.HasPrefix(got, row.want)) {
			t.Errorf("%s %q: got\n%s\nwant\n%s", format, row.text, got, row.want)
		}
	}
}

func TestJSON(t *testing.T) {
	mustRead(t, fileformat.JSON, fileformat.Options{}, []reads{
		{`{}`, ""},
		{`{"a/b": "x", "c": ""}`, "a/b=\"x\"\nc=\"\"\n"},
		{`{"a": 8080, "b": 1e3, "c": 1.50, "d": -0, "e": 123456789012345678901234567890, "f": true}`,
			"a=\"8080\"\nb=\"1e3\"\nc=\"1.50\"\nd=\"-0\"\ne=\"123456789012345678901234567890\"\nf=\"true\"\n"},
		{`{"a": "\u00e9\ud83d\ude00\n"}`, "a=\"é😀\\n\"\n"},
		{"\ufeff{\"a\": \"x\"}", "a=\"x\"\n"},
		{`{"a": "` + "\xff" + `"}`, "line 1: the line is not in UTF-8"},
		{"\xff\xfe{\x00", "the file is in UTF-16"},
		{`{"a": "\ud83d"}`, "line 1: the JSON is not valid: "},
		{"{\n\"a\": \"x\",\n\"b\": null,\n\"c\": [1],\n\"d\": {},\n\"e\": \"\\u0000\"\n}", `line 3: "b" has no value; write "" for the empty text, or leave it out
line 4: "c" is a list, which no config can hold; write it as a text in quotes
line 5: "d" is an object; --nested joins the keys with /, and in quotes it is a text
line 6: "e" has a value with a NUL character`},
		{"{\"a\": \"x\",\n\"a\": \"x\"}", `line 2: "a" is in line 1 already; leave one of them out`},
		{"[]", "line 1: the file must be an object of names with their values"},
		{"{} {}", "line 1: the JSON is not valid: there is more than one value"},
		{"{\n\"a\": x}", "line 2: the JSON is not valid: "},
		{"", "line 1: the JSON is not valid: "},
		{`{"": "x"}`, `line 1: "\"\"" is no key`},
		{`{"prefix": "a", "values": {"b": "x"}}`, "b=\"x\"\nbelow a\n"},
		{`{"prefix": "a", "values": "x"}`, "prefix=\"a\"\nvalues=\"x\"\n"},
		{`{"values": {"b": "x"}}`, `line 1: "values" is an object`},
		{`{"prefix": "a", "values": {}, "c": "x"}`, `line 1: "c" is not known beside prefix and values`},
		{`{"prefix": "/", "values": {}}`, `line 1: "prefix" is empty`},
		{`{"prefix": [], "values": {}}`, `line 1: "prefix" must be a text`},
		{`{"prefix": "a", "values": {}, "values": {}}`, `line 1: prefix or values is in the file twice`},
	})
	mustRead(t, fileformat.JSON, fileformat.Options{Nested: true}, []reads{
		{`{"a": {"b": {"c": "x"}, "d": 1}, "e": {}}`, "a/b/c=\"x\"\na/d=\"1\"\n"},
		{`{"a": {"b": "x"}, "a/b": "y"}`, `line 1: "a/b" is in line 1 already`},
		{strings.Repeat(`{"a":`, fileformat.MaxDepth+1) + "1" + strings.Repeat("}", fileformat.MaxDepth+1), "line 1: the JSON is not valid: objects are inside of each other more than 32 times"},
	})
}

func TestYAML(t *testing.T) {
	mustRead(t, fileformat.YAML, fileformat.Options{}, []reads{
		{"", ""},
		{"# c\n", ""},
		{"---\na: x\n...\n", "a=\"x\"\n"},
		{"a: 8080\nb: yes\nc: 1e3\nd: 2024-01-01\ne: 0x1F\nf: 012\ng: 1_000\nh: True\ni: .inf\nj: 1.50\nk: +1\n",
			"a=\"8080\"\nb=\"yes\"\nc=\"1e3\"\nd=\"2024-01-01\"\ne=\"0x1F\"\nf=\"012\"\ng=\"1_000\"\nh=\"True\"\ni=\".inf\"\nj=\"1.50\"\nk=\"+1\"\n"},
		{"8080: a\nyes: b\n", "8080=\"a\"\nyes=\"b\"\n"},
		{"a: 'it''s' # c\nb: \"\\u00e9\\x41\\n\\\"\"\nc: x#y\nd: x # y\n", "a=\"it's\"\nb=\"éA\\n\\\"\"\nc=\"x#y\"\nd=\"x\"\n"},
		{"a: |\n  x\n   y\n\n  z\nb: |-\n  x\nc: |+\n  x\n\nd: >\n  x\n  y\n", "a=\"x\\n y\\n\\nz\\n\"\nb=\"x\"\nc=\"x\\n\\n\"\nd=\"x y\\n\"\n"},
		{"a: x\n  y\nb: \"x\n  y\"\n", "a=\"x y\"\nb=\"x y\"\n"},
		{"{a: x, 'b': \"y\"}", "a=\"x\"\nb=\"y\"\n"},
		{"a: x\r\nb: |\r\n  y\r\n", "a=\"x\"\nb=\"y\\n\"\n"},
		{"a: :\"x\ty\"\n", "a=\":\\\"x\\ty\\\"\"\n"},
		{"a:\nb: ~\nc: Null\nd: [x]\ne:\n- x\nf:\n  g: x\n", `line 1: "a" has no value; write "" for the empty text, or leave it out
line 2: "b" has no value; write "" for the empty text, or leave it out
line 3: "c" has no value; write "" for the empty text, or leave it out
line 4: "d" is a list, which no config can hold; write it as a text in quotes
line 5: "e" is a list, which no config can hold; write it as a text in quotes
line 7: "f" is an object; --nested joins the keys with /, and in quotes it is a text`},
		{"a: x\n\nb: y\na: z\n", `line 4: "a" is in line 1 already`},
		{"a: &b x\nc: *b\n", "line 1: anchors and aliases are not read"},
		{"a: x\n<<: {b: y}\n", "line 2: a key must be a plain text or one in quotes, and << is not read"},
		{"a: !!str 1\n", "line 1: tags such as !!str are not read"},
		{"a: !!binary aGk=\n", "line 1: tags such as !!binary are not read"},
		{"? [a]\n: b\n", "line 1: a key must be a plain text"},
		{"a: x\n---\nb: y\n", "line 2: the file must have one document"},
		{"a: x\n...\nb: y\n", "line 2: the YAML is not valid: "},
		{"a: \"\\0\"\n", `line 1: "a" has a value with a NUL character`},
		{"a: \"x\"y\"\n", "the YAML is not valid: "},
		{"a: x\u0085y\n", "line 1: the line has U+0085"},
		{"- a\n", "line 1: the file must be an object"},
		{"x\n", "line 1: the file must be an object"},
		{"\ta: x\n", "the YAML is not valid: "},
		{"prefix: a\nvalues:\n  b: x\n", "b=\"x\"\nbelow a\n"},
		{"prefix: a\nvalues:\n", `line 2: "values" has no value`},
	})
	mustRead(t, fileformat.YAML, fileformat.Options{Nested: true}, []reads{
		{"a:\n  b:\n    c: x\n  d: y\n", "a/b/c=\"x\"\na/d=\"y\"\n"},
		{"prefix: a\nvalues:\n  b:\n    c: x\n", "b/c=\"x\"\nbelow a\n"},
		{strings.Repeat("{a: ", fileformat.MaxDepth+1) + "x" + strings.Repeat("}", fileformat.MaxDepth+1), "line 1: objects are inside of each other more than 32 times"},
		{strings.Repeat("{a: ", 100000), "the YAML is not valid: exceeded max depth"},
	})
}

func TestDockerEnv(t *testing.T) {
	mustRead(t, fileformat.DockerEnv, fileformat.Options{}, []reads{
		{"# c\nA=1\n\n  B= x # y \r\nC==\nD=\n", "A=\"1\"\nB=\" x # y \"\nC=\"=\"\nD=\"\"\n"},
		{"A=\"x\"\nB='y'\n", "A=\"\\\"x\\\"\"\nB=\"'y'\"\nnote: 2 values keep the quotes around them, as docker run --env-file does; with --format dotenv they are not a part of the value\n"},
		{"A\n=x\nB C=x\nA=1\nA=2\n", `line 1: "A" has no value: docker takes it from its own environment; write A=value
line 2: the line must be KEY=value, with no space in the key
line 3: the line must be KEY=value, with no space in the key
line 5: "A" is in line 4 already`},
	})
}

func TestConsulAndEtcd(t *testing.T) {
	mustRead(t, fileformat.Consul, fileformat.Options{}, []reads{
		{`[{"key": "a/b", "flags": 0, "value": "eA=="}, {"key": "c", "flags": 42, "value": ""}, {"key": "d/", "flags": 0, "value": ""}, {"key": "e", "value": null}]`,
			"a/b=\"x\"\nc=\"\"\ne=\"\"\nnote: the flags of Consul are left out; keys that have some: 1\nnote: folders of Consul are left out, keys that end with / and have no value: 1\n"},
		{`[{"key": "a", "value": "!"}, {"key": "b", "value": "AA=="}, {"key": "c", "value": "/w=="}, {"value": "eA=="}]`, `"a" has a value that is not in base64
"b" has a value with a NUL character, which no config can hold; encode it, for example with base64
"c" has a value that is not in UTF-8, which no config can hold; encode it, for example with base64
"\"\"" is no key`},
		{`{}`, "the file must be an array as consul kv export writes it"},
	})
	mustRead(t, fileformat.Etcd, fileformat.Options{}, []reads{
		{`{"header":{"cluster_id":1,"revision":5},"kvs":[{"key":"L2EvYg==","create_revision":2,"mod_revision":2,"version":1,"value":"eA=="},{"key":"Yw==","lease":7}],"count":2}`,
			"/a/b=\"x\"\nc=\"\"\nnote: leases of etcd are left out, so nothing expires; keys that have one: 1\n"},
		{`{"header":{},"kvs":[],"more":true}`, "the file has only a part of the keys"},
		{`{"kvs":[{"key":"YQ=="},{"key":"Yg=="}],"count":2}`, "no key has a value: etcdctl was run with --keys-only"},
		{`{"kvs":[{"key":"!","value":""},{"key":"/w=="}]}`, "the key of element 0 of kvs is not in base64\n\"\\\"\\\\xff\\\"\" is a key that is not in UTF-8"},
		{`[]`, "the file must be an object as etcdctl"},
	})
}

// TestRealEtcd reads what etcdctl 3.7.3 has written of five keys, one of them with a lease.
func TestRealEtcd(t *testing.T) {
	text, err := os.ReadFile("testdata/etcd.json")
	if err != nil {
		t.Fatal(err)
	}
	if found, err := fileformat.Detect("etcd.json", text); err != nil || found != fileformat.Etcd {
		t.Errorf("got %s, %v", found, err)
	}
	mustRead(t, fileformat.Etcd, fileformat.Options{}, []reads{{string(text), `/app/leased="x"
/app/payments/empty=""
/app/payments/limits="{\"a\": 1}"
/app/payments/text="it's\ntwo"
/app/payments/timeout="30s"
note: leases of etcd are left out, so nothing expires; keys that have one: 1
`}})
}

func TestTooLargeAFileIsRefused(t *testing.T) {
	mustRead(t, fileformat.DockerEnv, fileformat.Options{}, []reads{{"A=" + strings.Repeat("x", fileformat.MaxFileBytes), "the file has 67108866 bytes; at most 67108864 are allowed"}})
}

func TestDetect(t *testing.T) {
	for _, row := range []struct{ name, data, want string }{
		{"a.json", `{"a": "x"}`, "json"}, {"a.json", `[{"key": "a"}]`, "consul"}, {"", "\n[]", "consul"},
		{"x", `{"header":{"revision":5},"kvs":[]}`, "etcd"}, {"x", `{"kvs":[]}`, "etcd"}, {"", `{"header": "x"}`, "json"}, {"", "{}", "json"},
		{"a.yaml", "", "yaml"}, {"A.YML", "", "yaml"}, {".env", "", "dotenv"}, {"dir/prod.env", "", "dotenv"}, {".env.local", "", "dotenv"},
		{"env.sh", "", "shell"}, {"a.properties", "", "properties"},
		{"", "A=1", ""}, {"a.txt", "{}", ""}, {"a", "a: b", ""}, {"", "{a: b}", ""},
	} {
		got, err := fileformat.Detect(row.name, []byte(row.data))
		if string(got) != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%q %q: got %q, %v, want %q", row.name, row.data, got, err, row.want)
		}
	}
}
