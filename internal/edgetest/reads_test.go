package edgetest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"configapi/graph"
	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/edgetest"
	"configapi/internal/feed"
	"configapi/internal/rest"
)

const (
	state    = `name operation value version position changeSet committedAt actor reason reverts erased`
	revision = state + ` oldValue`
)

// TestPagesAreThoseOfGraphQL: what REST answers to a read of many changes has the members and the
// values of GraphQL's fields.
func TestPagesAreThoseOfGraphQL(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	inREST := restEdge{start(t, rest.New(store.Store, rest.Options{}))}
	inGraphQL := overPost(start(t, graph.NewHandler(store.Store, graph.Options{})))
	store.MustSet(t, "p/a", "1")
	from := store.Reader(auth.Anonymous).Head().Position().String()
	store.MustSet(t, "p/a/b", "1")
	done := inREST.Apply(t, edgetest.ChangeSet{Changes: []edgetest.Change{
		{Kind: "set", Input: `"name":"p/a","value":"2"`}, {Kind: "delete", Input: `"name":"p/a/b"`}, {Kind: "set", Input: `"name":"q/a","value":"3"`},
	}, Members: `"reason":"é"`})
	inREST.RevertSet(t, done.Position, `"reason":"x"`)
	store.MustDelete(t, "p/a/b")

	at := url.QueryEscape(from)
	for path, query := range map[string]string{
		"/changes?first=2":                                   `changes(first:2){changes{` + revision + `} position caughtUp}`,
		"/changes?prefix=p&after=" + at:                      `changes(filter:{prefix:"p"},after:"` + from + `"){changes{` + revision + `} position caughtUp}`,
		"/changes/recent":                                    `recentChanges{revisions:nodes{` + revision + `} position}`,
		"/changes/recent?prefix=p&operation=UPDATED&first=1": `recentChanges(filter:{prefix:"p",operations:[UPDATED]},first:1){revisions:nodes{` + revision + `} position}`,
		"/changes/recent?name=p/a":                           `recentChanges(filter:{names:["p/a"]}){revisions:nodes{` + revision + `} position}`,
		"/deleted?contains=A":                                `deletedConfigs(contains:"A"){revisions:nodes{` + revision + `} position}`,
		"/diff?from=0-00000000&to=" + at:                     `diff(from:{position:"0-00000000"},to:{position:"` + from + `"}){` + differences + `}`,
		"/diff?from=" + at:                                   `diff(from:{position:"` + from + `"}){` + differences + `}`,
		"/diff?from=" + at + "&prefix=p&toPrefix=q":          `diff(from:{position:"` + from + `"},filter:{prefix:"p"},toPrefix:"q"){` + differences + `}`,
	} {
		_, text := inREST.ask(t, "GET "+path, jsonType, "")
		var got map[string]any
		var want struct{ Data map[string]map[string]any }
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%s: %q: %v", path, text, err)
		}
		_, text = inGraphQL.transport(t, jsonType, envelope("{"+query+"}"))
		if err := json.Unmarshal([]byte(text), &want); err != nil || len(want.Data) != 1 {
			t.Fatalf("%s: %q: %v", query, text, err)
		}
		for _, fields := range want.Data {
			if diff := cmp.Diff(fields, got); diff != "" {
				t.Errorf("%s (-GraphQL +REST)\n%s", path, diff)
			}
		}
	}
}

// TestPastIsThatOfGraphQL reads the list of each position, whole and in pages, from all stores.
func TestPastIsThatOfGraphQL(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			store := configstoretest.On(t, open(t), configstore.Options{Feed: feed.Options{RingEvents: 1}})
			inREST := restEdge{start(t, rest.New(store.Store, rest.Options{}))}
			inGraphQL := overPost(start(t, graph.NewHandler(store.Store, graph.Options{})))
			var positions []string
			for _, change := range []func(){
				func() { store.MustSet(t, "p/a", "1") }, func() { store.MustSet(t, "p/b", "\n") }, func() { store.MustSet(t, "p/a", "2") },
				func() { store.MustDelete(t, "p/b") }, func() { store.MustSet(t, "p2", "1") }, func() { store.MustRestore(t, "p/b") },
			} {
				change()
				positions = append(positions, store.Reader(auth.Anonymous).Head().Position().String())
			}
			for _, at := range positions {
				_, text := inGraphQL.transport(t, jsonType, envelope(`{asOf(at:{position:"`+at+`"}){configs(filter:{prefix:"p"}){nodes{name value version position}}}}`))
				var want struct {
					Data struct {
						AsOf struct{ Configs struct{ Nodes []pastConfig } }
					}
				}
				if err := json.Unmarshal([]byte(text), &want); err != nil || want.Data.AsOf.Configs.Nodes == nil {
					t.Fatalf("%s: %v", text, err)
				}
				for _, first := range []string{"", "&first=500"} {
					_, text := inREST.ask(t, "GET /config?view=full&prefix=p&at="+at+first, jsonType, "")
					var got []pastConfig
					if err := json.Unmarshal([]byte(text), &got); err != nil {
						t.Fatalf("%s: %v", text, err)
					}
					if diff := cmp.Diff(want.Data.AsOf.Configs.Nodes, got); diff != "" {
						t.Errorf("at %s (-GraphQL +REST)\n%s", at, diff)
					}
				}
			}
		})
	}
}

type pastConfig struct {
	Name, Value, Position string
	Version               int
}

const differences = `from to differences:nodes{name before{` + state + `} after{` + state + `} changes{` + revision + `} moreChanges}`

// TestActorsThatNobodyCanHave: a text that no actor can be is refused on all stores alike.
func TestActorsThatNobodyCanHave(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			store := configstoretest.On(t, open(t), configstore.Options{})
			store.MustSet(t, "a", "1")
			inREST := restEdge{start(t, rest.New(store.Store, rest.Options{}))}
			inGraphQL := overPost(start(t, graph.NewHandler(store.Store, graph.Options{})))
			for actor, rule := range map[string]string{"": "actor is empty", "a%00": "actor holds a NUL character (U+0000)", "%ff": "actor is not valid UTF-8"} {
				if status, text := inREST.ask(t, "GET /changes/recent?actor="+actor, jsonType, ""); status != http.StatusBadRequest || !strings.Contains(text, rule) {
					t.Errorf("%s: got %d %s, want 400 with %q", actor, status, text, rule)
				}
			}
			_, text := inGraphQL.transport(t, jsonType, envelope(`{recentChanges(filter:{actor:"a\u0000"}){position}}`))
			if !strings.Contains(text, `"message":"actor holds a NUL character (U+0000)"`) || !strings.Contains(text, "INVALID_INPUT") {
				t.Errorf("got %s", text)
			}
		})
	}
}
