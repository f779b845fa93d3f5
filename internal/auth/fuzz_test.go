package auth_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
)

// FuzzParsePublicID shows that a public id has one form, whatever stands around it.
func FuzzParsePublicID(f *testing.F) {
	for _, seed := range []string{"", "cfg_", knownSecret, knownSecret[:26], knownSecret[4:26], "cfg_" + knownSecret[:26], knownSecret[:27], strings.Repeat("é", 11)} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`\A[0-9A-Za-z]{22}\z`)
	f.Fuzz(func(t *testing.T, text string) {
		id, err := auth.ParsePublicID(text)
		want := strings.TrimPrefix(text, "cfg_")
		if kept, isSecret := auth.ParseSecret(text); isSecret == nil {
			want = string(kept.ID)
		}
		if err == nil != form.MatchString(want) || err == nil && string(id) != want || err != nil && (err != auth.ErrMalformed || id != "") {
			t.Errorf("%q: got %q, %v", text, id, err)
		}
	})
}

// FuzzParseTokenName shows that a name is kept as it is, and names a stream of its own.
func FuzzParseTokenName(f *testing.F) {
	for _, seed := range []string{"", "ci", ".", "..", "...", "a/b", "a b", "é", "a\x00", "-", strings.Repeat("n", 64), strings.Repeat("n", 65)} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`\A[0-9A-Za-z_.-]{1,64}\z`)
	f.Fuzz(func(t *testing.T, text string) {
		name, err := auth.ParseTokenName(text)
		if want := form.MatchString(text) && text != "." && text != ".."; err == nil != want {
			t.Errorf("%q: got %v, want a name: %t", text, err, want)
		}
		if err != nil {
			mustBeInvalid(t, err, "name")
			return
		}
		if name.String() != text || !auth.IsTokenStream(name.Stream()) || !strings.HasSuffix(name.Stream(), "/"+text) {
			t.Errorf("%q: got %q in the stream %q", text, name, name.Stream())
		}
	})
}

// FuzzBearer shows that the secret comes out of a header as it was put in, and that nothing that is
// not of the scheme counts as a token.
func FuzzBearer(f *testing.F) {
	for _, seed := range []string{"", "Bearer " + knownSecret, "bearer\t" + knownSecret, "Bearer", "Basic Y2ZnOl8=", "Bearer a b", "Bearer  ", "ſearer x"} {
		f.Add(seed)
	}
	scheme := regexp.MustCompile(`(?is)\A\s*[b]earer(\s|\z)`)
	f.Fuzz(func(t *testing.T, text string) {
		secret, given, err := auth.Bearer([]string{text})
		if err != nil && (err != auth.ErrMalformed || secret != "" || !given) || given && err == nil && secret == "" || !given && secret != "" {
			t.Errorf("%q: got %q, %t, %v", text, secret, given, err)
		}
		if given && !scheme.MatchString(text) {
			t.Errorf("%q has another scheme: got %q", text, secret)
		}
		if _, wrong := auth.ParseSecret(text); wrong != nil {
			return
		}
		for _, before := range []string{"Bearer ", "bearer ", " BEARER  "} {
			if secret, given, err := auth.Bearer([]string{before + text + " "}); secret != text || !given || err != nil {
				t.Errorf("%q behind %q: got %q, %t, %v", text, before, secret, given, err)
			}
		}
	})
}

// grantsIn reads one grant from each line, such as READ,WRITE:app.
func grantsIn(text string) (list []auth.Grant, ok bool) {
	for line := range strings.Lines(text) {
		grant, err := auth.ParseGrant(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, false
		}
		list = append(list, grant)
	}
	return list, true
}

// isGranted is the law of grants: one of them allows the action on leading segments of the name.
func isGranted(list []auth.Grant, action auth.Action, name string) bool {
	for _, g := range list {
		for _, allowed := range g.Actions {
			prefix := strings.TrimSuffix(g.Prefix, "/")
			if allowed == action && (prefix == "" || strings.HasPrefix(name+"/", prefix+"/")) {
				return true
			}
		}
	}
	return false
}

