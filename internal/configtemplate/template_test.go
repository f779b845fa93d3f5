package configtemplate_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"go.yaml.in/yaml/v3"

	"configapi/internal/configtemplate"
)

// hostile is a value with all that formats quote.
const hostile = "a'b\"c\\d$e`f\n{{get \"x\"}} <&> #%\t\u2028\u0085\x7f\x1b[0m 𝄞 é: - {[*!|\r\n"

func newSet(values map[string]string) *configtemplate.Set {
	return configtemplate.NewSet("7-00c0ffee", maps.All(values))
}

var configs = newSet(map[string]string{
	"db/host": "localhost", "db/port": "5432", "db/replicas/a": "ra", "db/replicas/b": "rb", "db-old": "x",
	"empty": "", "hostile": hostile, "on": "false", "doc": `{"n": 12345678901234567890, "l": ["a", "b"]}`,
})

func execute(t *testing.T, text string, set *configtemplate.Set) (string, error) {
	t.Helper()
	parsed, err := configtemplate.Parse("app.tmpl", text)
	if err != nil {
		t.Fatal(err)
	}
	out, err := parsed.Execute(t.Context(), set)
	return string(out), err
}

func TestFunctions(t *testing.T) {
	used := ""
	for text, want := range map[string]string{
		`{{get "db/host"}}:{{get "db/port" | int}}`:                                                             "localhost:5432",
		`{{get "nothing" "else"}}{{get "empty" "else"}}`:                                                        "else",
		`{{if exists "db/host"}}yes{{end}}{{if exists "db"}}no{{end}}`:                                          "yes",
		`{{range list "db"}}{{.Key}}={{.Value}} {{end}}`:                                                        "host=localhost port=5432 replicas/a=ra replicas/b=rb ",
		`{{range list "db/replicas/"}}{{.Name}} {{end}}`:                                                        "db/replicas/a db/replicas/b ",
		`{{range list "none"}}x{{else}}none{{end}}`:                                                             "none",
		`{{children "db" | join ","}} {{len (children "")}}`:                                                    "host,port,replicas 6",
		`{{tree "db" | json}}`:                                                                                  `{"host":"localhost","port":"5432","replicas":{"a":"ra","b":"rb"}}`,
		`{{tree "db/replicas" | prettyJSON | indent 2}}`:                                                        "  {\n    \"a\": \"ra\",\n    \"b\": \"rb\"\n  }",
		`{{(tree "db").host}}`:                                                                                  "localhost",
		`{{position}}`:                                                                                          "7-00c0ffee",
		`{{"a<b" | json}}{{"a" | yaml}}{{"a" | quote}}{{"it's" | shell}}`:                                       `"a<b""a""a"'it'\''s'`,
		`{{"it's" | dotenv}} {{"x y" | dockerenv}}`:                                                             `"it's" x y`,
		`{{"a" | base64}}{{"YQ==" | fromBase64}}`:                                                               "YQ==a",
		`{{(fromJSON (get "doc")).n}} {{(fromJSON (get "doc")).l | join "+"}}`:                                  "12345678901234567890 a+b",
		`{{if bool (get "on")}}on{{else}}off{{end}}`:                                                            "off",
		`{{if gt (float "1.5") 1.0}}more{{end}}`:                                                                "more",
		`{{range split "," "a, b"}}[{{trim .}}]{{end}}`:                                                         "[a][b]",
		`{{replace "." "_" "a.b" | upper}}{{lower "É"}}`:                                                        "A_Bé",
		`{{trimPrefix "a" "ab"}}{{trimSuffix "b" "ab"}}`:                                                        "ba",
		`{{if and (hasPrefix "a" "ab") (hasSuffix "b" "ab") (contains "a" "b")}}{{else}}no{{end}}`:              "no",
		`{{printf "%q %5d|%s" "a" 7 "b"}} {{print 1 2}}{{println "a"}}{{html "<"}}{{js "'"}}{{urlquery "a b"}}`: "\"a\"     7|b 1 2a\n&lt;\\&#39;a+b",
		`{{$n := 0}}{{range $i := 3}}{{if eq $i 1}}{{continue}}{{end}}{{$n = $i}}{{end}}{{$n}}`:                 "2",
		`{{define "a"}}[{{.}}]{{end}}{{template "a" "x"}}{{template "a" "y"}}`:                                  "[x][y]",
		`{{if false}}{{fail "no"}}{{end}}`:                                                                      "",
	} {
		want = strings.ReplaceAll(want, `\&#39;`, `\'`)
		if got, err := execute(t, text, configs); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
		used += text
	}
	for _, name := range configtemplate.Functions() {
		if !strings.Contains(used, name) {
			t.Errorf("no row uses %s", name)
		}
	}
}

