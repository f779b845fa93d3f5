package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/processtest"
)

// verifyPatience is how long a server may take to verify a history beside its work.
const verifyPatience = 10 * time.Minute

// awaitVerified waits until a server that has just started has verified so many events, so that
// this is no part of what is measured. It fails after limit.
func awaitVerified(ctx context.Context, server *processtest.Server, events int, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for {
		position, err := verifiedPosition(ctx, server.URL("/health"))
		if err != nil {
			return fmt.Errorf("asking how much of the history is verified: %w", err)
		}
		if position.Seq >= eventstore.Seq(events) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until the history is verified, up to now to %v: %w", position, ctx.Err())
		case <-poll.C:
		}
	}
}

// verifiedPosition returns the position up to which the server behind /health has verified.
func verifiedPosition(ctx context.Context, url string) (eventstore.Position, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return eventstore.Position{}, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return eventstore.Position{}, err
	}
	defer answer.Body.Close()
	var health struct{ Verified string }
	if err := json.NewDecoder(answer.Body).Decode(&health); err != nil {
		return eventstore.Position{}, err
	}
	return eventstore.ParsePosition(health.Verified)
}