// FuzzGrants compares grants with their law, and holds that grants which include others allow all
// that these allow.
func FuzzGrants(f *testing.F) {
	f.Add("READ:app\nREAD,WRITE:app/a/", "WRITE:app/a/b", "app/a/b")
	f.Add("READ:", "READ:a-b\nREAD:a\nREAD:a/c", "a-b")
	f.Add("READ:a\nREAD:a-b\nREAD:a/c", "READ:a/c/d", "ab")
	f.Add("ADMIN,ADMIN:a//", "read:a", "a")
	f.Add(strings.Repeat("READ:a\n", auth.MaxGrants+1), "", "a")
	f.Fuzz(func(t *testing.T, first, second, candidate string) {
		one, ok := grantsIn(first)
		two, alsoOK := grantsIn(second)
		if !ok || !alsoOK {
			return
		}
		g, err := auth.NewGrants(one...)
		if err != nil {
			mustBeInvalid(t, err, "grants")
			return
		}
		for _, grant := range g.List() {
			if again, err := auth.ParseGrant(grant.String()); err != nil || !reflect.DeepEqual(again, grant) {
				t.Errorf("%q: %s was read as %s, %v", first, grant, again, err)
			}
		}
		other, err := auth.NewGrants(two...)
		name, noName := config.ParseName(candidate)
		if err != nil || noName != nil {
			return
		}
		for _, action := range []auth.Action{auth.Read, auth.Write, auth.Admin} {
			may := auth.Caller{Grants: g}.May(action, name)
			if want := isGranted(one, action, candidate); may != want {
				t.Errorf("%s on %q by %q: got %t", action, candidate, first, may)
			}
			if g.Include(other) && !may && isGranted(two, action, candidate) {
				t.Errorf("%q includes %q, which alone allows %s on %q", first, second, action, candidate)
			}
		}
	})
}

// FuzzParseBootstrap shows that a server takes the first token that a file has written, whatever
// comments are around it, and that no error repeats what may be a secret.
func FuzzParseBootstrap(f *testing.F) {
	line := fmt.Sprintf("cfg_%s sha256:%x", knownSecret[4:26], sha256.Sum256([]byte(knownSecret)))
	for _, seed := range []string{"", line, "# a\n\n" + line + "\r\n", line + "\n" + line, knownSecret, knownSecret + line[26:], line[4:], "cfg_" + line,
		line[:80], line + "00", strings.Replace(line, " ", "  ", 1), strings.ToUpper(line), strings.Repeat("#", auth.MaxBootstrapBytes+1)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := auth.ParseBootstrap(text)
		if err != nil {
			if len(err.Error()) > 60 || c != (auth.Credential{}) {
				t.Errorf("%q: got %v, %v", text, c, err)
			}
			return
		}
		if again, err := auth.ParseBootstrap(auth.BootstrapText(c)); err != nil || again != c {
			t.Errorf("%q: written again and read: got %v, %v, want %v", text, again, err, c)
		}
		for word := range strings.FieldsSeq(text) {
			if _, err := auth.ParseSecret(word); err == nil && !strings.Contains(text, "#") {
				t.Errorf("%q was taken, though it has a secret", text)
			}
		}
	})
}

// mustBeInvalid checks that an error is one about an input, and which.
func mustBeInvalid(t *testing.T, err error, field string) {
	t.Helper()
	if invalid, is := errors.AsType[*config.InvalidError](err); !is || !strings.HasPrefix(invalid.Field, field) {
		t.Errorf("got %v, want one about %s", err, field)
	}
}

// FuzzDecodeToken shows that a stored event of a token has one form: what can be read is written
// again with the same bytes.
func FuzzDecodeToken(f *testing.F) {
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden events: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			eventType, _, _ := strings.Cut(filepath.Base(file), ".")
			f.Add(eventType, "$token/ci", strings.TrimSuffix(line, "\n"))
		}
	}
	codec := auth.Codec()
	f.Fuzz(func(t *testing.T, eventType, stream, data string) {
		stored := config.Stored{Type: eventType, SchemaVersion: 1, Data: data}
		event, err := codec.DecodeStream(stored, stream, 1, noon)
		if err != nil {
			if _, isInput := errors.AsType[*config.InvalidError](err); isInput {
				t.Errorf("%q in %q: a broken history counts as wrong input: %v", data, stream, err)
			}
			return
		}
		token := event.Content.(auth.TokenEvent)
		if token.Encode() != stored || token.Token.Name.Stream() != stream || token.Token.Version != 1 {
			t.Errorf("%q in %q: read as %+v", data, stream, token.Token)
		}
		if state, err := (*auth.Token)(nil).Apply(token); err == nil && (state != token.Token || eventType != string(auth.TokenIssued)) {
			t.Errorf("%s %q was applied to nothing", eventType, data)
		}
	})
}
