package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"configapi/internal/adminsocket"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/restclient"
	"configapi/internal/setting"
)

// tokens are the tokens that a command works on: those of a store, or of a running server.
type tokens interface {
	// ChangeToken carries out a command. It returns the changed token, and its new secret, "" if
	// it got none. Of a revoked token it returns only the name.
	ChangeToken(context.Context, auth.TokenCommand, config.Reason) (t *auth.Token, secret string, err error)
	// Tokens returns the tokens that are not revoked and that the caller may see, by name.
	Tokens(context.Context) ([]auth.ListedToken, error)
	// Token returns a token. The error is [auth.ErrTokenNotFound] when the caller sees none of that
	// name, or it is revoked.
	Token(context.Context, auth.TokenName) (*auth.Token, error)
	// TokenOf returns the token that has a secret, or had it last, also a revoked one. The error is
	// that of Token.
	TokenOf(context.Context, auth.PublicID) (*auth.Token, error)
}

// place is where the tokens of a command are, as its flags say it. "" was not given.
type place struct {
	store, socket, url string
	insecure           bool
}

// aboutPlaces ends the help of each command that has a place.
const aboutPlaces = `

The tokens are those that one of --admin-socket, --url and --store names. Without them, those that
the first of CONFIGAPI_ADMIN_SOCKET, CONFIGAPI_URL, CONFIGAPI_STORE and DATABASE_URL names; without
these, those of the store sqlite:data/configapi.db. When the environment or nothing names a store, it
is used over the admin socket of the server that runs on it, if there is one.`

// noSocket is the value of --admin-socket for none.
const noSocket = "off"

// table declares the settings of the place. Their variables have an order of their own: see find.
func (p *place) table() []setting.Setting {
	store := storeSetting(&p.store)
	store.Value, store.Own = setting.String(&p.store, ""), true
	return []setting.Setting{
		store,
		{Flag: "admin-socket", Variables: []string{"CONFIGAPI_ADMIN_SOCKET"}, Own: true, Value: setting.String(&p.socket, ""),
			Meaning: "`PATH` of the admin socket of a server on this machine"},
		{Flag: "url", Variables: []string{"CONFIGAPI_URL"}, Own: true, Value: setting.String(&p.url, ""),
			Meaning: "`URL` of a server, such as https://config.example; the token is in CONFIGAPI_TOKEN, or in the file that CONFIGAPI_TOKEN_FILE names"},
		{Flag: "insecure", Value: setting.Switch(&p.insecure),
			Meaning: "send the token also over http:// to another machine, where everyone on the way can read it"},
	}
}

// use calls do with the tokens of the place. open opens a store.
func (p *place) use(ctx context.Context, env Env, open func(context.Context, string) (storage, error), do func(tokens) error) error {
	found, err := p.find(env)
	if err != nil {
		return err
	}
	switch {
	case found.socket != "":
		return overSocket(ctx, found.socket, do)
	case found.url != "":
		return atAddress(env, found.url, p.insecure, do)
	case p.store == "": // the store was not named by a flag
		err := overSocket(ctx, defaultSocket(found.store), do)
		if !errors.Is(err, errNoServer) {
			return err
		}
	}
	return onStore(ctx, found.store, open, func(store *configstore.Store) error { return do(storeTokens{store}) })
}

// find returns the place with exactly one of its fields set: the one that flags name, or the
// environment, or the default store.
func (p *place) find(env Env) (found place, err error) {
	given := 0
	for _, text := range []string{p.store, p.socket, p.url} {
		if text != "" {
			given++
		}
	}
	switch {
	case given > 1:
		return found, startErrorf("give only one of --admin-socket, --url and --store")
	case p.socket == noSocket:
		return found, startErrorf("--admin-socket off is for `configapi serve`; name a store with --store instead")
	case given == 1:
		return place{store: p.store, socket: p.socket, url: p.url}, nil
	}
	if socket := env.Getenv("CONFIGAPI_ADMIN_SOCKET"); socket != "" && socket != noSocket {
		return place{socket: socket}, nil
	}
	if url := env.Getenv("CONFIGAPI_URL"); url != "" {
		return place{url: url}, nil
	}
	for _, key := range storeVariables {
		if store := env.Getenv(key); store != "" {
			return place{store: store}, nil
		}
	}
	return place{store: defaultStore}, nil
}

// errNoServer says that no server listens on an admin socket.
var errNoServer = errors.New("no server has this admin socket")

// overSocket calls do with the tokens of the server that has an admin socket. The error is
// errNoServer when there is none, also for the path "".
func overSocket(ctx context.Context, path string, do func(tokens) error) error {
	probe, err := adminsocket.Dial(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, adminsocket.ErrRefused), errors.Is(err, errors.ErrUnsupported):
		return startErrorf("%w: %w", errNoServer, err)
	case err != nil:
		return &startError{err}
	}
	_ = probe.Close()
	client := restclient.OverSocket(path)
	defer client.Close()
	return do(client)
}

// atAddress calls do with the tokens of the server at an address.
func atAddress(env Env, url string, insecure bool, do func(tokens) error) error {
	secret, err := ownSecret(env)
	if err != nil {
		return err
	}
	client, err := restclient.New(restclient.Options{URL: url, Token: secret, Insecure: insecure})
	if err != nil {
		return &startError{err}
	}
	defer client.Close()
	return do(client)
}

// ownSecret returns the secret of the token that the environment has, "" for none. No flag has one,
// since lists of processes show flags.
func ownSecret(env Env) (string, error) {
	from, text := "CONFIGAPI_TOKEN", strings.TrimSpace(env.Getenv("CONFIGAPI_TOKEN"))
	if name := env.Getenv("CONFIGAPI_TOKEN_FILE"); text == "" && name != "" {
		file, err := os.Open(name)
		if err != nil {
			return "", startErrorf("reading CONFIGAPI_TOKEN_FILE: %w", err)
		}
		defer file.Close()
		if text, err = firstLine(file); err != nil {
			return "", startErrorf("reading CONFIGAPI_TOKEN_FILE: %w", err)
		}
		from = "the file of CONFIGAPI_TOKEN_FILE"
	}
	if text == "" {
		return "", nil
	}
	if _, err := auth.ParseSecret(text); err != nil {
		return "", startErrorf("%s: %w", from, err)
	}
	return text, nil
}

// defaultSocket returns the path of the admin socket of a server on a store: that of an SQLite
// file, with .sock; "" for other stores.
func defaultSocket(store string) string {
	kind, path, _ := strings.Cut(store, ":")
	if kind != "sqlite" || path == "" {
		return ""
	}
	return path + ".sock"
}

func isSocket(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().Type() == fs.ModeSocket
}
