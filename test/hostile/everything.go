package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// mixedAttack runs several attacks at once on one server: its bounds must hold together.
var mixedAttack = attack{
	name: "everything", about: "the attacks on answers, documents, streams and bodies at once",
	fill:   both(fillOneName, fillTwice(32, mebibyte)),
	strike: strikeTogether,
	// The server promises less than 1 GiB besides its state, under any load.
	most: figures{memory: 1024, cpu: 120 * time.Second, wall: 62 * time.Second},
}

// together are the attacks that need the same filling.
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
