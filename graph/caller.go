package graph

import (
	"context"
	"net/http"
	"strings"

	"configapi/graph/transport/gqlhttp"
	"configapi/graph/transport/gqlws"
	"configapi/internal/attempts"
	"configapi/internal/audit"
	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/eventstream"
	"configapi/internal/fault"
)

// Refuse answers a request that GraphQL does not get.
func Refuse(w http.ResponseWriter, kind fault.Kind, message string) {
	gqlhttp.Refuse(w, kind, message)
}

// authorization is the member of connection_init's payload that has the token, in any letter case.
const authorization = "Authorization"

// authenticateSocket returns the Init of websockets, which authenticates the caller. The token is
// in the header of the handshake, whose caller the context has, or in the payload of
// connection_init, since browsers cannot set that header. If it is in both, it must be the same.
func authenticateSocket(store *configstore.Store, opts Options) func(context.Context, eventstream.Client, map[string]any) (context.Context, error) {
	return func(ctx context.Context, client eventstream.Client, payload map[string]any) (context.Context, error) {
		secret, given, err := payloadSecret(payload)
		before := auth.FromContext(ctx)
		if err == nil && !given && before.Secret != "" {
			return ctx, nil
		}
		var caller auth.Caller
		if err == nil {
			caller, err = store.Authenticate(ctx, secret)
		}
		if fault.KindOf(err) == fault.Unauthenticated {
			kept, _ := auth.ParseSecret(secret)
			opts.Refused(ctx, audit.Refusal{Why: audit.WhyRefused(err), WithToken: given, PublicID: string(kept.ID)})
			if given && opts.Attempts.Refused(ctx, client) > 0 {
				return nil, &gqlws.CloseError{Code: gqlws.CloseTryAgainLater, Reason: attempts.Message}
			}
		}
		switch {
		case err != nil:
			return nil, refusal(err)
		case before.Secret != "" && before.Secret != caller.Secret:
			return nil, &gqlws.CloseError{Code: gqlws.CloseForbidden, Reason: "Forbidden: the handshake has another token than connection_init"}
		case !given:
			return ctx, nil
		}
		return auth.NewContext(ctx, caller), nil
	}
}

// payloadSecret returns the secret of connection_init. given is false when it has none.
func payloadSecret(payload map[string]any) (secret string, given bool, err error) {
	var values []string
	for name, value := range payload {
		if !strings.EqualFold(name, authorization) || value == nil {
			continue
		}
		text, is := value.(string)
		if !is {
			return "", true, auth.ErrMalformed
		}
		values = append(values, text)
	}
	return auth.Bearer(values)
}

// refusal returns how a socket closes because of an error about its caller.
func refusal(err error) error {
	if fault.KindOf(err) == fault.Unauthenticated {
		return &gqlws.CloseError{Code: gqlws.CloseForbidden, Reason: "Forbidden: " + fault.Message(err)}
	}
	return &gqlws.CloseError{Code: gqlws.CloseTryAgainLater, Reason: fault.Message(err)}
}
