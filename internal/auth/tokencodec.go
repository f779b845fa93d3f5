package auth

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"configapi/internal/config"
)

// tokenSchema is the newest schema version of the events of tokens.
const tokenSchema = 1

// TokenKinds returns the kinds of facts about tokens. The content of their events is a
// [TokenEvent].
func TokenKinds() []config.Kind {
	kinds := make([]config.Kind, 0, 4)
	for _, kind := range []config.EventType{TokenIssued, TokenRotated, TokenGrantsChanged, TokenRevoked} {
		kinds = append(kinds, config.Kind{Type: kind, SchemaVersion: tokenSchema, Decode: decodeToken})
	}
	return kinds
}

// Codec returns the codec of a server: it knows the events of configs and of tokens.
func Codec() config.Codec { return config.NewCodec(TokenKinds()...) }

// Encode returns the stored form of an event, in the newest schema version of its type. Name and
// version have columns of their own. The data is JSON, in exactly one form, without white space:
//
//	{"grants":[{"actions":["READ","WRITE"],"prefix":"app"}],
//	"readSince":"2026-03-01T12:00:00.000000Z","expiresAt":null,
//	"createdAt":"2026-03-01T12:00:00.000000Z","createdBy":"local","secrets":[{"id":"…",
//	"digest":"…","createdAt":"2026-03-01T12:00:00.000000Z","expiresAt":null}]}
//
// A digest is written as 64 hexadecimal digits. createdBy is null when the caller was not known,
// and expiresAt when there is no end. Data that differs in one byte is refused.
func (e TokenEvent) Encode() config.Stored {
	return config.Stored{Type: string(e.Type), SchemaVersion: tokenSchema, Data: e.Token.encode()}
}

func (t *Token) encode() string {
	var b strings.Builder
	b.WriteString(`{"grants":[`)
	for i, grant := range t.Grants.List() {
		writeComma(&b, i)
		b.WriteString(`{"actions":[`)
		for i, action := range grant.Actions {
			writeComma(&b, i)
			config.WriteText(&b, action.String())
		}
		b.WriteString(`],"prefix":`)
		config.WriteText(&b, grant.Prefix)
		b.WriteString(`}`)
	}
	b.WriteString(`],"readSince":`)
	writeTime(&b, t.ReadSince)
	b.WriteString(`,"expiresAt":`)
	writeTime(&b, t.ExpiresAt)
	b.WriteString(`,"createdAt":`)
	writeTime(&b, t.CreatedAt)
	b.WriteString(`,"createdBy":`)
	if t.CreatedBy == "" {
		b.WriteString(`null`)
	} else {
		config.WriteText(&b, t.CreatedBy)
	}
	b.WriteString(`,"secrets":[`)
	for i, s := range t.Secrets {
		writeComma(&b, i)
		b.WriteString(`{"id":`)
		config.WriteText(&b, string(s.ID))
		b.WriteString(`,"digest":`)
		config.WriteText(&b, hex.EncodeToString(s.Digest[:]))
		b.WriteString(`,"createdAt":`)
		writeTime(&b, s.CreatedAt)
		b.WriteString(`,"expiresAt":`)
		writeTime(&b, s.ExpiresAt)
		b.WriteString(`}`)
	}
	b.WriteString(`]}`)
	return b.String()
}

func writeComma(b *strings.Builder, index int) {
	if index > 0 {
		b.WriteByte(',')
	}
}

const timeForm = "2006-01-02T15:04:05.000000Z"

func writeTime(b *strings.Builder, at time.Time) {
	if at.IsZero() {
		b.WriteString(`null`)
		return
	}
	config.WriteText(b, at.UTC().Format(timeForm))
}

// tokenData is the data of an event as encoding/json reads it. What it reads may have had another
// form, so the caller compares.
type tokenData struct {
	Grants []struct {
		Actions []string
		Prefix  string
	}
	ReadSince, ExpiresAt, CreatedAt *string
	CreatedBy                       *string
	Secrets                         []struct {
		ID, Digest           string
		CreatedAt, ExpiresAt *string
	}
}

var errOtherForm = errors.New("it does not have the form that is written")

// decodeToken reads the data of an event: what leads to other bytes when it is written again is
// refused.
func decodeToken(e config.StreamEvent, _ int, data string) (content any, erases []int64, err error) {
	token, err := decodeState(data)
	if err != nil {
		return nil, nil, err
	}
	if token.encode() != data {
		return nil, nil, errOtherForm
	}
	name, ok := strings.CutPrefix(e.Stream, tokenStreams)
	if !ok {
		return nil, nil, fmt.Errorf("stream %q is not that of a token", e.Stream)
	}
	if token.Name, err = ParseTokenName(name); err != nil {
		return nil, nil, fmt.Errorf("stream %q: %v", e.Stream, err) // not wrapped: this is no input
	}
	token.Version, token.Revoked = e.Version, e.Type == TokenRevoked
	return TokenEvent{e.Type, token}, nil, nil
}

func decodeState(data string) (*Token, error) {
	var d tokenData
	if err := json.Unmarshal([]byte(data), &d); err != nil {
		return nil, err
	}
	if len(d.Secrets) < 1 || len(d.Secrets) > MaxSecrets || d.CreatedAt == nil || d.ReadSince == nil {
		return nil, errOtherForm
	}
	t := new(Token)
	grants := make([]Grant, len(d.Grants))
	for i, grant := range d.Grants {
		actions, err := ParseActions(grant.Actions)
		if err != nil {
			return nil, errOtherForm
		}
		grants[i] = Grant{actions, grant.Prefix}
	}
	var err error
	if t.Grants, err = NewGrants(grants...); err != nil {
		return nil, errOtherForm
	}
	if d.CreatedBy != nil {
		t.CreatedBy = *d.CreatedBy
	}
	t.ReadSince, t.ExpiresAt, t.CreatedAt = parseTime(d.ReadSince), parseTime(d.ExpiresAt), parseTime(d.CreatedAt)
	for _, s := range d.Secrets {
		secret := TokenSecret{CreatedAt: parseTime(s.CreatedAt), ExpiresAt: parseTime(s.ExpiresAt)}
		secret.ID = PublicID(s.ID)
		if len(s.ID) != idDigits || !areDigits(s.ID) || len(s.Digest) != hex.EncodedLen(len(secret.Digest)) || s.CreatedAt == nil {
			return nil, errOtherForm
		}
		if _, err := hex.Decode(secret.Digest[:], []byte(s.Digest)); err != nil {
			return nil, errOtherForm
		}
		t.Secrets = append(t.Secrets, secret)
	}
	return t, nil
}

// parseTime reads a time. It returns the zero time for nil, and for a text that is none.
func parseTime(text *string) time.Time {
	if text == nil {
		return time.Time{}
	}
	at, _ := time.Parse(timeForm, *text)
	return at
}
