package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore/sqlite"
)

// issuing is how many tokens are made at a time.
const issuing = 64

// issueTokens makes tokens with these grants in an empty store, and returns their secrets.
func issueTokens(ctx context.Context, url string, tokens [][]auth.Grant) ([]string, error) {
	secrets := make([]string, len(tokens))
	err := withSQLite(ctx, sqlitePath(url), func(events *sqlite.Store) error {
		store := configstore.New(events, configstore.Options{})
		running, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- store.Run(running) }()
		err := issueAll(ctx, store, tokens, secrets)
		stop()
		return errors.Join(err, <-ended)
	})
	return secrets, err
}

func issueAll(ctx context.Context, store *configstore.Store, tokens [][]auth.Grant, secrets []string) error {
	select {
	case <-store.Ready():
	case <-ctx.Done():
		return ctx.Err()
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(issuing)
	for i, list := range tokens {
		group.Go(func() error {
			name, err := auth.ParseTokenName(fmt.Sprintf("token-%05d", i))
			if err != nil {
				return err
			}
			grants, err := auth.NewGrants(list...)
			if err != nil {
				return err
			}
			made, err := store.CreateToken(ctx, auth.Local, auth.IssueToken{Name: name, Grants: grants}, config.Reason{})
			secrets[i] = made.Secret
			return err
		})
	}
	return group.Wait()
}

// tokenMemory is the start and the memory of a server with so many tokens of two grants and no
// config, or the error of the measurement.
type tokenMemory struct {
	Tokens   int
	Start    time.Duration // until /readyz answered 200
	CPU      time.Duration // until then
	Resident int64         // in bytes, once it has settled after the start
	Err      error
}

func measureTokens(ctx context.Context, r *rig, tokens int, progress io.Writer) tokenMemory {
	m := tokenMemory{Tokens: tokens}
	if m.Err = m.measure(ctx, r); m.Err != nil {
		fmt.Fprintf(progress, "rights %d tokens FAILED: %v\n", tokens, m.Err)
	} else {
		fmt.Fprintf(progress, "rights %d tokens: %s, start %s\n", tokens, megabytes(m.Resident), seconds(m.Start))
	}
	return m
}

func (m *tokenMemory) measure(ctx context.Context, r *rig) error {
	url, err := r.newStore(ctx, storeSQLite, fmt.Sprint("tokens-", m.Tokens))
	if err != nil {
		return err
	}
	if _, err := issueTokens(ctx, url, grantsOf(byManyScopes, m.Tokens-1)); err != nil {
		return err
	}
	begin := time.Now()
	server, err := r.startConfigapi(ctx, storeSQLite, url)
	if err != nil {
		return err
	}
	defer stop(server.Process)
	m.Start, m.CPU = time.Since(begin), server.CPU()
	m.Resident, err = settledRSS(ctx, server.Process)
	return err
}
