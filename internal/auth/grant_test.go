package auth_test

import (
	"errors"
	"slices"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
)

func mustGrants(t *testing.T, list ...auth.Grant) *auth.Grants {
	t.Helper()
	g, err := auth.NewGrants(list...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func grant(prefix string, actions ...auth.Action) auth.Grant {
	return auth.Grant{Actions: actions, Prefix: prefix}
}

func TestGrants(t *testing.T) {
	g := mustGrants(t, grant("app/a/", auth.Write, auth.Read, auth.Read), grant("app", auth.Read))
	caller := auth.Caller{Grants: g}
	for _, test := range []struct {
		action auth.Action
		name   string
		want   bool
	}{
		{auth.Read, "app", true},
		{auth.Read, "app/ab", true},
		{auth.Read, "application", false},
		{auth.Write, "app", false},
		{auth.Write, "app/a", true},
		{auth.Write, "app/a/x", true},
		{auth.Write, "app/ab", false},
		{auth.Admin, "app/a", false},
	} {
		name, err := config.ParseName(test.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := caller.May(test.action, name); got != test.want {
			t.Errorf("%s of %s: got %t", test.action, name, got)
		}
	}
	if got := g.List()[0]; got.Prefix != "app/a" || !slices.Equal(got.Actions, []auth.Action{auth.Read, auth.Write}) {
		t.Errorf("the first grant is %v", got)
	}
	if zero := (auth.Caller{}); !zero.Scope(auth.Read).Empty() || zero.Grants.List() != nil {
		t.Errorf("the zero caller may do %v", zero.Grants.List())
	}
	if !auth.Anonymous.Scope(auth.Admin).All() {
		t.Error("without tokens a caller may not do everything")
	}
}

func TestInclude(t *testing.T) {
	app := mustGrants(t, grant("app", auth.Read), grant("app/a", auth.Write))
	for _, test := range []struct {
		g, other *auth.Grants
		want     bool
	}{
		{auth.Everything, app, true},
		{app, auth.Everything, false},
		{app, mustGrants(t, grant("app/b", auth.Read), grant("app/a/c", auth.Read, auth.Write)), true},
		{app, mustGrants(t, grant("app/b", auth.Write)), false},
		{app, nil, true},
		{nil, app, false},
	} {
		if got := test.g.Include(test.other); got != test.want {
			t.Errorf("%v includes %v: got %t", test.g.List(), test.other.List(), got)
		}
	}
}

func TestInvalidGrants(t *testing.T) {
	for field, list := range map[string][]auth.Grant{
		"grants":            make([]auth.Grant, auth.MaxGrants+1),
		"grants[1].prefix":  {grant("", auth.Read), grant("a//b", auth.Read)},
		"grants[0].actions": {grant("a")},
	} {
		_, err := auth.NewGrants(list...)
		var invalid *config.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if _, err := auth.ParseAction("read"); err == nil {
		t.Error("read in small letters is an action")
	}
	if a, err := auth.ParseAction("ADMIN"); err != nil || a != auth.Admin {
		t.Errorf("ADMIN: got %v, %v", a, err)
	}
}
