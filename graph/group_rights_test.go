package graph_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/generated"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore/configstoretest"
)

// TestStreamsShareWhatTheirCallersSee has callers with different grants subscribe to equal streams.
// Those that see the same share a group, whatever else they may do; nobody gets what it may not
// read.
func TestStreamsShareWhatTheirCallersSee(t *testing.T) {
	open := MustStart(t)
	callers := []struct {
		grants []string
		sees   []string // of what is written
	}{
		{[]string{"READ:app"}, []string{"app/a", "app/b"}},
		{[]string{"READ:app", "WRITE:app", "READ:zoo"}, []string{"app/a", "app/b"}},
		{[]string{"READ:"}, []string{"app/a", "app/b"}},
		{[]string{"READ:app/a"}, []string{"app/a"}},
		{[]string{"READ:app/b", "READ:app/c"}, []string{"app/b"}},
		{[]string{"READ:app/b", "READ:app/c", "ADMIN:app"}, []string{"app/b"}},
		{[]string{"WRITE:app"}, nil},
	}
	var clients []*client
	for _, caller := range callers {
		c := open.as(t, caller.grants...).MustDial(t)
		c.subscribe("changes", watchChanges, vars{"after": "0-00000000", "f": vars{"prefix": "app"}})
		c.wantNext("changes", `"configChanges":{"changes":[],"position":"@0","caughtUp":true}`)
		c.subscribe("config", `subscription{config(name:"app/a"){name}}`, nil)
		c.wantNext("config", `"config":null`)
		clients = append(clients, c)
	}
	// All of app, a part of it in two ways, and nothing; the one config, and nothing.
	wantWebsockets(t, open, len(callers), 2*len(callers), 4+2)
	set := config.ChangeSet{}.Of(configstoretest.Set(t, "app/a", "1"), configstoretest.Set(t, "zoo", "1"), configstoretest.Set(t, "app/b", "1"))
	if _, err := open.Apply(t.Context(), auth.Anonymous, set); err != nil {
		t.Fatal(err)
	}
	for i, caller := range callers {
		changes := ""
		for _, name := range caller.sees {
			changes += fmt.Sprintf(`,{"name":%q,"version":1}`, name)
		}
		var want []string
		if len(caller.sees) > 0 {
			want = append(want, `{"id":"changes","type":"next","payload":{"data":{"configChanges":{"changes":[`+changes[1:]+`],"position":"@3","caughtUp":true}}}}`)
		}
		if slices.Contains(caller.sees, "app/a") {
			want = append(want, `{"id":"config","type":"next","payload":{"data":{"config":{"name":"app/a"}}}}`)
		}
		var got []string
		for range want {
			got = append(got, clients[i].receive())
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("with %v: got %s, want %s", caller.grants, got, want)
		}
		clients[i].send(`{"type":"ping"}`)
		clients[i].want(`{"type":"pong"}`) // and nothing else
	}
}

// TestStreamsReachNoOtherNames: subscribers of a group share an execution if they may see the same
// of the names that their stream selects. So no field that a stream leads to may look at other
// names, which some of the subscribers may not read.
func TestStreamsReachNoOtherNames(t *testing.T) {
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	reached := map[string]bool{}
	var reach func(of *ast.Definition)
	reach = func(of *ast.Definition) {
		if reached[of.Name] || of.Kind != ast.Object {
			return
		}
		reached[of.Name] = true
		for _, field := range of.Fields {
			reach(schema.Types[field.Type.Name()])
		}
	}
	reach(schema.Subscription)
	want := []string{"Config", "ConfigChangeBatch", "ConfigRevision", "ConfigRevisionConnection", "ConfigRevisionEdge", "PageInfo", "Subscription"}
	if got := slices.Sorted(maps.Keys(reached)); !slices.Equal(got, want) {
		t.Errorf("streams reach %q, want %q: see that a new type has nothing of names that the stream does not select", got, want)
	}
}

// TestGroupOutlivesTheFirstToken: a group goes on with what its other subscribers may read when the
// token of the first one is revoked.
func TestGroupOutlivesTheFirstToken(t *testing.T) {
	open := MustStart(t)
	const doc = `subscription{configChanges(filter:{prefix:"app"}){changes{config{value history(first:1){nodes{version}}}}}}`
	var clients []*client
	for i, name := range []string{"first", "second"} {
		caller, err := open.Authenticate(t.Context(), open.MustIssue(t, name, time.Time{}, "READ:app", "READ:"+name))
		if err != nil {
			t.Fatal(err)
		}
		c := open.asCaller(t, caller).MustDial(t)
		c.subscribe("1", doc, nil)
		c.wantNext("1", `"configChanges":{"changes":[]}`)
		wantWebsockets(t, open, i+1, i+1, 1)
		clients = append(clients, c)
	}
	open.MustRevoke(t, "first")
	clients[0].conn.Close()
	if _, err := open.Do(t.Context(), auth.Local, config.Single(configstoretest.Set(t, "app", "1"))); err != nil {
		t.Fatal(err)
	}
	clients[1].wantNext("1", `"configChanges":{"changes":[{"config":{"value":"1","history":{"nodes":[{"version":1}]}}}]}`)
}
