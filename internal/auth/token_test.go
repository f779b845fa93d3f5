package auth_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 123456000, time.UTC)

// credential returns one that is the same in all runs.
func credential(n byte) (c auth.Credential) {
	c.ID = auth.PublicID(fmt.Sprintf("%021d%c", 0, 'A'+n))
	for i := range c.Digest {
		c.Digest[i] = n + byte(i)
	}
	return c
}

func mustTokenName(t rapid.TB, text string) auth.TokenName {
	t.Helper()
	name, err := auth.ParseTokenName(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// mustDecide has a caller do something to a token, and returns the event.
func mustDecide(t testing.TB, token *auth.Token, cmd auth.TokenCommand, by auth.Caller, at time.Time) auth.TokenEvent {
	t.Helper()
	event, err := token.Decide(cmd, by, at)
	if err != nil {
		t.Fatalf("%+v: %v", cmd, err)
	}
	if _, err := token.Apply(event); err != nil {
		t.Fatalf("%+v: %v", cmd, err)
	}
	return event
}

// goldenEvents are the events in testdata/events, one a line. Files may be added but never changed:
// histories hold what is in them.
func goldenEvents(t *testing.T) map[config.EventType][]auth.TokenEvent {
	some := mustGrants(t, grant("app/a/", auth.Write, auth.Read), grant("b", auth.Admin))
	ci := mustTokenName(t, "ci")
	issued := mustDecide(t, nil, auth.IssueToken{Name: ci, Grants: some, ExpiresAt: noon.AddDate(0, 0, 90), Secret: credential(0)}, auth.Local, noon)
	open := mustDecide(t, nil, auth.IssueToken{Name: ci, Grants: auth.Everything, Secret: credential(1)}, auth.Anonymous, noon)
	foreign := mustDecide(t, nil, auth.IssueToken{Name: ci, Grants: some, Secret: credential(2)}, auth.Caller{Name: "oidc:a/<\"é\x01\x00\u2028\xff>", Grants: auth.Everything}, noon)
	boot := mustDecide(t, nil, auth.BootstrapToken{Secret: credential(3)}, auth.Caller{}, noon)
	rotated := mustDecide(t, issued.Token, auth.RotateToken{Name: ci, Secret: credential(4), KeepOldUntil: noon.Add(time.Hour)}, auth.Local, noon.Add(time.Minute))
	again := mustDecide(t, rotated.Token, auth.RotateToken{Name: ci, Secret: credential(5)}, auth.Local, noon.Add(2*time.Minute))
	changed := mustDecide(t, rotated.Token, auth.ChangeGrants{Name: ci, Grants: mustGrants(t, grant("", auth.Read))}, auth.Local, noon.Add(time.Minute))
	return map[config.EventType][]auth.TokenEvent{
		auth.TokenIssued:        {issued, open, foreign, boot},
		auth.TokenRotated:       {rotated, again},
		auth.TokenGrantsChanged: {changed},
		auth.TokenRevoked:       {mustDecide(t, rotated.Token, auth.RevokeToken{Name: ci}, auth.Local, noon), mustDecide(t, open.Token, auth.RevokeToken{Name: ci}, auth.Local, noon)},
	}
}

func TestTokenGoldens(t *testing.T) {
	for kind, events := range goldenEvents(t) {
		file := filepath.Join("testdata", "events", string(kind)+".v1.json")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(lines) != len(events) {
			t.Fatalf("%s: got %d lines, want %d", file, len(lines), len(events))
		}
		for i, event := range events {
			stored := config.Stored{Type: string(kind), SchemaVersion: 1, Data: lines[i]}
			if got := event.Encode(); got != stored {
				t.Errorf("%s, line %d: encoded\n%s, want\n%s", file, i+1, got.Data, stored.Data)
			}
			got, err := auth.Codec().DecodeStream(stored, event.Token.Name.Stream(), event.Token.Version, noon)
			if err != nil || !reflect.DeepEqual(got.Content, event) || got.Erases != nil {
				t.Errorf("%s, line %d: decoded %+v, %v, want %+v", file, i+1, got, err, event)
			}
		}
	}
}

// TestTokenDataOfAnotherForm changes each byte of an event: no two forms have one meaning.
func TestTokenDataOfAnotherForm(t *testing.T) {
	event := goldenEvents(t)[auth.TokenRotated][0]
	stored := event.Encode()
	decode := func(data, stream string) (*config.StreamEvent, error) {
		return auth.Codec().DecodeStream(config.Stored{Type: stored.Type, SchemaVersion: 1, Data: data}, stream, 2, noon)
	}
	for i := range stored.Data {
		for _, data := range []string{
			stored.Data[:i], stored.Data[:i] + " " + stored.Data[i:], stored.Data[:i] + stored.Data[i+1:],
			stored.Data[:i] + strings.ToUpper(stored.Data[i:i+1]) + stored.Data[i+1:], stored.Data[:i] + "\xff" + stored.Data[i+1:],
		} {
			got, err := decode(data, "$token/ci")
			if data == stored.Data || err != nil {
				continue
			}
			if again := got.Content.(auth.TokenEvent).Encode(); again.Data != data {
				t.Errorf("%s has the meaning of %s", data, again.Data)
			}
		}
	}
	for _, data := range []string{
		``, `null`, `{}`, `[]`, stored.Data + "\n", strings.Replace(stored.Data, `"grants":[`, `"grants":[{"actions":["READ"],"prefix":""},null,`, 1),
		strings.Replace(stored.Data, `["READ","WRITE"]`, `["WRITE","READ"]`, 1), strings.Replace(stored.Data, `["ADMIN"]`, `["GOVERN"]`, 1),
		strings.Replace(stored.Data, `"prefix":"b"`, `"prefix":"b/"`, 1), strings.Replace(stored.Data, `"prefix":"b"`, `"prefix":"b//c"`, 1),
	} {
		if _, err := decode(data, "$token/ci"); err == nil {
			t.Errorf("%s was decoded", data)
		}
	}
	for _, stream := range []string{"$token/", "$token/a/b", "$token/..", "$tokens/ci", "ci"} {
		if _, err := decode(stored.Data, stream); err == nil {
			t.Errorf("an event of %s was decoded", stream)
		}
	}
	unknown := config.Stored{Type: stored.Type, SchemaVersion: 2, Data: stored.Data}
	if _, err := auth.Codec().DecodeStream(unknown, "$token/ci", 2, noon); !errors.As(err, new(*config.UnknownEventError)) {
		t.Errorf("schema version 2: got %v", err)
	}
}

func TestTokenNames(t *testing.T) {
	for _, text := range []string{"a", "CI-1_x.y", "...", strings.Repeat("x", 64), auth.LocalName, auth.BootstrapName} {
		if name, err := auth.ParseTokenName(text); err != nil || name.String() != text || name.Stream() != "$token/"+text || !auth.IsTokenStream(name.Stream()) {
			t.Errorf("%q: got %q, %v", text, name, err)
		}
	}
	for _, text := range []string{"", ".", "..", strings.Repeat("x", 65), "a/b", "a b", "a:b", "é", "a\n", "$a"} {
		var invalid *config.InvalidError
		if name, err := auth.ParseTokenName(text); !errors.As(err, &invalid) || invalid.Field != "name" {
			t.Errorf("%q: got %q, %v", text, name, err)
		}
	}
	if auth.IsTokenStream("$token") || auth.IsTokenStream("$erasure/1") {
		t.Error("another stream is that of a token")
	}
}
