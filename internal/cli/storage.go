package cli

import (
	"context"
	"strings"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/eventstore/sqlite"
)

const storeUsage = "where the history is kept: `STORE` is memory, sqlite:PATH or postgres://…; also CONFIGAPI_STORE, then DATABASE_URL"

// storage is an event store that is to be closed.
type storage interface {
	eventstore.Store
	Close() error
}

// defaultStore is the store when no flag names one.
func defaultStore(env Env) string {
	return firstSet(env.Getenv("CONFIGAPI_STORE"), env.Getenv("DATABASE_URL"), "sqlite:data/configapi.db")
}

func firstSet(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// openForServing opens the store that a server writes to. An SQLite file is locked, so that a second server fails. listenDSN is
// where PostgreSQL tells of changes; "": by way of the store's own address.
func openForServing(ctx context.Context, store, listenDSN string) (storage, error) {
	kind, path, _ := strings.Cut(store, ":")
	switch kind {
	case "memory":
		return forgetful{memory.New()}, nil
	case "sqlite":
		return started(sqlite.Open(ctx, path, sqlite.Options{Lock: true}))
	case "postgres", "postgresql":
		return started(postgres.Open(ctx, store, postgres.Options{ListenURL: listenDSN}))
	}
	return nil, unknownStore()
}

// openForReading opens a store that exists, without changing it.
func openForReading(ctx context.Context, store string) (storage, error) {
	kind, path, _ := strings.Cut(store, ":")
	switch kind {
	case "memory":
		return nil, unusable("a history in memory ends with its server; there is nothing to read")
	case "sqlite":
		return started(sqlite.Open(ctx, path, sqlite.Options{ReadOnly: true}))
	case "postgres", "postgresql":
		return started(postgres.Open(ctx, store, postgres.Options{ReadOnly: true}))
	}
	return nil, unknownStore()
}

func unknownStore() error {
	return unusable("the store must be memory, sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE")
}

// started makes any error of opening a reason why the command could not begin.
func started[S storage](s S, err error) (storage, error) {
	if err != nil {
		return nil, &startError{err}
	}
	return s, nil
}

// forgetful is the memory store, which has nothing to close.
type forgetful struct{ *memory.Store }

func (forgetful) Close() error { return nil }
