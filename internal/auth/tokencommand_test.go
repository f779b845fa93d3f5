package auth_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"

	"pgregory.net/rapid"
)

// given is a token that may read and write app/a, after its third event.
func given(t testing.TB) *auth.Token {
	t.Helper()
	grants, err := auth.NewGrants(grant("app/a", auth.Read, auth.Write))
	if err != nil {
		t.Fatal(err)
	}
	ci := mustTokenName(t, "ci")
	token := mustDecide(t, nil, auth.IssueToken{Name: ci, Grants: grants, ExpiresAt: noon.AddDate(0, 0, 90), Secret: credential(0)}, auth.Local, noon).Token
	token = mustDecide(t, token, auth.RotateToken{Name: ci, Secret: credential(1), KeepOldUntil: noon.Add(2 * time.Hour)}, auth.Local, noon.Add(time.Hour)).Token
	return mustDecide(t, token, auth.ChangeGrants{Name: ci, Grants: grants}, auth.Local, noon.Add(time.Hour)).Token
}

// TestWhoMayManageTokens has callers with few grants: each needs ADMIN and all that the token may
// do, before and after.
func TestWhoMayManageTokens(t *testing.T) {
	token, ci := given(t), mustTokenName(t, "ci")
	at := noon.Add(time.Hour)
	more := mustGrants(t, grant("app", auth.Read))
	less := mustGrants(t, grant("app/a/b", auth.Write))
	for name, test := range map[string]struct {
		grants              []auth.Grant
		sees                bool
		issueSame, toMore   auth.Action // that is missing; -1: none
		issueLess, toLesser auth.Action
	}{
		"all of it":              {[]auth.Grant{grant("app", auth.Read, auth.Write, auth.Admin)}, true, -1, -1, -1, -1},
		"the same":               {[]auth.Grant{grant("app/a", auth.Read, auth.Write, auth.Admin)}, true, -1, auth.Admin, -1, -1},
		"in two grants":          {[]auth.Grant{grant("app/a", auth.Read, auth.Admin), grant("app", auth.Write)}, true, -1, auth.Admin, -1, -1},
		"no WRITE":               {[]auth.Grant{grant("app", auth.Read, auth.Admin)}, false, auth.Write, -1, auth.Write, auth.Write},
		"no ADMIN":               {[]auth.Grant{grant("", auth.Read, auth.Write)}, false, auth.Admin, auth.Admin, auth.Admin, auth.Admin},
		"ADMIN of something":     {[]auth.Grant{grant("", auth.Read, auth.Write), grant("b", auth.Admin)}, false, auth.Admin, auth.Admin, auth.Admin, auth.Admin},
		"ADMIN alone":            {[]auth.Grant{grant("", auth.Admin)}, false, auth.Read, auth.Read, auth.Write, auth.Write},
		"of a part":              {[]auth.Grant{grant("app/a/b", auth.Read, auth.Write, auth.Admin)}, false, auth.Admin, auth.Admin, -1, -1},
		"of a name that is like": {[]auth.Grant{grant("app/ab", auth.Read, auth.Write, auth.Admin)}, false, auth.Admin, auth.Admin, auth.Admin, auth.Admin},
		"nothing":                {nil, false, auth.Admin, auth.Admin, auth.Admin, auth.Admin},
	} {
		by := auth.Caller{Name: "x", Grants: mustGrants(t, test.grants...)}
		for what, check := range map[string]struct {
			token   *auth.Token
			cmd     auth.TokenCommand
			missing auth.Action
			sees    bool
		}{
			"issue the same":   {nil, auth.IssueToken{Name: ci, Grants: token.Grants, Secret: credential(2)}, test.issueSame, true},
			"issue less":       {nil, auth.IssueToken{Name: ci, Grants: less, Secret: credential(2)}, test.issueLess, true},
			"change to more":   {token, auth.ChangeGrants{Name: ci, Grants: more}, test.toMore, test.sees},
			"change to less":   {token, auth.ChangeGrants{Name: ci, Grants: less}, test.toLesser, test.sees},
			"rotate":           {token, auth.RotateToken{Name: ci, Secret: credential(2)}, noAdmin(by), test.sees},
			"revoke":           {token, auth.RevokeToken{Name: ci}, noAdmin(by), test.sees},
			"revoke a version": {token, auth.RevokeToken{Name: ci, ExpectedVersion: version(3)}, noAdmin(by), test.sees},
		} {
			_, err := check.token.Decide(check.cmd, by, at)
			var missing *auth.MissingError
			switch {
			case check.missing >= 0:
				if !errors.As(err, &missing) || missing.Action != check.missing {
					t.Errorf("%s, %s: got %v, want that %s is missing", name, what, err, check.missing)
				}
			case !check.sees:
				if !errors.Is(err, auth.ErrTokenNotFound) {
					t.Errorf("%s, %s: got %v, want that it is not found", name, what, err)
				}
			case err != nil:
				t.Errorf("%s, %s: got %v", name, what, err)
			}
		}
	}
}

