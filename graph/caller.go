package graph

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"configapi/graph/transport/fanout"
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
// The socket ends with the caller's rights.
func authenticateSocket(store *configstore.Store, opts Options) func(context.Context, eventstream.Client, map[string]any) (fanout.Rights, error) {
	return func(ctx context.Context, client eventstream.Client, payload map[string]any) (fanout.Rights, error) {
		secret, given, err := payloadSecret(payload)
		before := auth.FromContext(ctx)
		caller := before
		switch {
		case err != nil:
		case given:
			caller, err = store.Authenticate(ctx, secret)
		case before.IsAnonymous():
			_, err = store.Authenticate(ctx, "")
		}
		if fault.KindOf(err) == fault.Unauthenticated {
			opts.Refused(ctx, audit.OfUnknown(err, secret, given))
			if given && opts.Attempts.Refused(ctx, client) > 0 {
				return fanout.Rights{}, &gqlws.CloseError{Code: gqlws.CloseTryAgainLater, Reason: attempts.Message}
			}
		}
		switch {
		case err != nil:
			return fanout.Rights{}, refusal(err)
		case before.Secret != "" && before.Secret != caller.Secret:
			return fanout.Rights{}, &gqlws.CloseError{Code: gqlws.CloseForbidden, Reason: "Forbidden: the handshake has another token than connection_init"}
		}
		rights, err := beginSession(auth.NewContext(ctx, caller), store, caller, refusal)
		if err != nil {
			return fanout.Rights{}, refusal(err)
		}
		return rights, nil
	}
}

// beginSession returns the rights of a client until its context ends. When they end before, because
// returns the cause of their context.
func beginSession(ctx context.Context, store *configstore.Store, caller auth.Caller, because func(error) error) (fanout.Rights, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	session, err := store.Session(caller, func(reason error) { cancel(because(reason)) })
	if err != nil {
		cancel(nil)
		return fanout.Rights{}, err
	}
	context.AfterFunc(ctx, session.End)
	return fanout.Rights{Context: ctx, Err: session.Err}, nil
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

// endings are the reasons of sockets that are closed with 4403 because of an error about their
// caller's rights. Clients may rely on these words.
var endings = []struct {
	err    error
	reason string
}{
	{auth.ErrRevoked, "revoked"},
	{auth.ErrExpired, "expired"},
	{auth.ErrChanged, "changed"},
}

// refusal returns how a socket closes because of an error about its caller.
func refusal(err error) error {
	for _, ending := range endings {
		if errors.Is(err, ending.err) {
			return &gqlws.CloseError{Code: gqlws.CloseForbidden, Reason: ending.reason}
		}
	}
	if fault.KindOf(err) == fault.Unauthenticated {
		return &gqlws.CloseError{Code: gqlws.CloseForbidden, Reason: "Forbidden: " + fault.Message(err)}
	}
	return &gqlws.CloseError{Code: gqlws.CloseTryAgainLater, Reason: fault.Message(err)}
}
