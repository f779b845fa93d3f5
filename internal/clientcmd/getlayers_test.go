package clientcmd_test

import (
	"strings"
	"testing"
)

func TestGetLayers(t *testing.T) {
	s := newServer(t, nil)
	s.mustSetAll(t, "base/a=1", "base/b=1", "base/x/y=1", "prod/a=2", "prod=x", "eu/a=3", "eu/c=3", "base-old/z=1")
	got := s.run(t, "get", "--layers", "base,prod,eu").must(t, 0)
	want := []string{"NAME LAYER VERSION REPLACES VALUE", "a eu 1 base, prod 3", "b base 1 - 1", "c eu 1 - 3", "x/y base 1 - 1"}
	for i, line := range strings.Split(strings.TrimSpace(got.stdout), "\n") {
		if line = strings.Join(strings.Fields(line), " "); i >= len(want) || line != want[i] {
			t.Errorf("line %d: got %q, want %q", i, line, want)
		}
	}
	s.run(t, "get", "a", "--layers", "base,prod", "-o", "json").must(t, 0, `"layer": "prod"`, `"value": "2"`, `"replaces": [`, `"position": "8-`)
	s.run(t, "get", "--layers", "base,eu", "-o", "name").must(t, 0, "eu/a\nbase/b\neu/c\nbase/x/y\n")
	s.run(t, "get", "--layers", "base,prod", "--at", s.positionOf(t), "a").must(t, 0, "prod")
	s.run(t, "get", "nothing", "--layers", "base,prod").must(t, 3, "no layer has a config nothing")
	s.run(t, "get", "--layers", "none").must(t, 0, "no configs that you may see")
	s.run(t, "get", "--layers", "base,base").must(t, 2, "twice")
	s.run(t, "get", "--layers", "a,b,c,d,e,f,g,h,i,j,k").must(t, 2, "at most 10")
	s.run(t, "get", "--layers", "a//b").must(t, 8)
	s.run(t, "get").must(t, 2, "write `configapi get NAME`")
}
