package graph_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"configapi/graph"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore/memory"
	"configapi/internal/slowtest"
)

func TestChanges(t *testing.T) {
	a := MustServe(t, memory.New(), configstore.Options{PositionWait: 1}, graph.Options{})
	const doc = `query($after:Position,$filter:ConfigFilterInput,$first:Int){changes(after:$after,filter:$filter,first:$first){changes{name version operation} position caughtUp}}`
	a.want(t, doc, nil, `{"data":{"changes":{"changes":[],"position":"@0","caughtUp":true}}}`)
	a.MustSet(t, "a", "1")
	a.MustSet(t, "p/b", "1")
	a.MustDelete(t, "a")
	a.MustSet(t, "p/c", "1")
	a.MustSet(t, "d", "1")
	one, two := `{"name":"a","version":1,"operation":"CREATED"}`, `{"name":"p/b","version":1,"operation":"CREATED"}`
	three, four := `{"name":"a","version":2,"operation":"DELETED"}`, `{"name":"p/c","version":1,"operation":"CREATED"}`
	five := `{"name":"d","version":1,"operation":"CREATED"}`

	for _, row := range []struct {
		after  any
		filter string
		first  any
		want   string
	}{
		{nil, `null`, nil, one + "," + two + "," + three + "," + four + "," + five + `],"position":"@5","caughtUp":true`},
		{0, `{}`, 5, one + "," + two + "," + three + "," + four + "," + five + `],"position":"@5","caughtUp":true`},
		{nil, `null`, 2, one + "," + two + `],"position":"@2","caughtUp":false`},
		{2, `null`, 2, three + "," + four + `],"position":"@4","caughtUp":false`},
		{4, `null`, 2, five + `],"position":"@5","caughtUp":true`},
		{5, `null`, 2, `],"position":"@5","caughtUp":true`},
		{nil, `{"prefix":"p"}`, 1, two + `],"position":"@2","caughtUp":false`},
		{2, `{"prefix":"p"}`, 1, four + `],"position":"@4","caughtUp":false`},
		{4, `{"prefix":"p"}`, 1, `],"position":"@5","caughtUp":true`},
		{nil, `{"names":["a","p/c"]}`, nil, one + "," + three + "," + four + `],"position":"@5","caughtUp":true`},
		{nil, `{"names":[]}`, nil, `],"position":"@5","caughtUp":true`},
		{1, `{"prefix":"p","names":["a","p/b"]}`, nil, two + `],"position":"@5","caughtUp":true`},
	} {
		variables := vars{"filter": raw(row.filter), "first": row.first}
		if position, given := row.after.(int); given {
			variables["after"] = a.at(t, position)
		}
		a.want(t, doc, variables, `{"data":{"changes":{"changes":[`+row.want+`}}}`)
	}
	other := MustStart(t)
	other.MustSet(t, "a", "1")
	for _, row := range []struct{ after, code string }{
		{"", "POSITION_UNKNOWN"}, {"1", "POSITION_UNKNOWN"}, {"1-00000000", "POSITION_UNKNOWN"}, {"0-00000001", "POSITION_UNKNOWN"},
		{other.at(t, 1), "POSITION_UNKNOWN"}, {"6-00000000", "POSITION_UNKNOWN"},
	} {
		a.wantRefused(t, doc, vars{"after": row.after}, row.code, "")
	}
	a.wantRefused(t, doc, vars{"filter": vars{"prefix": "/"}}, "INVALID_INPUT", "prefix is empty")

	// Page by page, everything comes once and in order.
	seen, after := 0, "0-00000000"
	for caughtUp := false; !caughtUp; {
		batch := MustGet[struct {
			Changes  []item
			Position string
			CaughtUp bool
		}](t, a, doc, vars{"after": after, "first": 2}, "changes")
		seen += len(batch.Changes)
		after, caughtUp = batch.Position, batch.CaughtUp
	}
	if seen != 5 || after != a.head() {
		t.Errorf("got %d changes up to %s", seen, after)
	}
}

