package writer

import (
	"configapi/internal/auth"
)

// grants returns what a caller may do at the state that the batch decides on. A caller with a token
// may do what the token may do now: nothing when it was revoked or has expired, or when the
// caller's secret has ended. An anonymous caller may do what it came with until a token is issued.
func (b *batch) grants(caller auth.Caller) *auth.Grants {
	var token *auth.Token
	if caller.Secret != "" {
		token = b.tokenOf(caller.Secret)
	}
	present, _ := caller.At(b.opts.Now(), token, b.opts.Closed || b.everIssued(), b.opts.Anonymous)
	return present.Grants // nil when the caller's secret has ended
}

// everIssued reports whether the history has had a token, the batch's own ones included.
func (b *batch) everIssued() bool { return b.view.IsClosed() || len(b.tokens) > 0 }

// token returns a token after the batch's events so far, nil if it was never issued.
func (b *batch) token(name auth.TokenName) *auth.Token {
	if t, changed := b.tokens[name]; changed {
		return t
	}
	return b.view.Token(name)
}

// tokenOf is token for the one that has a secret. A secret that the batch itself makes is nobody's
// yet.
func (b *batch) tokenOf(id auth.PublicID) *auth.Token {
	t := b.view.TokenOf(id)
	if t == nil {
		return nil
	}
	return b.token(t.Name)
}
