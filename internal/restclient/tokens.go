package restclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"configapi/client/rest"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/fault"
)

// ChangeToken carries out a command, and returns the token after it, and its new secret, "" when it
// got none. A command that may have been carried out has an error that says so.
func (c *Client) ChangeToken(ctx context.Context, cmd auth.TokenCommand, reason config.Reason) (t *auth.Token, secret string, err error) {
	path := "/tokens/" + url.PathEscape(cmd.Target().String())
	body := changeBody{Reason: reason.String()}
	var method string
	switch cmd := cmd.(type) {
	case auth.IssueToken:
		method, path = http.MethodPost, "/tokens"
		body.Name, body.Grants, body.ExpiresAt = cmd.Name.String(), grantBodies(cmd.Grants), instant(cmd.ExpiresAt)
	case auth.RotateToken:
		method, path = http.MethodPost, path+"/rotate"
		body.KeepOldUntil, body.ExpectedVersion = instant(cmd.KeepOldUntil), cmd.ExpectedVersion
	case auth.ChangeGrants:
		method, path = http.MethodPut, path+"/grants"
		body.Grants, body.ExpectedVersion = grantBodies(cmd.Grants), cmd.ExpectedVersion
	case auth.RevokeToken:
		method = http.MethodDelete
		body.ExpectedVersion = cmd.ExpectedVersion
	default:
		return nil, "", fmt.Errorf("a %T cannot be sent", cmd)
	}
	var answer struct {
		Token  *tokenBody
		Secret string
	}
	if _, err := c.Do(ctx, rest.Request{Method: method, Path: path, Body: body}, &answer); err != nil {
		return nil, "", ofToken(err)
	}
	if answer.Token == nil { // it is revoked
		return &auth.Token{Name: cmd.Target(), Revoked: true}, "", nil
	}
	t, err = answer.Token.parse()
	return t, answer.Secret, err
}

// Tokens returns the tokens that the caller may see, by name.
func (c *Client) Tokens(ctx context.Context) (tokens []auth.ListedToken, err error) {
	const firstPage = "?first=100"
	for query := firstPage; query != ""; {
		var page struct{ Tokens []tokenBody }
		if query, err = c.Do(ctx, rest.Request{Path: "/tokens" + query}, &page); err != nil {
			return nil, err
		}
		for i := range page.Tokens {
			t, err := page.Tokens[i].parse()
			if err != nil {
				return nil, err
			}
			tokens = append(tokens, auth.ListedToken{Token: t, InForce: page.Tokens[i].inForce(t)})
		}
	}
	return tokens, nil
}

// Token returns a token. The error is [auth.ErrTokenNotFound] when the caller sees none of that
// name.
func (c *Client) Token(ctx context.Context, name auth.TokenName) (*auth.Token, error) {
	var answer struct{ Token tokenBody }
	if _, err := c.Do(ctx, rest.Request{Path: "/tokens/" + url.PathEscape(name.String())}, &answer); err != nil {
		return nil, ofToken(err)
	}
	return answer.Token.parse()
}

// TokenOf returns the token that has, or had last, the secret with a public id, and of its secrets
// that one alone. The error is as of [Client.Token].
func (c *Client) TokenOf(ctx context.Context, id auth.PublicID) (*auth.Token, error) {
	var answer struct {
		Token   tokenBody
		Revoked bool
		Secret  secretBody
	}
	if _, err := c.Do(ctx, rest.Request{Path: "/secrets/" + url.PathEscape(string(id))}, &answer); err != nil {
		return nil, ofToken(err)
	}
	answer.Token.Secrets = []secretBody{answer.Secret}
	t, err := answer.Token.parse()
	if err == nil {
		t.Revoked = answer.Revoked
	}
	return t, err
}

// ofToken returns the error of a request about a token.
func ofToken(err error) error {
	e, is := errors.AsType[*rest.Error](err)
	switch {
	case is && e.Status == http.StatusNotFound && e.Code == fault.NotFound.Code() && e.Message == auth.ErrTokenNotFound.Error():
		return auth.ErrTokenNotFound
	case is && e.Outcome == rest.Unknown:
		return fmt.Errorf("%w: %w", fault.ErrTokenUnknown, e)
	}
	return err
}

// changeBody is the body of a change.
type changeBody struct {
	Name            string          `json:"name,omitempty"`
	Grants          []grantBody     `json:"grants,omitempty"`
	ExpiresAt       *time.Time      `json:"expiresAt,omitempty"`
	KeepOldUntil    *time.Time      `json:"keepOldUntil,omitempty"`
	ExpectedVersion *config.Version `json:"expectedVersion,omitempty"`
	Reason          string          `json:"reason,omitempty"`
}

type grantBody struct {
	Actions []string `json:"actions"`
	Prefix  string   `json:"prefix"`
}

func grantBodies(grants *auth.Grants) []grantBody {
	bodies := make([]grantBody, len(grants.List()))
	for i, g := range grants.List() {
		bodies[i].Prefix = g.Prefix
		for _, action := range g.Actions {
			bodies[i].Actions = append(bodies[i].Actions, action.String())
		}
	}
	return bodies
}

// instant returns a time for a body, nil for the zero time.
func instant(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// tokenBody is a token in an answer.
type tokenBody struct {
	Name      string
	Version   config.Version
	Grants    []grantBody
	ExpiresAt time.Time // zero for null
	CreatedAt time.Time
	CreatedBy string // "" for null
	Secrets   []secretBody
}

type secretBody struct {
	PublicID             string
	CreatedAt, ExpiresAt time.Time
	LastUsedAt           time.Time // zero for null
}

// parse returns the token. Its secrets have no digests, which servers do not show.
func (b *tokenBody) parse() (t *auth.Token, err error) {
	t = &auth.Token{Version: b.Version, ExpiresAt: b.ExpiresAt, CreatedAt: b.CreatedAt, CreatedBy: b.CreatedBy}
	if t.Name, err = auth.ParseTokenName(b.Name); err != nil {
		return nil, unknownToken(err)
	}
	var grants []auth.Grant
	for _, g := range b.Grants {
		actions, err := auth.ParseActions(g.Actions)
		if err != nil {
			return nil, unknownToken(err)
		}
		grants = append(grants, auth.Grant{Actions: actions, Prefix: g.Prefix})
	}
	if t.Grants, err = auth.NewGrants(grants...); err != nil {
		return nil, unknownToken(err)
	}
	for _, s := range b.Secrets {
		id, err := auth.ParsePublicID(s.PublicID)
		if err != nil {
			return nil, unknownToken(err)
		}
		t.Secrets = append(t.Secrets, auth.TokenSecret{Credential: auth.Credential{ID: id}, CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt})
	}
	return t, nil
}

// inForce returns the secrets of t, which parse has returned.
func (b *tokenBody) inForce(t *auth.Token) []auth.UsedSecret {
	used := make([]auth.UsedSecret, len(t.Secrets))
	for i, s := range t.Secrets {
		used[i] = auth.UsedSecret{TokenSecret: s, LastUsedAt: b.Secrets[i].LastUsedAt}
	}
	return used
}

func unknownToken(err error) error {
	return fmt.Errorf("the server's answer has a token that this program does not know; is it of another version? %w", err)
}
