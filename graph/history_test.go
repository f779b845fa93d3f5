package graph_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

func TestHistory(t *testing.T) {
	a := MustStart(t)
	a.MustSet(t, "live", "1")
	a.MustSet(t, "live", "2")
	a.MustSet(t, "gone", "1")
	a.MustDelete(t, "gone")
	a.MustSet(t, "back", "1")
	a.MustDelete(t, "back")
	a.MustRestore(t, "back")
	const doc = `query($n:ConfigName!){history(name:$n){nodes{name version operation value oldValue position committedAt}}}`
	for name, want := range map[string]string{
		"live": `{"name":"live","version":2,"operation":"UPDATED","value":"2","oldValue":"1","position":"@2","committedAt":"2026-01-01T00:00:01.000000Z"},` +
			`{"name":"live","version":1,"operation":"CREATED","value":"1","oldValue":null,"position":"@1","committedAt":"2026-01-01T00:00:00.000000Z"}`,
		"gone": `{"name":"gone","version":2,"operation":"DELETED","value":null,"oldValue":"1","position":"@4","committedAt":"2026-01-01T00:00:03.000000Z"},` +
			`{"name":"gone","version":1,"operation":"CREATED","value":"1","oldValue":null,"position":"@3","committedAt":"2026-01-01T00:00:02.000000Z"}`,
		"back": `{"name":"back","version":3,"operation":"RESTORED","value":"1","oldValue":null,"position":"@7","committedAt":"2026-01-01T00:00:06.000000Z"},` +
			`{"name":"back","version":2,"operation":"DELETED","value":null,"oldValue":"1","position":"@6","committedAt":"2026-01-01T00:00:05.000000Z"},` +
			`{"name":"back","version":1,"operation":"CREATED","value":"1","oldValue":null,"position":"@5","committedAt":"2026-01-01T00:00:04.000000Z"}`,
		"never": ``,
	} {
		a.want(t, doc, vars{"n": name}, `{"data":{"history":{"nodes":[`+want+`]}}}`)
	}
	a.want(t, `{history(name:"never"){edges{cursor} pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}}`, nil,
		`{"data":{"history":{"edges":[],"pageInfo":{"hasNextPage":false,"hasPreviousPage":false,"startCursor":null,"endCursor":null}}}}`)
	a.wantRefused(t, doc, vars{"n": "a//b"}, "INVALID_INPUT", "empty segment")
}

// TestHistoryPages reads pages while the config changes. What comes after a cursor is older than
// it.
func TestHistoryPages(t *testing.T) {
	for doc, path := range map[string][]string{
		`query($first:Int,$after:String){history(name:"a",first:$first,after:$after)` + page + `}`:          {"history"},
		`query($first:Int,$after:String){config(name:"a"){history(first:$first,after:$after)` + page + `}}`: {"config", "history"},
	} {
		for _, first := range []int{1, 3, 9, 10, 11} {
			a := MustStart(t)
			for i := range 10 {
				a.MustSet(t, "a", fmt.Sprint("v", i+1))
			}
			got := MustPage(t, a, doc, first, func(pageOf) { a.MustSet(t, "a", "later") }, path...)
			if len(got) != 10 {
				t.Fatalf("first %d: got %d revisions", first, len(got))
			}
			for i, r := range got {
				if want := 10 - i; r.Version != want || *r.Value != fmt.Sprint("v", want) {
					t.Errorf("first %d: item %d is version %d with %s", first, i, r.Version, *r.Value)
				}
			}
		}
	}
}

// TestHistoryOfAConfig checks that the history begins with the state of the config that was read,
// also after a cursor of newer pages.
func TestHistoryOfAConfig(t *testing.T) {
	a := MustStart(t)
	for i := range 3 {
		a.MustSet(t, "a", fmt.Sprint(i+1))
	}
	a.MustSet(t, "b", "1")
	versions := func(want string) string { return `"history":{"nodes":[` + want + `]}` }

	// A page of configs stays at its position while its configs change.
	atTwo := id("1c" + a.at(t, 2) + " A")
	for range 3 {
		a.MustSet(t, "a", "later")
	}
	a.want(t, `query($after:String){configs(after:$after){nodes{name version history{nodes{version}}}}}`, vars{"after": atTwo},
		`{"data":{"configs":{"nodes":[{"name":"a","version":2,`+versions(`{"version":2},{"version":1}`)+`}]}}}`)
	// A cursor at version 5 does not lead a config of version 2 to versions 4 and 3.
	later := id("1h" + a.at(t, 7) + " 5 a")
	a.want(t, `query($after:String,$cursor:String){configs(after:$after){nodes{history(after:$cursor){nodes{version} pageInfo{hasNextPage hasPreviousPage}}}}}`, vars{"after": atTwo, "cursor": later},
		`{"data":{"configs":{"nodes":[{"history":{"nodes":[{"version":2},{"version":1}],"pageInfo":{"hasNextPage":false,"hasPreviousPage":true}}}]}}}`)
	a.want(t, `query($cursor:String){history(name:"a",after:$cursor){nodes{version}}}`, vars{"cursor": later},
		`{"data":{"history":{"nodes":[{"version":4},{"version":3},{"version":2},{"version":1}]}}}`)
	// After the oldest there is nothing.
	a.want(t, `query($cursor:String){history(name:"a",after:$cursor){nodes{version} pageInfo{hasNextPage hasPreviousPage endCursor}}}`, vars{"cursor": id("1h" + a.at(t, 7) + " 1 a")},
		`{"data":{"history":{"nodes":[],"pageInfo":{"hasNextPage":false,"hasPreviousPage":true,"endCursor":null}}}}`)
	// The history in the answer to a mutation begins with its own change.
	a.want(t, `mutation{one:setConfig(input:{name:"b",value:"2"}){...B} two:setConfig(input:{name:"b",value:"3"}){...B}} fragment B on ConfigChanged{config{version value history{nodes{version}}}}`, nil,
		`{"data":{"one":{"config":{"version":2,"value":"2",`+versions(`{"version":2},{"version":1}`)+`}},"two":{"config":{"version":3,"value":"3",`+versions(`{"version":3},{"version":2},{"version":1}`)+`}}}}`)
}

// behind is an event store that hides new events from a node until the test releases them.
type behind struct {
	*memory.Store
	heard chan struct{}
}

func (b behind) Wait(ctx context.Context, after eventstore.Seq) error {
	select {
	case <-b.heard:
		return b.Store.Wait(ctx, after)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestHistoryOnANodeBehind continues the pages of another node, whose position this node has not
// reached yet: the reader of the query is too old for them.
func TestHistoryOnANodeBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := behind{memory.New(), make(chan struct{})}
		store := configstoretest.On(t, events, configstore.Options{})
		writer := configstoretest.On(t, events.Store, configstore.Options{})
		writer.MustSet(t, "a", "1")
		writer.MustSet(t, "a", "2")
		at := writer.MustSet(t, "a", "3").Position.String()

		answer := make(chan string)
		go func() {
			query := `{"query":"query($after:String){history(name:\"a\",after:$after){nodes{version}} bounds{head}}","variables":{"after":"` + id("1h"+at+" 3 a") + `"}}`
			answer <- serve(t.Context(), graph.NewHandler(store.Store, graph.Options{}), query)
		}()
		synctest.Wait()
		close(events.heard)
		if got, want := plain(<-answer), `{"data":{"history":{"nodes":[{"version":2},{"version":1}]},"bounds":{"head":"@0"}}}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
