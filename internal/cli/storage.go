package cli

import (
	"cmp"
	"context"
	"log/slog"
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

// defaultStore is the store when neither a flag nor the environment names one.
const defaultStore = "sqlite:data/configapi.db"

// storeVariables are what names the store when no flag does, in their order.
var storeVariables = []string{"CONFIGAPI_STORE", "DATABASE_URL"}

// openForServing opens the store that a server writes to. An SQLite file is locked, so that a
// second server fails. listenDSN is where PostgreSQL tells of changes; "": by way of the store's
// own address. log hears what operators must know of a store.
func openForServing(ctx context.Context, store, listenDSN string, log *slog.Logger) (storage, error) {
	kind, path, _ := strings.Cut(store, ":")
	switch kind {
	case "memory":
		return forgetful{memory.New()}, nil
	case "sqlite":
		if strings.Contains(path, "://") {
			return nil, unknownStore() // an address in the wrong place, of which a directory would be made
		}
		return started(sqlite.Open(ctx, path, sqlite.Options{Lock: true, Log: log}))
	case "postgres", "postgresql":
		if err := cmp.Or(checkAddress("the address of the store", store), checkAddress("the URL for listening", listenDSN)); err != nil {
			return nil, err
		}
		return started(postgres.Open(ctx, store, postgres.Options{ListenURL: listenDSN, Log: log}))
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
		if err := checkAddress("the address of the store", store); err != nil {
			return nil, err
		}
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
