package configstore_test

import (
	"fmt"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

// teams are the first segments of the names of [BenchmarkScopes], and teamConfigs how many names
// each has.
const teams, teamConfigs = 200, 100

// scopeCallers are callers with few and with many grants.
var scopeCallers = []struct {
	name   string
	grants int // 0: everything
}{{"everything", 0}, {"1 grant", 1}, {"50 grants", 50}}

func scopeCaller(b *testing.B, grants int) auth.Caller {
	if grants == 0 {
		return auth.Anonymous
	}
	var list []auth.Grant
	for i := range grants {
		list = append(list, auth.Grant{Actions: []auth.Action{auth.Read, auth.Write}, Prefix: teamName(i * teams / grants)})
	}
	g, err := auth.NewGrants(list...)
	if err != nil {
		b.Fatal(err)
	}
	return auth.Caller{Grants: g}
}

func teamName(i int) string { return fmt.Sprintf("team-%03d", i) }

// BenchmarkScopes measures what the rights of a caller add to reads and to a delivery.
func BenchmarkScopes(b *testing.B) {
	store := configstoretest.New(b, configstore.Options{})
	for team := range teams {
		var commands []config.Command
		for i := range teamConfigs {
			commands = append(commands, configstoretest.Set(b, fmt.Sprintf("%s/app-%d/key-%d", teamName(team), i/10, i%10), "value"))
		}
		if _, err := store.Apply(b.Context(), auth.Anonymous, config.ChangeSet{}.Of(commands...)); err != nil {
			b.Fatal(err)
		}
	}
	name := configstoretest.Name(b, "team-000/app-3/key-3")
	below := mustFilter(b, "team-000")
	for _, bench := range []struct {
		name string
		do   func(b *testing.B, caller auth.Caller)
	}{
		{"config", func(b *testing.B, caller auth.Caller) {
			if store.Reader(caller).Config(name) == nil {
				b.Fatal("there is no config")
			}
		}},
		{"page of all", func(b *testing.B, caller auth.Caller) { mustHavePage(b, store.Reader(caller).Now(), config.Filter{}) }},
		{"page of a prefix", func(b *testing.B, caller auth.Caller) { mustHavePage(b, store.Reader(caller).Now(), below) }},
		{"count", func(b *testing.B, caller auth.Caller) {
			if n, err := store.Reader(caller).Now().Count(b.Context(), config.Filter{}); err != nil || n == 0 {
				b.Fatal(n, err)
			}
		}},
		{"children", func(b *testing.B, caller auth.Caller) {
			if page, err := store.Reader(caller).Children("", "", 50); err != nil || len(page.Children) == 0 {
				b.Fatal(page, err)
			}
		}},
	} {
		for _, c := range scopeCallers {
			caller := scopeCaller(b, c.grants)
			b.Run(bench.name+"/"+c.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					bench.do(b, caller)
				}
			})
		}
	}
	for _, c := range scopeCallers {
		b.Run("delivery/"+c.name, func(b *testing.B) { deliver(b, store, scopeCaller(b, c.grants)) })
	}
}

func mustHavePage(b *testing.B, snapshot *configstore.Snapshot, filter config.Filter) {
	if page, err := snapshot.Configs(b.Context(), filter, "", 50); err != nil || len(page.Configs) != 50 {
		b.Fatal(len(page.Configs), err)
	}
}

// deliver has one of many streams read change sets of 10 changes that it has to show.
func deliver(b *testing.B, store *configstoretest.Store, caller auth.Caller) {
	start := store.Reader(caller).Head().Position()
	var commands []config.Command
	for i := range 10 {
		commands = append(commands, configstoretest.Set(b, fmt.Sprintf("team-000/app-%d/key-1", i), "other"))
	}
	if _, err := store.Apply(b.Context(), auth.Anonymous, config.ChangeSet{}.Of(commands...)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		watch, err := store.Watch(b.Context(), caller, config.Filter{}, &start)
		if err != nil {
			b.Fatal(err)
		}
		if got, err := watch.Next(b.Context()); err != nil || len(got.Revisions) != 10 {
			b.Fatal(len(got.Revisions), err)
		}
	}
}
