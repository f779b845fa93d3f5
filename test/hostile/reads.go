package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// readAttacks keep the store busy with reads.
var readAttacks = []attack{
	{
		name: "worst-reads", about: "16 clients with `asOf{configs(first:500){nodes{name}}}` on values of 100 kB for 8 s",
		fill: fillTwice(300, 100<<10),
		strike: func(ctx context.Context, t *target) (string, error) {
			query := fmt.Sprintf(`{asOf(at:{time:%q}){configs(first:500){nodes{name}}}}`, instant(t.middle))
			return readsFor(8*time.Second, 16, query)(ctx, t)
		},
		most: figures{memory: 640, cpu: 30 * time.Second, wall: 40 * time.Second, write: 2 * time.Second},
	},
	{
		name: "worst-history", about: "16 clients with `history(first:500){nodes{version}}` of values of 1 MiB for 8 s",
		fill:   fillOneName,
		strike: readsFor(8*time.Second, 16, `{history(name:"big",first:500){nodes{version}}}`),
		most:   figures{memory: 640, cpu: 30 * time.Second, wall: 40 * time.Second, write: 2 * time.Second},
	},
	{
		name: "write-ahead-log", about: "6 clients with overlapping reads beside 4 writers of 20 kB for 15 s",
		fill:   fillOneName,
		strike: overlappingReads,
		most:   figures{memory: 640, cpu: 60 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "filter-names", about: "1,000 x `configs(filter:{names:[…]})` among 100,000 names, 4 clients", store: "memory",
		fill: fillNames(100_000, 10),
		strike: func(ctx context.Context, t *target) (string, error) {
			return manyQueries(ctx, t, 1000, `{configs(filter:{names:["n7","n70000"]}){totalCount nodes{name}}}`)
		},
		most: figures{memory: 128, cpu: 4 * time.Second, wall: 10 * time.Second},
	},
	{
		name: "filter-prefix", about: "1,000 x `configs(filter:{prefix:\"n7\"})`, which selects one of 100,000, 4 clients", store: "memory",
		fill: fillNames(100_000, 10),
		strike: func(ctx context.Context, t *target) (string, error) {
			return manyQueries(ctx, t, 1000, `{configs(filter:{prefix:"n7"}){totalCount nodes{name}}}`)
		},
		most: figures{memory: 128, cpu: 4 * time.Second, wall: 10 * time.Second},
	},
}

// readsFor has clients ask one query after the other for some time.
func readsFor(duration time.Duration, clients int, query string) func(context.Context, *target) (string, error) {
	return func(ctx context.Context, t *target) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, duration)
		defer cancel()
		var answers tally
		err := inParallel(clients, clients, func(int) error {
			for ctx.Err() == nil {
				a, err := t.ask(ctx, query, nil)
				switch {
				case err == nil:
					answers.add(a.String())
				case ctx.Err() == nil:
					answers.add("cut off")
				}
			}
			return nil
		})
		return answers.String(), err
	}
}

func manyQueries(ctx context.Context, t *target, n int, query string) (string, error) {
	var answers tally
	err := inParallel(n, 4, func(int) error {
		a, err := t.ask(ctx, query, nil)
		answers.add(a.String())
		return err
	})
	return answers.String(), err
}

// overlappingReads reads and writes at once, and watches how large the write-ahead log becomes.
func overlappingReads(ctx context.Context, t *target) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	value := strings.Repeat("x", 20<<10)
	var written atomic.Int64
	writing := make(chan error, 1)
	go func() {
		writing <- inParallel(4, 4, func(i int) error {
			for n := 0; ctx.Err() == nil; n++ {
				if t.put(fmt.Sprintf("w%d-%d", i, n%100), value) == nil {
					written.Add(1)
				}
			}
			return nil
		})
	}()
	var largest int64
	reading := make(chan error, 1)
	go func() {
		_, err := readsFor(15*time.Second, 6, `{history(name:"big",first:500){nodes{version}}}`)(ctx, t)
		reading <- err
	}()
	for ctx.Err() == nil {
		if info, err := os.Stat(filepath.Join(t.server.dir, "configapi.db-wal")); err == nil {
			largest = max(largest, info.Size())
		}
		wait(ctx, 50*time.Millisecond)
	}
	if err := <-reading; err != nil {
		return "", err
	}
	return fmt.Sprintf("log of %d MiB at most, %d writes", largest>>20, written.Load()), <-writing
}
