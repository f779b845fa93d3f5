package rights

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// makers is how many clients make tokens at once.
const makers = 24

// useNewTokens makes tokens on one node, and uses each at once on the other two.
func useNewTokens(ctx context.Context, w *world) error {
	const name = "fresh/config"
	if _, err := w.set(ctx, w.cluster.Nodes[0], w.admin, name, "1"); err != nil {
		return err
	}
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range makers {
		group.Go(func() error {
			for {
				number := next.Add(1)
				if number > int64(w.options.Tokens*NewTokens) {
					return nil
				}
				if err := w.useNewToken(ctx, fmt.Sprintf("fresh%d", number), name); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

func (w *world) useNewToken(ctx context.Context, token, config string) error {
	made, err := w.create(ctx, w.cluster.Nodes[0], token, reading("fresh"))
	if err != nil {
		return err
	}
	w.count(freshUsed, 1)
	var uses errgroup.Group
	for _, n := range w.cluster.Nodes[1:] {
		uses.Go(func() error {
			began := time.Now()
			a, err := w.get(ctx, n, made.secret, config)
			if err != nil {
				return err
			}
			w.took("first use of a new token on another node", a.at.Sub(began))
			if a.status != http.StatusOK {
				w.count("new tokens refused", 1)
				w.found("a new token can be used everywhere at once", "%s on node %d: %s", token, n.Number, a)
			}
			return nil
		})
	}
	return uses.Wait()
}