// noAdmin returns ADMIN when the caller has it nowhere, else -1.
func noAdmin(by auth.Caller) auth.Action {
	if by.Scope(auth.Admin).Empty() {
		return auth.Admin
	}
	return -1
}

func version(n config.Version) *config.Version { return &n }

func TestRefusedTokenCommands(t *testing.T) {
	token, ci := given(t), mustTokenName(t, "ci")
	at := noon.Add(time.Hour)
	revoked := mustDecide(t, token, auth.RevokeToken{Name: ci}, auth.Local, at).Token
	secret := credential(2)
	for name, test := range map[string]struct {
		token *auth.Token
		cmd   auth.TokenCommand
		field string // of an invalid input
		err   error
	}{
		"a name twice":              {token, auth.IssueToken{Name: ci, Grants: auth.Everything, Secret: secret}, "name", nil},
		"a name after a revocation": {revoked, auth.IssueToken{Name: ci, Grants: auth.Everything, Secret: secret}, "name", nil},
		"the name local":            {nil, auth.IssueToken{Name: mustTokenName(t, "local"), Grants: auth.Everything, Secret: secret}, "name", nil},
		"the name bootstrap":        {nil, auth.IssueToken{Name: mustTokenName(t, "bootstrap"), Grants: auth.Everything, Secret: secret}, "name", nil},
		"no grants":                 {nil, auth.IssueToken{Name: ci, Grants: mustGrants(t), Secret: secret}, "grants", nil},
		"nil grants":                {token, auth.ChangeGrants{Name: ci}, "grants", nil},
		"expired at once":           {nil, auth.IssueToken{Name: ci, Grants: auth.Everything, ExpiresAt: at, Secret: secret}, "expiresAt", nil},
		"expires in 10000":          {nil, auth.IssueToken{Name: ci, Grants: auth.Everything, ExpiresAt: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), Secret: secret}, "expiresAt", nil},
		"an old secret of the past": {token, auth.RotateToken{Name: ci, Secret: secret, KeepOldUntil: at}, "keepOldUntil", nil},
		"an old secret for long":    {token, auth.RotateToken{Name: ci, Secret: secret, KeepOldUntil: at.Add(auth.MaxOverlap + 1)}, "keepOldUntil", nil},
		"of another version":        {token, auth.RotateToken{Name: ci, Secret: secret, ExpectedVersion: version(2)}, "", &auth.TokenConflictError{Expected: 2, Current: token}},
		"rotate what never was":     {nil, auth.RotateToken{Name: ci, Secret: secret, ExpectedVersion: version(0)}, "", auth.ErrTokenNotFound},
		"rotate what is revoked":    {revoked, auth.RotateToken{Name: ci, Secret: secret, ExpectedVersion: version(1)}, "", auth.ErrTokenNotFound},
		"change what is revoked":    {revoked, auth.ChangeGrants{Name: ci, Grants: auth.Everything}, "", auth.ErrTokenNotFound},
		"revoke twice":              {revoked, auth.RevokeToken{Name: ci}, "", auth.ErrTokenNotFound},
	} {
		event, err := test.token.Decide(test.cmd, auth.Local, at)
		var invalid *config.InvalidError
		switch {
		case event != auth.TokenEvent{}:
			t.Errorf("%s: got %+v", name, event)
		case test.field != "" && (!errors.As(err, &invalid) || invalid.Field != test.field):
			t.Errorf("%s: got %v", name, err)
		case test.err != nil && !reflect.DeepEqual(err, test.err):
			t.Errorf("%s: got %v, want %v", name, err, test.err)
		}
	}
	late := token.ExpiresAt
	if _, err := token.Decide(auth.RotateToken{Name: ci, Secret: secret}, auth.Local, late); !errors.As(err, new(*config.InvalidError)) {
		t.Errorf("rotating an expired token: got %v", err)
	}
	mustDecide(t, token, auth.RevokeToken{Name: ci}, auth.Local, late)
}

