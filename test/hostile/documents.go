package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// documentAttacks are documents that are expensive to refuse.
var documentAttacks = []attack{
	{
		name: "operations", about: "320 operations with one fragment whose unknown field has 300 kB", store: "memory",
		strike: refused(repeated(320, "query a%d{...F} ") + "fragment F on Query{" + strings.Repeat("x", 300<<10) + "}"),
		most:   documentCeiling,
	},
	{
		name: "enum", about: "an unknown enum value of 200 kB", store: "memory",
		strike: refused(`{config(name:"a",consistency:` + strings.Repeat("X", 200<<10) + `){value}}`),
		most:   documentCeiling,
	},
	{
		name: "input-field", about: "an unknown input field of 200 kB", store: "memory",
		strike: refused(`{configs(filter:{` + strings.Repeat("x", 200<<10) + `:1}){totalCount}}`),
		most:   documentCeiling,
	},
	{
		name: "argument", about: "an unknown argument of 200 kB", store: "memory",
		strike: refused(`{configs(` + strings.Repeat("x", 200<<10) + `:1){totalCount}}`),
		most:   documentCeiling,
	},
	{
		name: "type", about: "an unknown type of 200 kB", store: "memory",
		strike: refused(`{node(id:"x"){... on ` + strings.Repeat("X", 200<<10) + `{id}}}`),
		most:   documentCeiling,
	},
	{
		name: "fragments", about: "40 fragments that each use all the others", store: "memory",
		strike: refused("{...f0}" + meshOfFragments(40)),
		most:   documentCeiling,
	},
	{
		name: "nesting", about: "a list of 900 lists", store: "memory",
		strike: refused(`{configs(filter:{names:` + strings.Repeat("[", 900) + strings.Repeat("]", 900) + `}){totalCount}}`),
		most:   documentCeiling,
	},
	{
		name: "null-directives", about: "`@include(if: $x)` with null on 500 items", store: "memory",
		fill: fillNames(500, 10),
		strike: func(ctx context.Context, t *target) (string, error) {
			a, err := t.ask(ctx, `query($x:Boolean=true){configs(first:500){nodes{name @include(if:$x)}}}`, map[string]any{"x": nil})
			return a.String(), err
		},
		most: figures{memory: 64, cpu: 2 * time.Second, wall: 4 * time.Second, log: 64},
	},
}

// documentCeiling is for ten refusals in turn, of 50 ms each, with a margin for busy machines.
var documentCeiling = figures{memory: 192, cpu: 2 * time.Second, wall: 6 * time.Second, log: 256}

// refused sends a document ten times, and expects a refusal each time.
func refused(document string) func(context.Context, *target) (string, error) {
	const times = 10
	return func(ctx context.Context, t *target) (string, error) {
		var answers tally
		for range times {
			a, err := t.ask(ctx, document, nil)
			if err != nil {
				answers.add("out of time")
				return answers.String(), nil
			}
			if a.code == "" {
				return "", fmt.Errorf("the document was answered with %d and no error", a.status)
			}
			answers.add(a.String())
		}
		return answers.String(), nil
	}
}

func meshOfFragments(n int) string {
	spreads := repeated(n, "...f%d ")
	return repeated(n, " fragment f%d on Query{"+spreads+"}")
}
