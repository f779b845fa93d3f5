package graph_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"configapi/graph"
	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/edgetest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// twoNodes are on one history, in which the config "a" is "old". The second falls behind while
// the Delayed store hides what the first writes.
func twoNodes(t *testing.T, wait time.Duration) (first *configstoretest.Store, second *api, late *edgetest.Delayed) {
	t.Helper()
	events := memory.New()
	late = edgetest.NewDelayed(events)
	first = configstoretest.On(t, events, configstore.Options{Now: clock()})
	first.MustSet(t, "a", "old")
	return first, MustServe(t, late, configstore.Options{PositionWait: wait}, graph.Options{}), late
}

// TestOneFieldThatWaitsHasAllOfThemWait shows that a query reads at one position, which is fresh
// enough for each of its fields.
func TestOneFieldThatWaitsHasAllOfThemWait(t *testing.T) {
	first, second, late := twoNodes(t, time.Minute)
	for _, query := range []string{
		`{plain:config(name:"a"){revision{position}} fresh:config(name:"b",consistency:LINEARIZABLE){name} bounds{head}}`,
		`{plain:config(name:"a"){revision{position}} bounds{head} fresh:configs(atLeast:"POSITION"){nodes{name}}}`,
		`query($p:Position){plain:config(name:"a"){revision{position}} bounds{head} ...F} fragment F on Query {fresh:config(name:"b",atLeast:$p){name}}`,
		`query($c:Consistency){bounds{head} ... on Query {fresh:configs(consistency:$c){nodes{name}}} plain:config(name:"a"){revision{position}}}`,
		`query($c:Consistency=LINEARIZABLE){bounds{head} fresh:configs(consistency:$c){nodes{name}} plain:config(name:"a"){revision{position}}}`,
	} {
		show := late.Hide()
		old := first.MustSet(t, "a", "old").Position.String()
		want := first.MustSet(t, "a", "new").Position.String()
		variables := vars{}
		if strings.Contains(query, "$p") {
			variables["p"] = want
		}
		if strings.Contains(query, "$c:Consistency)") {
			variables["c"] = "LINEARIZABLE"
		}
		// One field asks for less than another: the one that asks for most decides.
		query = strings.Replace(strings.Replace(query, "POSITION", want, 1), "bounds{head}", `bounds{head} less:config(name:"a",atLeast:"`+old+`"){name}`, 1)
		answered := make(chan string, 1)
		go func() { answered <- second.MustPostRaw(t, query, variables) }()
		show()
		got := <-answered
		if strings.Contains(got, "errors") || strings.Count(got, want) != 2 {
			t.Errorf("%s %v: got %s, want both fields at %s", query, variables, got, want)
		}
	}
}

// TestFieldsThatCannotBeFreshFailAlone asks a node that is behind.
func TestFieldsThatCannotBeFreshFailAlone(t *testing.T) {
	first, second, late := twoNodes(t, time.Millisecond)
	known := first.Reader(auth.Anonymous).Head().Position()
	t.Cleanup(late.Hide())
	unseen := first.MustSet(t, "a", "new").Position.String()
	foreign := eventstore.Position{Seq: known.Seq, Prefix: [4]byte{1}}.String()
	for argument, code := range map[string]string{
		`consistency:LINEARIZABLE`:                           "POSITION_NOT_REACHED",
		`atLeast:"` + unseen + `"`:                           "POSITION_NOT_REACHED",
		`atLeast:"` + foreign + `"`:                          "POSITION_UNKNOWN",
		`atLeast:"` + foreign + `",consistency:LOCAL`:        "POSITION_UNKNOWN",
		`atLeast:"` + known.String() + `"`:                   "",
		`atLeast:"` + known.String() + `",consistency:LOCAL`: "",
		`atLeast:null,consistency:null`:                      "",
		`atLeast:"0-00000000"`:                               "",
	} {
		for _, field := range []string{`config(name:"a",` + argument + `){name}`, `configs(` + argument + `){totalCount}`} {
			query := `{fresh:` + field + ` plain:config(name:"a"){value}}`
			got := second.MustPostRaw(t, query, nil)
			if !strings.Contains(got, `"plain":{"value":"old"}`) {
				t.Errorf("%s: got %s, want the other field to be answered", query, got)
			}
			if code != "" && (!strings.Contains(got, `"code":"`+code+`"`) || !strings.Contains(got, `"path":["fresh"]`)) || code == "" && strings.Contains(got, "errors") {
				t.Errorf("%s: got %s, want %q", query, got, code)
			}
		}
	}
	second.wantRefused(t, `{config(name:"a",atLeast:"1"){name} plain:config(name:"a"){value}}`, nil, "POSITION_UNKNOWN", "looks like")
	second.wantRefused(t, `{config(name:"a",consistency:STRONG){name}}`, nil, "GRAPHQL_VALIDATION_FAILED", "STRONG")
}

// headless is an event store whose head cannot be read while it is unreachable.
type headless struct {
	*memory.Store
	unreachable atomic.Bool
}

func (h *headless) Head(ctx context.Context) (eventstore.Head, error) {
	if h.unreachable.Load() {
		return eventstore.Head{}, errSecret
	}
	return h.Store.Head(ctx)
}

// TestFreshFieldsWhileTheStoreIsUnreachable shows that a node says when it cannot know how fresh it
// is.
func TestFreshFieldsWhileTheStoreIsUnreachable(t *testing.T) {
	events := &headless{Store: memory.New()}
	a := MustServe(t, events, configstore.Options{}, graph.Options{})
	a.MustSet(t, "a", "1")
	events.unreachable.Store(true)
	got := a.MustPost(t, `{fresh:config(name:"a",consistency:LINEARIZABLE){name} plain:config(name:"a"){value}}`, nil)
	want := `"message":"the store is not available; try again later","path":["fresh"]`
	if !strings.Contains(got, want) || !strings.Contains(got, `"code":"UNAVAILABLE"`) || !strings.Contains(got, `"plain":{"value":"1"}`) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestPagesStayWhereTheFirstIs shows what freshness means for pages after the first.
func TestPagesStayWhereTheFirstIs(t *testing.T) {
	a := MustStart(t)
	for _, name := range []string{"a", "b", "c"} {
		a.MustSet(t, name, "1")
	}
	const query = `query($after:String,$p:Position,$c:Consistency){configs(first:2,after:$after,atLeast:$p,consistency:$c){position pageInfo{endCursor}}}`
	first := a.head()
	cursor := MustGet[string](t, a, query, vars{"p": first}, "configs", "pageInfo", "endCursor")
	a.MustSet(t, "b", "2")
	for _, variables := range []vars{{"p": first}, {"c": "LINEARIZABLE"}, {"p": first, "c": "LINEARIZABLE"}, {}} {
		variables["after"] = cursor
		if got := MustGet[string](t, a, query, variables, "configs", "position"); got != first {
			t.Errorf("%v: the second page is at %s, want %s", variables, got, first)
		}
	}
	a.wantRefused(t, query, vars{"after": cursor, "p": a.head()}, "INVALID_INPUT", "older than atLeast")
}
