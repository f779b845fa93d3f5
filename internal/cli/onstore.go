package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"configapi/internal/configstore"
)

// openToManage opens the store of a server to change tokens, and makes it if it is missing: the
// first token may be there before the first server. With SQLite no server may run on it.
func openToManage(ctx context.Context, store string) (storage, error) {
	if err := refuseMemory(store); err != nil {
		return nil, err
	}
	return openForServing(ctx, store, "", slog.New(slog.DiscardHandler))
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
