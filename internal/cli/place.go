package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"configapi/client/rest"
	"configapi/internal/adminsocket"
	"configapi/internal/auth"
	"configapi/internal/clientcmd"
	"configapi/internal/clientconfig"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/fault"
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
	store, socket string
	clientconfig.Flags

	// agree asks the user before tokens of a server are changed. nil: nothing is asked.
	agree func(clientconfig.Target) error
}

// aboutPlaces ends the help of each command that has a place.
const aboutPlaces = `

The tokens are those that one of --admin-socket, --url, --context and --store names. Without them,
those that the first of CONFIGAPI_ADMIN_SOCKET, CONFIGAPI_URL, CONFIGAPI_CONTEXT, CONFIGAPI_STORE and
DATABASE_URL names; without these, those of the current context, or of the store
sqlite:data/configapi.db. When no flag names a store, it is used over the admin socket of the server
that runs on it, if there is one.`

// noSocket is the value of --admin-socket for none.
const noSocket = "off"

// table declares the settings of the place. Their variables have an order of their own: see find.
func (p *place) table() []setting.Setting {
	store := storeSetting(&p.store)
	store.Value, store.Own = setting.String(&p.store, ""), true
	return append([]setting.Setting{
		store,
		{Flag: "admin-socket", Variables: []string{"CONFIGAPI_ADMIN_SOCKET"}, Own: true, Value: setting.String(&p.socket, ""),
			Meaning: "`PATH` of the admin socket of a server on this machine"},
	}, p.Settings()...)
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
	case found.server:
		return p.atAddress(ctx, env, do)
	case p.store == "": // the store was not named by a flag
		err := overSocket(ctx, defaultSocket(found.store), do)
		if !errors.Is(err, errNoServer) {
			return err
		}
	}
	return onStore(ctx, found.store, open, func(store *configstore.Store) error { return do(storeTokens{store}) })
}

// foundPlace has exactly one of its fields set.
type foundPlace struct {
	store, socket string
	server        bool // the one that flags, the environment or the file of contexts name
}

// find returns the place that flags name, or the environment, or the current context, or the
// default store.
func (p *place) find(env Env) (found foundPlace, err error) {
	given := 0
	for _, text := range []string{p.store, p.socket, p.URL, p.Context} {
		if text != "" {
			given++
		}
	}
	switch {
	case given > 1:
		return found, startErrorf("give only one of --admin-socket, --url, --context and --store")
	case p.socket == noSocket:
		return found, startErrorf("--admin-socket off is for `configapi serve`; name a store with --store instead")
	case given == 1:
		return foundPlace{store: p.store, socket: p.socket, server: p.URL != "" || p.Context != ""}, nil
	}
	if socket := env.Getenv("CONFIGAPI_ADMIN_SOCKET"); socket != "" && socket != noSocket {
		return foundPlace{socket: socket}, nil
	}
	if env.Getenv("CONFIGAPI_URL") != "" || env.Getenv("CONFIGAPI_CONTEXT") != "" {
		return foundPlace{server: true}, nil
	}
	for _, key := range storeVariables {
		if store := env.Getenv(key); store != "" {
			return foundPlace{store: store}, nil
		}
	}
	file, err := clientconfig.Read(env.Getenv, true)
	switch {
	case err != nil:
		return found, &startError{err}
	case file.Current != "":
		return foundPlace{server: true}, nil
	}
	return foundPlace{store: defaultStore}, nil
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

// atAddress calls do with the tokens of the server that the flags, the environment or the file of
// contexts name.
func (p *place) atAddress(ctx context.Context, env Env, do func(tokens) error) error {
	to, err := p.Resolve(ctx, clientconfig.Environment{Getenv: env.Getenv, Stderr: env.Stderr})
	if err != nil {
		return &startError{err}
	}
	client, err := restclient.New(rest.Options{URL: to.URL, Token: to.Token, CA: to.CA, Insecure: to.Insecure})
	if err != nil {
		return &startError{clientcmd.Advised(err)}
	}
	defer client.Close()
	if p.agree != nil && to.Confirm {
		if err := p.agree(to); err != nil {
			return err
		}
	}
	err = do(client)
	if to.Unsent != "" && clientcmd.ExitCode(err) == fault.ExitDenied {
		return fmt.Errorf("%w; %s", err, to.Unsent)
	}
	return clientcmd.Advised(err)
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
