package fileformat_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"unicode/utf8"

	"configapi/internal/config"
	"configapi/internal/fileformat"
)

// fuzzRead holds the laws of a reader: it does not panic, what it refuses has a line of text, what
// it takes are values of configs with keys that differ, and a file that is written of them is read
// as the same.
func fuzzRead(f *testing.F, format fileformat.Format, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, nested bool) {
		file, err := fileformat.Read(format, data, fileformat.Options{Nested: nested})
		if err != nil {
			mustDescribe(t, err)
			return
		}
		keys := map[string]bool{}
		for _, e := range file.Entries {
			if _, err := config.ParseValue(e.Value, len(e.Value)); err != nil {
				t.Fatalf("%q: %v", e.Key, err)
			}
			if keys[e.Key] {
				t.Fatalf("%q is there twice", e.Key)
			}
			keys[e.Key] = true
			if lines := 1 + bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")); e.Line < 0 || e.Line > lines {
				t.Fatalf("%q is in line %d of %d", e.Key, e.Line, lines)
			}
		}
		mustReadBack(t, file.Entries)
	})
}

// mustReadBack checks that each format either refuses the entries or is read with the same ones.
func mustReadBack(t *testing.T, entries []fileformat.Entry) {
	t.Helper()
	for _, format := range fileformat.Writable() {
		written, err := fileformat.Write(format, entries)
		if err != nil {
			mustDescribe(t, err)
			continue
		}
		file, err := fileformat.Read(format, written, fileformat.Options{})
		if err != nil {
			t.Fatalf("%s refuses its own %q: %v", format, written, err)
		}
		if !slices.EqualFunc(file.Entries, entries, sameEntry) || file.Declares {
			t.Fatalf("%s: %q is read as %#v, want %#v", format, written, file.Entries, entries)
		}
	}
}

func sameEntry(a, b fileformat.Entry) bool { return a.Key == b.Key && a.Value == b.Value }

// mustDescribe checks an error: one valid line for each problem.
func mustDescribe(t *testing.T, err error) {
	t.Helper()
	refused, is := errors.AsType[*fileformat.Error](err)
	if !is || len(refused.Problems) == 0 || !utf8.ValidString(err.Error()) {
		t.Fatalf("got the error %#v: %v", err, err)
	}
	for _, p := range refused.Problems {
		if p.What == "" || p.Line < 0 {
			t.Fatalf("got the problem %#v", p)
		}
	}
}

func FuzzJSON(f *testing.F) {
	fuzzRead(f, fileformat.JSON, `{"a/b": "1", "c": 2e3, "d": true, "e": {"f": "g"}}`, `{"prefix": "a", "values": {"b": "c"}}`,
		`{"a": [1], "b": null, "a": "\u0000\ud83d\ude00"}`, "{\n\"a\": \"\"\n}\n{}")
}

func FuzzYAML(f *testing.F) {
	fuzzRead(f, fileformat.YAML, "a/b: \"1\"\nc: 2e3\nd: yes\ne:\n  f: |\n    g\n    h\n", "prefix: a\nvalues:\n  b: c\n",
		"a: &x 1\nb: *x\n<<: {c: d}\n", "{a: 'it''s', \"b\": >-\n}", "a: [1]\nb:\n- c\n? d\n: e\n--- \n...\n%Y 1", "a: \"\\u0041\\q\"\n\tb: !!str 1 # c\n",
		"a: >\n  x\n\n   y\n z: |2-\n", "a: x: y\nb : c\n\"d\": e")
}

func FuzzDotenv(f *testing.F) {
	fuzzRead(f, fileformat.Dotenv, dotenvSeeds...)
}

func FuzzDotenvNode(f *testing.F) {
	fuzzRead(f, fileformat.DotenvNode, dotenvSeeds...)
}

func FuzzDotenvCompose(f *testing.F) {
	fuzzRead(f, fileformat.DotenvCompose, dotenvSeeds...)
}

var dotenvSeeds = []string{"A=1\nexport B = 'it is' # c\nC=\"a\\nb\\\"\\\\\\$\"\n", "A='x\ny'\nB=a#b\nC=$D\nE=`f`\n", "A=\nB= # c\nC=\"\\0101\"\r\nD='\\''", "# c\n\nA\nB: c\n=d\nE='f' g\nH='"}

