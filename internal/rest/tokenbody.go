package rest

import (
	"errors"
	"net/http"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
)

const tokenRule = `must be a JSON object such as {"name":"ci","grants":[{"actions":["READ"],"prefix":"payments"}]}: `

// tokenBody is the body of a request about a token. Each operation takes some of its members.
type tokenBody struct {
	Name            *string      `json:"name"`
	Grants          *[]grantBody `json:"grants"`
	ExpiresAt       *string      `json:"expiresAt"`
	KeepOldUntil    *string      `json:"keepOldUntil"`
	ExpectedVersion *int64       `json:"expectedVersion"`
	Reason          *string      `json:"reason"`
}

type grantBody struct {
	Actions *[]string `json:"actions"`
	Prefix  *string   `json:"prefix"`
}

// tokenRequest is what a client says about a token, not checked by the rules of tokens yet.
type tokenRequest struct {
	fields auth.TokenFields
	reason config.Reason
}

// readTokenRequest reads the headers and the body of an operation on a token. name is that of the
// path, "" for an operation that has it in the body. The error is a [*config.InvalidError] or a
// [*content.Error].
func readTokenRequest(w http.ResponseWriter, r *http.Request, op operation, name string) (request tokenRequest, err error) {
	if len(r.Header[idempotencyKey]) > 0 {
		return request, &config.InvalidError{Field: idempotencyKey,
			Rule: "cannot be given with a token: the first answer is not kept, since it has the secret; after an unknown outcome, rotate the token"}
	}
	expected, err := expectedTokenVersion(r.Header)
	if err != nil {
		return request, err
	}
	var body tokenBody
	if _, err := readJSON(w, r, tokenRule, &body); err != nil {
		return request, err
	}
	if err := body.checkMembers(op); err != nil {
		return request, err
	}
	if op == createToken {
		name = *body.Name
	}
	if body.ExpectedVersion != nil {
		if expected != nil && *expected != *body.ExpectedVersion {
			return request, &config.InvalidError{Field: ifMatch, Rule: "differs from expectedVersion in the body; give one of them"}
		}
		expected = body.ExpectedVersion
	}
	request.fields = auth.TokenFields{Name: name, ExpectedVersion: expected}
	if request.fields.Grants, err = grantsOf(body.Grants); err != nil {
		return request, err
	}
	if request.fields.ExpiresAt, err = instantOf("expiresAt", body.ExpiresAt); err != nil {
		return request, err
	}
	if request.fields.KeepOldUntil, err = instantOf("keepOldUntil", body.KeepOldUntil); err != nil {
		return request, err
	}
	request.reason, err = reasonOf(r.Header, body.Reason)
	return request, err
}

// checkMembers returns an error when the body lacks a member that the operation needs, or has one
// that it does not take.
func (b *tokenBody) checkMembers(op operation) error {
	takesGrants := op == createToken || op == changeGrants
	switch {
	case op == createToken && b.Name == nil:
		return errBadToken(`member "name" is missing or null`)
	case op != createToken && b.Name != nil:
		return errBadToken(`member "name" is not taken here: the path has the name`)
	case takesGrants && b.Grants == nil:
		return errBadToken(`member "grants" is missing or null`)
	case !takesGrants && b.Grants != nil:
		return errBadToken(`member "grants" is not taken here`)
	case op != createToken && b.ExpiresAt != nil:
		return errBadToken(`member "expiresAt" is not taken here`)
	case op != rotateToken && b.KeepOldUntil != nil:
		return errBadToken(`member "keepOldUntil" is not taken here`)
	case op == createToken && b.ExpectedVersion != nil:
		return errBadToken(`member "expectedVersion" is not taken here`)
	}
	return nil
}

func errBadToken(what string) error {
	return &config.InvalidError{Field: "body", Rule: tokenRule + what}
}

func grantsOf(given *[]grantBody) (grants []auth.Grant, err error) {
	if given == nil {
		return nil, nil
	}
	for _, g := range *given {
		if g.Prefix == nil || g.Actions == nil {
			return nil, errBadToken("each of the grants must have actions and a prefix, which is empty for everything")
		}
		actions, err := auth.ParseActions(*g.Actions)
		if err != nil {
			return nil, err
		}
		grants = append(grants, auth.Grant{Actions: actions, Prefix: *g.Prefix})
	}
	return grants, nil
}

// instantOf returns the instant that a member of a body has, nil for none.
func instantOf(member string, text *string) (*time.Time, error) {
	if text == nil {
		return nil, nil
	}
	at, err := config.ParseInstant(*text)
	if err != nil {
		return nil, &config.InvalidError{Field: member, Rule: "must be an RFC 3339 instant with an offset, such as 2027-01-15T10:30:00Z"}
	}
	return &at, nil
}

// reasonOf returns the reason of a request, from its header or from its body.
func reasonOf(header http.Header, inBody *string) (config.Reason, error) {
	if err := refuseSwitches(header); err != nil {
		return config.Reason{}, err
	}
	reason, err := reasonText(header, inBody)
	if err != nil || reason == nil {
		return config.Reason{}, err
	}
	return config.ParseReason(*reason)
}

// expectedTokenVersion reads If-Match, which is `*` or one tag: the version of a token. It returns
// nil for any version, and a version that no token has for a tag of another form.
func expectedTokenVersion(h http.Header) (*int64, error) {
	if len(h[ifNoneMatch]) > 0 {
		return nil, &config.InvalidError{Field: ifNoneMatch, Rule: "cannot be given with a token; If-Match names the version that it must have"}
	}
	if len(h[ifMatch]) == 0 {
		return nil, nil
	}
	tags, any, ok := parseTags(h[ifMatch])
	switch {
	case any:
		return nil, nil
	case !ok || len(tags) != 1:
		return nil, &config.InvalidError{Field: ifMatch, Rule: `must be * or one entity tag of a token, such as "3"`}
	}
	if version := bareVersion(tags); version != nil {
		return version, nil
	}
	return new(int64), nil // no token has version 0
}

// conflictOf returns the conflict that an error is, nil when it is none.
func conflictOf(err error) *auth.TokenConflictError {
	conflict, _ := errors.AsType[*auth.TokenConflictError](err)
	return conflict
}
