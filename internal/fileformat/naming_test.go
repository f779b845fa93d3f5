package fileformat_test

import (
	"fmt"
	"testing"

	"configapi/internal/config"
	"configapi/internal/fileformat"
)

func TestNaming(t *testing.T) {
	for _, row := range []struct {
		naming fileformat.Naming
		keys   []string
		want   string
	}{
		{fileformat.Naming{}, []string{"DB_URL", "a/b"}, "DB_URL a/b "},
		{fileformat.Naming{Prefix: "app/"}, []string{"DB_URL"}, "app/DB_URL "},
		{fileformat.Naming{Prefix: "app", Lower: true, Separator: "__"}, []string{"DB__POOL_SIZE"}, "app/db/pool_size "},
		{fileformat.Naming{Separator: "."}, []string{"a.b.c"}, "a/b/c "},
		{fileformat.Naming{Prefix: "p", Lower: true, Map: map[string]string{"A": "X/Y", "/b/": "c/", "/b/d/": "e/", "/": ""}}, []string{"A", "/b/F", "/b/d/g", "/h"}, "p/X/Y p/c/F p/e/g p/h "},
		{fileformat.Naming{}, []string{"a b", "/c", "d//e", "é", ".."}, `"a b" makes no name of a config: it may hold only letters, digits, and _ - . : /; --map 'a b'=a_b gives it one
"/c" makes no name of a config: it has an empty segment: / may neither begin nor end it, nor follow another /; --map /c=c gives it one, and --map /= to all that begin with /
"d//e" makes no name of a config: it has an empty segment: / may neither begin nor end it, nor follow another /; --map d//e=d/e gives it one
"é" makes no name of a config: it may hold only letters, digits, and _ - . : /; --map 'é'=_ gives it one
".." makes no name of a config: it has a segment that is . or ..; --map ..=__ gives it one`},
		{fileformat.Naming{Prefix: "/"}, []string{"/"}, `"/" makes no name of a config: it has an empty segment: / may neither begin nor end it, nor follow another /; --map /=NAME gives it one`},
		{fileformat.Naming{Lower: true}, []string{"A", "a"}, `"a" and "A" both make the name a; give one of them another with --map a=NAME`},
	} {
		var entries []fileformat.Entry
		for _, key := range row.keys {
			entries = append(entries, fileformat.Entry{Key: key})
		}
		settings, err := row.naming.Settings(entries)
		got := ""
		for _, s := range settings {
			got += s.Name.String() + " "
		}
		if err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%+v %q: got\n%s\nwant\n%s", row.naming, row.keys, got, row.want)
		}
	}
}

func TestParseMap(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"A=b", "map[A:b]"}, {"a b=c=d", "map[a b:c=d]"}, {"/=", "map[/:]"}, {"==x", "map[=:x]"},
		{"A", "--map A must be OLD=NEW"}, {"", "--map '' must be OLD=NEW"}, {"A=", "--map 'A=' has no new name; OLD may become nothing only when it ends with /"},
	} {
		found, err := fileformat.ParseMap([]string{row.text})
		got := fmt.Sprint(found)
		if err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%q: got %s, want %s", row.text, got, row.want)
		}
	}
	if _, err := fileformat.ParseMap([]string{"A=b", "A=c"}); err == nil || err.Error() != "--map has A twice" {
		t.Errorf("got %v", err)
	}
}

func TestVariables(t *testing.T) {
	for _, row := range []struct {
		variables fileformat.Variables
		names     []string
		want      string
	}{
		{fileformat.Variables{Prefix: "pay"}, []string{"pay/db/url", "pay/a-b.c:d", "payments/x", "pay"}, "DB_URL A_B_C_D PAYMENTS_X PAY "},
		{fileformat.Variables{Prefix: "pay/", Separator: "__"}, []string{"pay/db/pool_size"}, "DB__POOL_SIZE "},
		{fileformat.Variables{Map: map[string]string{"2fa/key": "KEY"}}, []string{"2fa/key"}, "KEY "},
		{fileformat.Variables{}, []string{"2fa/key", "a/b", "a.b"}, `"2fa/key" makes no variable: 2FA_KEY begins with a digit; --map 2fa/key=_2FA_KEY gives it one
"a.b" and "a/b" both make the variable A_B; give one of them another with --map a.b=VARIABLE`},
		{fileformat.Variables{Map: map[string]string{"a": "b-c"}}, []string{"a"}, `"a" is mapped to b-c, which is no variable: it may have only letters, digits and _, and no digit first`},
	} {
		var settings []fileformat.Setting
		for _, text := range row.names {
			name, err := config.ParseName(text)
			if err != nil {
				t.Fatal(err)
			}
			settings = append(settings, fileformat.Setting{Name: name})
		}
		entries, err := row.variables.Entries(settings)
		got := ""
		for _, e := range entries {
			got += e.Key + " "
		}
		if err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%+v %q: got\n%s\nwant\n%s", row.variables, row.names, got, row.want)
		}
	}
}

func TestFormatsAreNamed(t *testing.T) {
	if format, err := fileformat.Parse("yaml", fileformat.Writable()); format != fileformat.YAML || err != nil {
		t.Errorf("got %q, %v", format, err)
	}
	const want = `there is no format "consul" here; give one of json, yaml, dotenv, dotenv-node, dotenv-compose, shell, docker-env`
	if _, err := fileformat.Parse("consul", fileformat.Writable()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestDeclarations(t *testing.T) {
	entries := []fileformat.Entry{{Key: "db/url", Value: "x\ny"}, {Key: "yes", Value: "\x1b\u2028"}}
	for format, want := range map[fileformat.Format]string{
		fileformat.JSON: "{\n  \"prefix\": \"pay\",\n  \"values\": {\n    \"db/url\": \"x\\ny\",\n    \"yes\": \"\\u001b\u2028\"\n  }\n}\n",
		fileformat.YAML: "prefix: \"pay\"\nvalues:\n  db/url: |-\n    x\n    y\n  \"yes\": \"\\u001b\\u2028\"\n",
	} {
		text, err := fileformat.WriteDeclaration(format, "pay", entries)
		if err != nil || string(text) != want {
			t.Errorf("%s: got %q, %v, want %q", format, text, err, want)
		}
		file, err := fileformat.Read(format, text, fileformat.Options{})
		if err != nil || !file.Declares || file.Prefix != "pay" || keysOf(file.Entries) != keysOf(entries) {
			t.Errorf("%s: got %+v, %v", format, file, err)
		}
		empty, err := fileformat.WriteDeclaration(format, "pay", nil)
		if file, readErr := fileformat.Read(format, empty, fileformat.Options{}); err != nil || readErr != nil || !file.Declares || len(file.Entries) > 0 {
			t.Errorf("%s: %q is read as %+v, %v, %v", format, empty, file, err, readErr)
		}
	}
}

func keysOf(entries []fileformat.Entry) string {
	text := ""
	for _, e := range entries {
		text += fmt.Sprintf("%q=%q ", e.Key, e.Value)
	}
	return text
}