// TestSecretsOverTime follows the two secrets of a token.
func TestSecretsOverTime(t *testing.T) {
	token := given(t)
	for _, test := range []struct {
		at       time.Time
		old, new bool
	}{
		{noon.Add(time.Hour), true, true},
		{noon.Add(2*time.Hour - 1), true, true},
		{noon.Add(2 * time.Hour), false, true},
		{token.ExpiresAt.Add(-1), false, true},
		{token.ExpiresAt, false, false},
	} {
		old, isOld := token.Caller(credential(0).ID, test.at)
		now, isNew := token.Caller(credential(1).ID, test.at)
		if isOld != test.old || isNew != test.new {
			t.Errorf("%v: got %t, %t", test.at, isOld, isNew)
		}
		if isOld && (old.Name != "ci" || old.Grants != token.Grants || !old.ExpiresAt.Equal(noon.Add(2*time.Hour)) || old.IsAnonymous()) {
			t.Errorf("the caller with the old secret is %+v", old)
		}
		if isNew && !now.ExpiresAt.Equal(token.ExpiresAt) {
			t.Errorf("the caller with the new secret is %+v", now)
		}
	}
	ci := mustTokenName(t, "ci")
	next := mustDecide(t, token, auth.RotateToken{Name: ci, Secret: credential(2), KeepOldUntil: noon.Add(3 * time.Hour)}, auth.Local, noon.Add(time.Hour)).Token
	if _, kept := next.Secret(credential(0).ID); kept || len(next.Secrets) != 2 || len(token.Secrets) != 2 {
		t.Errorf("after another rotation the token has the secrets %v", next.Secrets)
	}
	revoked := mustDecide(t, next, auth.RevokeToken{Name: ci}, auth.Local, noon.Add(time.Hour)).Token
	if _, in := revoked.Caller(credential(2).ID, noon.Add(time.Hour)); in {
		t.Error("the secret of a revoked token is in force")
	}
	if _, known := revoked.Secret(credential(2).ID); !known || revoked.Revoked == next.Revoked {
		t.Error("a leaked secret of a revoked token is not found")
	}
}

// TestBrokenTokenHistories changes one thing of an event that would follow.
func TestBrokenTokenHistories(t *testing.T) {
	token, ci := given(t), mustTokenName(t, "ci")
	at := noon.Add(time.Hour)
	events := []auth.TokenEvent{
		mustDecide(t, token, auth.RotateToken{Name: ci, Secret: credential(2)}, auth.Local, at),
		mustDecide(t, token, auth.ChangeGrants{Name: ci, Grants: auth.Everything}, auth.Local, at),
		mustDecide(t, token, auth.RevokeToken{Name: ci}, auth.Local, at),
	}
	late := *token
	late.Version, late.ReadSince = 1, at
	if _, err := (*auth.Token)(nil).Apply(auth.TokenEvent{Type: auth.TokenIssued, Token: &late}); err == nil {
		t.Error("a token that is issued may read since a later time")
	}
	for _, event := range events {
		for name, change := range map[string]func(*auth.TokenEvent){
			"type":      func(e *auth.TokenEvent) { e.Type = auth.TokenIssued },
			"name":      func(e *auth.TokenEvent) { e.Token.Name = mustTokenName(t, "cd") },
			"version":   func(e *auth.TokenEvent) { e.Token.Version++ },
			"revoked":   func(e *auth.TokenEvent) { e.Token.Revoked = !e.Token.Revoked },
			"createdAt": func(e *auth.TokenEvent) { e.Token.CreatedAt = at },
			"readSince": func(e *auth.TokenEvent) { e.Token.ReadSince = noon.Add(-time.Microsecond) },
			"createdBy": func(e *auth.TokenEvent) { e.Token.CreatedBy = "" },
			"expiresAt": func(e *auth.TokenEvent) { e.Token.ExpiresAt = at },
		} {
			other := *event.Token
			broken := auth.TokenEvent{Type: event.Type, Token: &other}
			change(&broken)
			if _, err := token.Apply(broken); err == nil {
				t.Errorf("%s with another %s can follow", event.Type, name)
			}
		}
		if _, err := events[2].Token.Apply(event); err == nil {
			t.Errorf("%s follows a revocation", event.Type)
		}
		if _, err := (*auth.Token)(nil).Apply(event); err == nil {
			t.Errorf("%s comes first", event.Type)
		}
	}
	if _, err := token.Apply(auth.TokenEvent{Type: auth.TokenRotated, Token: events[1].Token}); err == nil {
		t.Error("a rotation changes grants")
	}
	if _, err := token.Apply(auth.TokenEvent{Type: auth.TokenGrantsChanged, Token: events[0].Token}); err == nil {
		t.Error("a change of grants changes secrets")
	}
}

