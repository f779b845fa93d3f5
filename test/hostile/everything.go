package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// mixedAttack makes several attacks at once on one server: its bounds must hold together, not only
// one by one.
var mixedAttack = attack{
	name: "everything", about: "the attacks on answers, documents, streams and bodies at once",
	fill:   both(fillOneName, fillTwice(32, mebibyte)),
	strike: strikeTogether,
	// The server's promise: whatever comes, less than 1 GiB above its set.
	most: figures{memory: 1024, cpu: 120 * time.Second, wall: 62 * time.Second},
}

// together are the attacks that fit the same filling.
var together = []string{"pages", "aliases-of-history", "aliases", "socket", "rest-lists", "operations", "events", "graphql-events", "bodies", "worst-history"}

func strikeTogether(ctx context.Context, t *target) (string, error) {
	var group errgroup.Group
	for _, a := range attacks {
		if slices.Contains(together, a.name) {
			group.Go(func() error {
				_, err := a.strike(ctx, t)
				return err
			})
		}
	}
	return strings.Join(together, ", "), group.Wait()
}
