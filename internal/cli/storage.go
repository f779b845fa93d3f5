package cli

import (
	"context"
	"errors"
	"strings"

	"configapi/internal/backup"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/eventstore/sqlite"
	"configapi/internal/setting"
)

// storage is an event store that backups can be restored into, with a Close method.
type storage interface {
	eventstore.Store
	backup.Target
	Close() error
}

// defaultStore is the store when neither a flag nor the environment names one.
const defaultStore = "sqlite:data/configapi.db"

// storeVariables are the environment variables that name the store, in order of precedence.
var storeVariables = []string{"CONFIGAPI_STORE", "DATABASE_URL"}

// storeSetting is the setting that names the store of a command.
func storeSetting(to *string) setting.Setting {
	return setting.Setting{
		Flag: "store", Variables: storeVariables, Value: setting.String(to, defaultStore),
		Meaning: "where the history is kept: `STORE` is memory, sqlite:PATH or postgres://…",
	}
}

// openForServing opens the store for a server. An SQLite file is locked, so a second server fails.
// Of the options of PostgreSQL, ListenURL is the address for LISTEN; "": the store's own. Log gets
// warnings of the store. A store into which a backup was restored in part is refused.
func openForServing(ctx context.Context, store string, opts postgres.Options) (storage, error) {
	if kindOf(store) == "memory" {
		return unclosed{memory.New()}, nil
	}
	if err := checkAddress("the URL for listening", opts.ListenURL); err != nil {
		return nil, err
	}
	events, err := openForWriting(ctx, store, sqlite.Options{Lock: true, Log: opts.Log}, opts)
	if err != nil {
		return nil, err
	}
	return refuseUnfinished(ctx, events)
}

// openForRestoring opens the store to restore a backup into it, and makes it if it is missing. No
// server may run on it.
func openForRestoring(ctx context.Context, store string) (storage, error) {
	if err := refuseMemory(store); err != nil {
		return nil, err
	}
	return openForWriting(ctx, store, sqlite.Options{Lock: true, Restoring: true}, postgres.Options{Restoring: true})
}

// refuseMemory refuses a store that ends with the program.
func refuseMemory(store string) error {
	if kindOf(store) == "memory" {
		return startErrorf("a history in memory ends with its program; name the store of a server with --store")
	}
	return nil
}

func openForWriting(ctx context.Context, store string, forSQLite sqlite.Options, forPostgres postgres.Options) (storage, error) {
	kind, path, _ := strings.Cut(store, ":")
	switch kind {
	case "sqlite":
		if strings.Contains(path, "://") {
			return nil, unknownStore() // a URL is no path: it would create a directory
		}
		return asStartError(sqlite.Open(ctx, path, forSQLite))
	case "postgres", "postgresql":
		if err := checkAddress("the address of the store", store); err != nil {
			return nil, err
		}
		return asStartError(postgres.Open(ctx, store, forPostgres))
	}
	return nil, unknownStore()
}

// refuseUnfinished returns a store. It closes and refuses one into which a backup was restored only
// in part.
func refuseUnfinished(ctx context.Context, events storage) (storage, error) {
	if err := checkFinished(ctx, events); err != nil {
		return nil, errors.Join(err, events.Close())
	}
	return events, nil
}

func checkFinished(ctx context.Context, events storage) error {
	target, err := events.RestoreTarget(ctx)
	if err != nil {
		return &startError{err}
	}
	if target.Seq == 0 {
		return nil
	}
	head, err := events.Head(ctx)
	if err != nil {
		return &startError{err}
	}
	if head.Seq >= target.Seq {
		return startErrorf("the store has all %d events of a backup, but its restore is running or was interrupted before it had ended the backup's tokens; "+
			"run `configapi restore-backup` with that backup again", target.Seq)
	}
	return startErrorf("the store has %d of the %d events of a backup, because its restore is running or was interrupted; "+
		"run `configapi restore-backup` with that backup again", head.Seq, target.Seq)
}

// openForReading opens an existing store read-only, also beside a server. A store into which a
// backup was restored in part is refused.
func openForReading(ctx context.Context, store string) (storage, error) {
	events, err := openReadOnly(ctx, store)
	if err != nil {
		return nil, err
	}
	return refuseUnfinished(ctx, events)
}

func openReadOnly(ctx context.Context, store string) (storage, error) {
	kind, path, _ := strings.Cut(store, ":")
	switch kind {
	case "memory":
		return nil, startErrorf("a history in memory ends with its server; there is nothing to read")
	case "sqlite":
		return asStartError(sqlite.Open(ctx, path, sqlite.Options{ReadOnly: true}))
	case "postgres", "postgresql":
		if err := checkAddress("the address of the store", store); err != nil {
			return nil, err
		}
		return asStartError(postgres.Open(ctx, store, postgres.Options{ReadOnly: true}))
	}
	return nil, unknownStore()
}

// isPostgres reports whether a store is a database of PostgreSQL.
func isPostgres(store string) bool {
	kind := kindOf(store)
	return kind == "postgres" || kind == "postgresql"
}

func unknownStore() error {
	return startErrorf("the store must be memory, sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE")
}

// asStartError turns an error of opening into a startError.
func asStartError[S storage](s S, err error) (storage, error) {
	if err != nil {
		return nil, &startError{err}
	}
	return s, nil
}

// unclosed is the memory store, which has nothing to close.
type unclosed struct{ *memory.Store }

func (unclosed) Close() error { return nil }