// TestTokenProperty has callers with random grants do random things to one token.
func TestTokenProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ci, at, n := mustTokenName(t, "ci"), noon, byte(0)
		var token *auth.Token
		everUsed := make(map[auth.PublicID]bool)
		for range rapid.IntRange(1, 12).Draw(t, "commands") {
			at = at.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "hours")) * time.Hour)
			n++
			by := auth.Caller{Name: "x", Grants: drawGrants(t, "caller")}
			cmd := drawCommand(t, ci, credential(n), at)
			event, err := token.Decide(cmd, by, at)
			if err != nil {
				if event != (auth.TokenEvent{}) {
					t.Fatalf("a refused command has the event %+v", event)
				}
				continue
			}
			after, err := token.Apply(event)
			if err != nil {
				t.Fatalf("what was decided cannot follow: %v", err)
			}
			stored := event.Encode()
			decoded, err := auth.Codec().DecodeStream(stored, ci.Stream(), after.Version, at)
			if err != nil || !reflect.DeepEqual(decoded.Content, event) {
				t.Fatalf("stored is %+v, %v, want %+v", decoded, err, event)
			}
			if by.MayManage(after.Grants) != nil || token != nil && by.MayManage(token.Grants) != nil {
				t.Fatalf("%+v changed a token that may do more", by.Grants.List())
			}
			for _, s := range after.SecretsAt(at) {
				if known := everUsed[s.ID]; known && token != nil {
					if _, was := token.Secret(s.ID); !was {
						t.Fatalf("secret %s has come back", s.ID)
					}
				}
				everUsed[s.ID] = true
			}
			if len(after.Secrets) > 2 || after.Revoked && len(after.SecretsAt(at)) > 0 {
				t.Fatalf("the token has %d secrets, revoked: %t", len(after.Secrets), after.Revoked)
			}
			mustReadSince(t, token, after, at)
			token = after
		}
	})
}

// mustReadSince checks since when a token may read what it may read after an event of a time.
func mustReadSince(t *rapid.T, before, after *auth.Token, at time.Time) {
	want := at
	if before != nil && before.Grants.Scope(auth.Read).Equal(after.Grants.Scope(auth.Read)) {
		want = before.ReadSince
	}
	if !after.ReadSince.Equal(want) {
		t.Fatalf("the token may read %v since %v, want %v", after.Grants.Scope(auth.Read).Texts(), after.ReadSince, want)
	}
}

func drawGrants(t *rapid.T, label string) *auth.Grants {
	list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) auth.Grant {
		actions := rapid.SliceOfN(rapid.SampledFrom([]auth.Action{auth.Read, auth.Write, auth.Admin, auth.Admin}), 1, 3).Draw(t, "actions")
		return auth.Grant{Actions: actions, Prefix: rapid.SampledFrom([]string{"", "", "a", "a/b", "ab"}).Draw(t, "prefix")}
	}), 0, 4).Draw(t, label)
	grants, err := auth.NewGrants(list...)
	if err != nil {
		t.Fatal(err)
	}
	return grants
}

func drawCommand(t *rapid.T, name auth.TokenName, secret auth.Credential, at time.Time) auth.TokenCommand {
	later := func(label string) time.Time {
		return rapid.SampledFrom([]time.Time{{}, at.Add(time.Hour), at.Add(50 * time.Hour), at.Add(999 * time.Hour)}).Draw(t, label)
	}
	expected := rapid.SampledFrom([]*config.Version{nil, nil, version(1), version(2)}).Draw(t, "expected")
	switch rapid.SampledFrom([]string{"issue", "issue", "rotate", "rotate", "change", "revoke"}).Draw(t, "command") {
	case "rotate":
		return auth.RotateToken{Name: name, Secret: secret, KeepOldUntil: later("keep"), ExpectedVersion: expected}
	case "change":
		return auth.ChangeGrants{Name: name, Grants: drawGrants(t, "grants"), ExpectedVersion: expected}
	case "revoke":
		return auth.RevokeToken{Name: name, ExpectedVersion: expected}
	}
	return auth.IssueToken{Name: name, Grants: drawGrants(t, "grants"), ExpiresAt: later("expires"), Secret: secret}
}
