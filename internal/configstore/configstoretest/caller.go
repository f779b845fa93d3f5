package configstoretest

import (
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
)

// Caller returns a caller with grants such as READ,WRITE:payments, whose prefix may be empty.
func Caller(t testing.TB, name string, grants ...string) auth.Caller {
	t.Helper()
	list := make([]auth.Grant, len(grants))
	for i, text := range grants {
		actions, prefix, _ := strings.Cut(text, ":")
		list[i] = auth.Grant{Actions: must(auth.ParseActions(strings.Split(actions, ","))), Prefix: prefix}
	}
	return auth.Caller{Name: name, Grants: must(auth.NewGrants(list...))}
}

// MustIssue makes a token with grants as [Caller] takes them, and returns its secret. The token
// never expires when expires is zero.
func (s *Store) MustIssue(t testing.TB, name string, expires time.Time, grants ...string) string {
	t.Helper()
	cmd := auth.IssueToken{Name: TokenName(t, name), Grants: Caller(t, "", grants...).Grants, ExpiresAt: expires}
	made, err := s.CreateToken(t.Context(), auth.Local, cmd, config.Reason{})
	if err != nil {
		t.Fatal(err)
	}
	return made.Secret
}

// MustRevoke ends a token.
func (s *Store) MustRevoke(t testing.TB, name string) {
	t.Helper()
	if _, err := s.RevokeToken(t.Context(), auth.Local, auth.RevokeToken{Name: TokenName(t, name)}, config.Reason{}); err != nil {
		t.Fatal(err)
	}
}

// TokenName parses the name of a token, which must be valid.
func TokenName(t testing.TB, text string) auth.TokenName {
	t.Helper()
	name, err := auth.ParseTokenName(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}
