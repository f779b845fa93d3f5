package main

import (
	"context"
	"fmt"
	"time"
)

// pastAttacks request many instants of the past.
var pastAttacks = []attack{
	{
		name: "instants", about: "500 configs x 30 equal `asOf(time)`, 3 at once",
		fill: fillTwice(500, 10),
		strike: func(ctx context.Context, t *target) (string, error) {
			part := fmt.Sprintf(`a%%d:asOf(at:{time:%q}){version} `, instant(t.middle))
			return queries(3, "{configs(first:500){nodes{"+repeated(30, part)+"}}}")(ctx, t)
		},
		most: figures{memory: 256, cpu: 15 * time.Second, wall: 30 * time.Second},
	},
	{
		name: "different-instants", about: "50 configs x 30 different `asOf(time)`, 16 at once",
		fill: fillTwice(500, 10),
		strike: func(ctx context.Context, t *target) (string, error) {
			query := "{configs(first:50){nodes{"
			for i := range 30 {
				query += fmt.Sprintf("a%d:asOf(at:{time:%q}){version} ", i, instant(t.middle.Add(time.Duration(-i)*time.Millisecond)))
			}
			return queries(16, query+"}}}")(ctx, t)
		},
		most: figures{memory: 256, cpu: 30 * time.Second, wall: 60 * time.Second},
	},
	{
		name: "positions-beyond", about: "500 configs x 30 `asOf(position)` beyond the head",
		fill:   fillTwice(500, 10),
		strike: queries(1, "{configs(first:500){nodes{"+repeated(30, `a%d:asOf(at:{position:"99999999-00000000"}){version} `)+"}}}"),
		most:   figures{memory: 256, cpu: 10 * time.Second, wall: 8 * time.Second},
	},
	{
		name: "fewer-positions-beyond", about: "50 configs x 30 `asOf(position)` beyond the head",
		fill:   fillTwice(500, 10),
		strike: queries(1, "{configs(first:50){nodes{"+repeated(30, `a%d:asOf(at:{position:"99999999-00000000"}){version} `)+"}}}"),
		most:   figures{memory: 256, cpu: 10 * time.Second, wall: 8 * time.Second},
	},
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// fillTwice writes to the names twice, and remembers an instant between.
func fillTwice(names, bytes int) func(*target) error {
	return func(t *target) error {
		if err := fillNames(names, bytes)(t); err != nil {
			return err
		}
		t.middle = time.Now()
		return fillNames(names, bytes)(t)
	}
}
