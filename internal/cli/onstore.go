package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/eventstore/sqlite"
)

// openToManage opens the store of a server to change tokens, and makes it if it is missing: the
// first token may be there before the first server. With SQLite no server may run on it.
func openToManage(ctx context.Context, store string) (storage, error) {
	if err := refuseMemory(store); err != nil {
		return nil, err
	}
	events, err := openForServing(ctx, store, postgres.Options{Log: slog.New(slog.DiscardHandler)})
	if errors.Is(err, sqlite.ErrLocked) {
		const advice = "give --admin-socket with the socket of the server that runs on it"
		if socket := defaultSocket(store); isSocket(socket) {
			return nil, startErrorf("%w. To change its tokens while it runs, use its admin socket: --admin-socket %s", err, socket)
		}
		return nil, startErrorf("%w. To change its tokens while it runs, %s", err, advice)
	}
	return events, err
}

// openToChange is openToManage for a store that has tokens already. An SQLite file that does not
// exist is an error, since its path may be mistyped.
func openToChange(ctx context.Context, store string) (storage, error) {
	if kind, path, _ := strings.Cut(store, ":"); kind == "sqlite" {
		if _, err := os.Stat(path); err != nil {
			return nil, startErrorf("opening sqlite store %q: %w", path, err)
		}
	}
	return openToManage(ctx, store)
}

// storeTokens are the tokens of a store, managed as [auth.Local].
type storeTokens struct{ store *configstore.Store }

func (s storeTokens) ChangeToken(ctx context.Context, cmd auth.TokenCommand, reason config.Reason) (*auth.Token, string, error) {
	var outcome configstore.TokenOutcome
	var err error
	switch cmd := cmd.(type) {
	case auth.IssueToken:
		outcome, err = s.store.CreateToken(ctx, auth.Local, cmd, reason)
	case auth.RotateToken:
		outcome, err = s.store.RotateToken(ctx, auth.Local, cmd, reason)
	case auth.ChangeGrants:
		outcome, err = s.store.ChangeGrants(ctx, auth.Local, cmd, reason)
	case auth.RevokeToken:
		outcome, err = s.store.RevokeToken(ctx, auth.Local, cmd, reason)
	default:
		return nil, "", fmt.Errorf("a %T is no command for a token", cmd)
	}
	return outcome.Token, outcome.Secret, err
}

func (s storeTokens) Tokens(ctx context.Context) (tokens []auth.ListedToken, err error) {
	if err := s.store.ReadUses(ctx); err != nil {
		return nil, err
	}
	for after, more := "", true; more; {
		page, err := s.store.Tokens(auth.Local, after, configstore.MaxPageSize)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Tokens {
			tokens = append(tokens, auth.ListedToken{Token: t, InForce: s.store.SecretsOf(t)})
		}
		if more = page.More; more {
			after = page.Tokens[len(page.Tokens)-1].Name.String()
		}
	}
	return tokens, nil
}

func (s storeTokens) Token(_ context.Context, name auth.TokenName) (*auth.Token, error) {
	return s.store.Token(auth.Local, name)
}

func (s storeTokens) TokenOf(_ context.Context, id auth.PublicID) (*auth.Token, error) {
	return s.store.TokenOf(auth.Local, id)
}

// onStore opens an event store, and calls use with a config store on it that has applied the whole
// history.
func onStore(ctx context.Context, store string, open func(context.Context, string) (storage, error), use func(*configstore.Store) error) error {
	events, err := open(ctx, store)
	if err != nil {
		return err
	}
	configs := configstore.New(events, configstore.Options{})
	running := start(configs.Run)
	if err = awaitReady(ctx, configs); err == nil {
		err = use(configs)
	}
	return errors.Join(err, running.stop(), events.Close())
}

// awaitReady waits until the history is applied. It returns the first problem of the event store,
// and an error if ctx ends.
func awaitReady(ctx context.Context, store *configstore.Store) error {
	const interval = 50 * time.Millisecond
	look := time.NewTicker(interval)
	defer look.Stop()
	for {
		select {
		case <-store.Ready():
			return nil
		case <-ctx.Done():
			return errors.New("interrupted; nothing was changed")
		case <-look.C:
			if problem := store.LastHealth().EventStore; problem != nil {
				return fmt.Errorf("reading the history: %w", problem)
			}
		}
	}
}
