package main

import (
	"context"
	"errors"
	"strings"

	"configapi/internal/eventstore/postgres"
	"configapi/internal/eventstore/sqlite"
)

// writeHistoryTo writes a history into the store that configapi is told of by url.
func writeHistoryTo(ctx context.Context, store, url string, o options) error {
	if store == storePostgres {
		to, err := postgres.Open(ctx, url, postgres.Options{})
		if err != nil {
			return err
		}
		return errors.Join(writeHistory(ctx, to, o), to.Close())
	}
	to, err := sqlite.Open(ctx, strings.TrimPrefix(url, "sqlite:"), sqlite.Options{Lock: true})
	if err != nil {
		return err
	}
	return errors.Join(writeHistory(ctx, to, o), to.Close())
}