func FuzzShell(f *testing.F) {
	fuzzRead(f, fileformat.Shell, "export A='it'\\''s'\nB=\"a\\$\\`\\\"\\\\\"\ndeclare -x C=$'a\\nb'\n", "A=$B\nC=`d`\nD=a;b\nE=~\nF=a b\nG='\n'\n#c\nH=\\ \\\\\nI=a\\\nb")
}

func FuzzDockerEnv(f *testing.F) {
	fuzzRead(f, fileformat.DockerEnv, "A=1\n# c\nB=\"x\" \n C='\n", "A\n=b\nC D=e\r\nF==")
}

func FuzzProperties(f *testing.F) {
	fuzzRead(f, fileformat.Properties, "a.b=1\nc : 2\n d e\\\n  f\n! g\n# h\\\ni\\=j=\\u0041\\n\\t\\x\n", "a=\\ud83d\\ude00\nb=\\ud83d\nc=\\u12\n=d\n\\\n\ne\\", "a\fb\r\nc\rd")
}

func FuzzConsul(f *testing.F) {
	fuzzRead(f, fileformat.Consul, `[{"key": "a/b", "flags": 0, "value": "MQ=="}, {"key": "c/", "flags": 7, "value": ""}]`, `[{"key": "a", "value": "!"}, {"key": "b", "value": "/w=="}, {"value": null}]`, "[")
}

func FuzzEtcd(f *testing.F) {
	fuzzRead(f, fileformat.Etcd, `{"header": {"revision": 3}, "kvs": [{"key": "YQ==", "create_revision": 2, "version": 1, "value": "MQ=="}], "count": 1}`, `{"kvs": [{"key": "!", "lease": 1}, {"key": "/w==", "value": "/w=="}], "more": true}`)
}

// FuzzWrite writes any two values in all formats.
func FuzzWrite(f *testing.F) {
	for _, value := range []string{"", "a", "it's", `a"b`, `it's "b"`, "$HOME", "`id`", `c:\dir\`, "a\nb\n", " a\n", "a\r\nb", "a\x00b", "\xff", "a # b", "yes", "8080", "2024-01-01", "\u2028", "\ufeff", "\u0085", "- a", "a: b", "{", "\t", "|", "'\\''", `\n`, `\\`, "é😀", "\x1b[31m"} {
		f.Add("A", value, "x"+value)
		f.Add("yes", value, value+"\n")
	}
	f.Fuzz(func(t *testing.T, key, first, second string) {
		mustReadBack(t, []fileformat.Entry{{Key: key, Value: first}, {Key: key + "_2", Value: second}})
	})
}

// FuzzDetect holds that what Detect names can be read, or is refused with a reason.
func FuzzDetect(f *testing.F) {
	f.Add("a.json", []byte(`{"header": {}}`))
	f.Add(".env.local", []byte("A=1"))
	f.Add("", []byte(" [\n{"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		format, err := fileformat.Detect(name, data)
		if err != nil {
			return
		}
		if _, err := fileformat.Read(format, data, fileformat.Options{}); err != nil {
			mustDescribe(t, err)
		}
	})
}

// FuzzNaming holds that names are valid and differ, and that what a suggestion says is valid.
func FuzzNaming(f *testing.F) {
	f.Add("/app//a b", "DB__URL", "p/", "__", true)
	f.Add("a/../b", "a/./b", "", "", false)
	f.Fuzz(func(t *testing.T, first, second, prefix, separator string, lower bool) {
		if !utf8.ValidString(first) || !utf8.ValidString(second) {
			return
		}
		naming := fileformat.Naming{Prefix: prefix, Separator: separator, Lower: lower}
		settings, err := naming.Settings([]fileformat.Entry{{Key: first}, {Key: second}})
		if err != nil {
			mustDescribe(t, err)
			return
		}
		if settings[0].Name == settings[1].Name {
			t.Fatalf("%q and %q both make %s", first, second, settings[0].Name)
		}
		if entries, err := (fileformat.Variables{Prefix: prefix}).Entries(settings); err != nil {
			mustDescribe(t, err)
		} else if entries[0].Key == entries[1].Key {
			t.Fatalf("%q and %q both make %s", first, second, entries[0].Key)
		}
	})
}