// MustWrite writes to a config until the test ends or stop is called.
func (a *api) MustWrite(t *testing.T, name string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	cmd := config.Set{Name: configstoretest.Name(t, name), Value: configstoretest.Value(t, "v")}
	var writer sync.WaitGroup
	writer.Go(func() {
		for ctx.Err() == nil {
			if _, err := a.Do(ctx, auth.Anonymous, config.Single(cmd)); err != nil && ctx.Err() == nil {
				t.Errorf("writing: %v", err)
				return
			}
		}
	})
	stop = sync.OnceFunc(func() { cancel(); writer.Wait() })
	t.Cleanup(stop)
	return stop
}

// TestOnePosition checks that all fields of a query read at one position while a writer goes on.
// Only one config is written, so its version is the seq of the position.
func TestOnePosition(t *testing.T) {
	a := MustStart(t)
	a.MustSet(t, "a", "v")
	a.MustWrite(t, "a")
	type position struct{ Position string }
	const doc = `{
		first:bounds{head}
		config(name:"a"){version revision{position} history(first:1){nodes{position}} asOf(at:{time:"9999-01-01T00:00:00Z"}){position}}
		same:config(name:"a"){version revision{position}}
		configs{position nodes{version revision{position}}}
		history(name:"a",first:1){nodes{position}}
		asOf(at:{time:"9999-01-01T00:00:00Z"}){position config(name:"a"){position} configs{nodes{position}}}
		last:bounds{head}
	}`
	seen := map[string]bool{}
	for range 10_000 {
		got := MustGet[struct {
			First, Last  struct{ Head string }
			Config, Same struct {
				Version  int
				Revision position
				History  struct{ Nodes []position }
				AsOf     position
			}
			Configs struct {
				Position string
				Nodes    []struct{ Revision position }
			}
			History struct{ Nodes []position }
			AsOf    struct {
				Position string
				Config   position
				Configs  struct{ Nodes []position }
			}
		}](t, a, doc, nil)
		head := got.First.Head
		for i, other := range []string{got.Last.Head, got.Config.Revision.Position, got.Config.History.Nodes[0].Position, got.Config.AsOf.Position, got.Same.Revision.Position,
			got.Configs.Position, got.Configs.Nodes[0].Revision.Position, got.History.Nodes[0].Position, got.AsOf.Position, got.AsOf.Config.Position, got.AsOf.Configs.Nodes[0].Position} {
			if other != head {
				t.Fatalf("field %d is of position %s, the first one of %s", i, other, head)
			}
		}
		if want := fmt.Sprint(got.Config.Version, "-"); head[:len(want)] != want || got.Same.Version != got.Config.Version {
			t.Fatalf("position %s with versions %d, %d", head, got.Config.Version, got.Same.Version)
		}
		if seen[head] = true; len(seen) == slowtest.Rounds(15, 50) {
			return
		}
	}
	t.Errorf("the writer was not there: got %d positions", len(seen))
}

// TestMutationsAnswerWithTheirOwnChange races writers of one config. Each gets its own change, not
// a later one.
func TestMutationsAnswerWithTheirOwnChange(t *testing.T) {
	a := MustStart(t)
	a.MustWrite(t, "a")
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			for n := range 50 {
				value := fmt.Sprint(i, "-", n)
				got := MustGet[struct {
					Config struct {
						Value    string
						Version  int
						Revision struct{ Position string }
						History  struct{ Nodes []item }
					}
					Revision struct{ Value, Position, ChangeSet string }
					Position string
				}](t, a, `mutation($v:String!){setConfig(input:{name:"a",value:$v}){...on ConfigChanged{position revision{value position changeSet}
					config{value version revision{position} history(first:1){nodes{version value}}}}}}`, vars{"v": value}, "setConfig")
				if got.Config.Value != value || got.Revision.Value != value || *got.Config.History.Nodes[0].Value != value || got.Config.History.Nodes[0].Version != got.Config.Version {
					t.Errorf("got %+v, want all of it with %s", got, value)
				}
				if p := got.Position; p != got.Revision.Position || p != got.Revision.ChangeSet || p != got.Config.Revision.Position {
					t.Errorf("got positions %s, %s, %s, %s", p, got.Revision.Position, got.Revision.ChangeSet, got.Config.Revision.Position)
				}
			}
		})
	}
	writers.Wait()
}
