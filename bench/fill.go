package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// fillClients is the number of clients that write all names before the measurement.
	fillClients = 16
	// fillLife is how long that may take.
	fillLife = 10 * time.Minute
)

// fill writes every name once, so that reads find a value and writes change one.
func fill(ctx context.Context, connect connector, o options) error {
	var written atomic.Int64
	operations, opened, err := connect(fillClients, clientOptions{
		kind:     o.Client,
		nextName: func() int { return int(written.Add(1)-1) % o.Names },
		life:     fillLife,
	})
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, op := range operations {
		group.Go(func() error {
			for range (o.Names + fillClients - 1) / fillClients {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := op(); err != nil {
					return fmt.Errorf("writing all names: %w", err)
				}
			}
			return nil
		})
	}
	err = group.Wait()
	if closeErr := opened.Close(); err == nil {
		err = closeErr
	}
	return err
}