// TestMissingNames: all that are missing are named at once, whatever follows from them.
func TestMissingNames(t *testing.T) {
	for text, want := range map[string][]string{
		`{{get "x"}}{{get "a/b"}}{{get "x"}}{{get "db/host"}}`:         {"x", "a/b"},
		`{{int (get "x")}}{{get "y"}}`:                                 {"x"}, // what follows cannot be executed
		`{{get "x" | base64}}{{if get "y"}}{{else}}{{get "z"}}{{end}}`: {"x", "y", "z"},
	} {
		out, err := execute(t, text, configs)
		missing, is := errors.AsType[*configtemplate.MissingError](err)
		if !is || !slices.Equal(missing.Names, want) || out != "" {
			t.Errorf("%s: got %q, %v, want %q", text, out, err, want)
		}
	}
}

// TestValuesAreQuoted has the reader of each format read back a value with all kinds of characters.
func TestValuesAreQuoted(t *testing.T) {
	read := func(text string) string {
		t.Helper()
		out, err := execute(t, text, configs)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	var got string
	if err := json.Unmarshal([]byte(read(`{{get "hostile" | json}}`)), &got); err != nil || got != hostile {
		t.Errorf("JSON: got %q, %v", got, err)
	}
	var page struct{ A struct{ B string } }
	if err := yaml.Unmarshal([]byte(read("a:\n  b: {{get \"hostile\" | yaml}}\n")), &page); err != nil || page.A.B != hostile {
		t.Errorf("YAML: got %q, %v", page.A.B, err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(read(`{{tree "db" | yaml}}`)), &tree); err != nil ||
		!reflect.DeepEqual(tree["replicas"], map[string]any{"a": "ra", "b": "rb"}) {
		t.Errorf("YAML: got %v, %v", tree, err)
	}
	printed, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+read(`{{get "hostile" | shell}}`)).Output()
	if err != nil || string(printed) != hostile {
		t.Errorf("shell: got %q, %v", printed, err)
	}
	if got := read(`{{get "hostile"}}`); got != hostile {
		t.Errorf("a value was executed or changed: %q", got)
	}
}

// TestErrors: each says what is wrong, and none has a value.
func TestErrors(t *testing.T) {
	secret := newSet(map[string]string{"s": "s3cret 'x' \"$\" \\", "a": "1", "a/b": "2", "lines": "a\nb"})
	for text, want := range map[string]string{
		`{{get "a//b"}}`:                    "segment",
		`{{get "s" "d" "e"}}`:               "a default at most",
		`{{int (get "s")}}`:                 "not a whole number",
		`{{float (get "s")}}`:               "not a number",
		`{{bool (get "s")}}`:                "neither true nor false",
		`{{fromJSON (get "s")}}`:            "not JSON",
		`{{fromJSON "{} {}"}}`:              "after its JSON",
		`{{fromBase64 (get "s")}}`:          "not base64",
		`{{dotenv (get "s")}}`:              "do not read alike",
		`{{dockerenv (get "lines")}}`:       "several lines",
		`{{tree ""}}`:                       "a is a config, and others are below it",
		`{{list "a//"}}`:                    "the prefix",
		`{{join "," (get "s")}}`:            "a list of texts",
		`{{print (list "")}}`:               "use json, join or range",
		`{{(fromJSON "{}").s}}`:             `no entry for key "s"`,
		`{{indent 101 "a"}}`:                "0 to 100",
		`{{printf "%*d" 9 9}}`:              "no *",
		`{{fail "set it"}}`:                 "set it",
		`{{index (split "," (get "s")) 9}}`: "index",
	} {
		out, err := execute(t, text, secret)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "3cret") || out != "" {
			t.Errorf("%s: got %q, %v, want %q", text, out, err, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"{{":                                    "app.tmpl:1",
		`{{key "a"}}`:                           "write get",
		`{{get "a" | default "x"}}`:             `{{get "name" "default"}}`,
		`{{nothing}}`:                           "there are: base64, bool",
		`{{env "HOME"}}`:                        "configs alone",
		"\xff":                                  "not valid UTF-8",
		strings.Repeat("x", 1<<20+1):            "more than",
		`{{define "a"}}{{template "a"}}{{end}}`: `"a" calls itself`,
		`{{define "a"}}{{if .}}{{template "b"}}{{end}}{{end}}{{define "b"}}{{range .}}{{else}}{{template "a"}}{{end}}{{end}}`: "calls itself",
	} {
		if _, err := configtemplate.Parse("app.tmpl", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: got %v, want %q", text, err, want)
		}
	}
}

// TestBounds: no template takes more than its share of steps and memory, and each says why. Time
// stands still, so that a slow machine does not end a template before its other bounds do.
func TestBounds(t *testing.T) { synctest.Test(t, testBounds) }

func testBounds(t *testing.T) {
	big := newSet(map[string]string{"big": strings.Repeat("ab,", 350_000)})
	for text, want := range map[string]string{
		`{{range 9000000000000000000}}{{end}}`:                                     "1000000 steps",
		`{{range 100000}}{{range 100000}}{{end}}{{end}}`:                           "1000000 steps",
		`{{range 1000}}{{get "big"}}{{end}}`:                                       "output is too long",
		`{{$x := get "big"}}{{range 100}}{{$x = print $x $x}}{{end}}`:              "256 MiB",
		`{{$x := get "big"}}{{range 100}}{{$x = printf "%s%[1]s" $x}}{{end}}`:      "256 MiB",
		`{{$x := get "big"}}{{range 100}}{{$x = replace "a" $x $x}}{{end}}`:        "256 MiB",
		`{{$x := get "big"}}{{range 100}}{{$x = $x | split "," | join $x}}{{end}}`: "256 MiB",
		`{{$x := get "big"}}{{range 100}}{{$x = $x | json | quote | js}}{{end}}`:   "256 MiB",
		`{{$x := get "big"}}{{range 100}}{{$y := split "" $x}}{{end}}`:             "256 MiB",
		`{{printf "%999999999d" 1}}`:                                               "too large",
		`{{printf "` + strings.Repeat("%9999999d", 30) + `" 1}}`:                   "256 MiB",
		`{{define "a0"}}x{{end}}` + doubling(40) + `{{template "a40"}}`:            "1000000 steps",
	} {
		if out, err := execute(t, text, big); err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%.60s: got %d bytes, %v, want %q", text, len(out), err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	parsed, err := configtemplate.Parse("a", `{{range 9}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parsed.Execute(ctx, big); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// doubling returns templates each of which calls the one before twice.
func doubling(n int) string {
	text := ""
	for i := range n {
		call := `{{template "a` + string(rune('0'+i/10)) + string(rune('0'+i%10)) + `"}}`
		if i < 10 {
			call = `{{template "a` + string(rune('0'+i)) + `"}}`
		}
		next := string(rune('0' + (i+1)%10))
		if i+1 >= 10 {
			next = string(rune('0'+(i+1)/10)) + next
		}
		text += `{{define "a` + next + `"}}` + call + call + `{{end}}`
	}
	return text
}

// TestDeepTemplates: nesting as deep as a template can be is an error or a result.
func TestDeepTemplates(t *testing.T) {
	const depth = 50_000
	for _, text := range []string{
		strings.Repeat("{{if 1}}", depth) + "x" + strings.Repeat("{{end}}", depth),
		"{{" + strings.Repeat("(", depth) + "1" + strings.Repeat(")", depth) + "}}",
	} {
		if parsed, err := configtemplate.Parse("a", text); err == nil {
			_, _ = parsed.Execute(t.Context(), configs)
		}
	}
}

// FuzzExecute: a template is refused, or ends with a result or an error.
func FuzzExecute(f *testing.F) {
	for _, text := range []string{`{{range list "db"}}{{.Key}}{{end}}`, `{{printf "%5d" 1}}`, `{{tree "" | yaml}}`, `{{define "a"}}{{end}}{{template "a"}}`, `{{range 5}}{{break}}{{end}}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := configtemplate.Parse("a", text)
		if err != nil {
			return
		}
		if out, err := parsed.Execute(t.Context(), configs); err != nil && out != nil {
			t.Errorf("got %q and %v", out, err)
		}
	})
}
