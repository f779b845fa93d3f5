package graph_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestConfigsFilter(t *testing.T) {
	a := MustStart(t)
	for _, name := range []string{"payments/timeout", "payments", "payments2", "payments/b/c", "a", "gone", "payments/gone"} {
		a.MustSet(t, name, "v")
	}
	a.MustDelete(t, "gone")
	a.MustDelete(t, "payments/gone")
	const byVariable = `query($f:ConfigFilterInput){configs(filter:$f){totalCount nodes{name}}}`
	for _, row := range []struct {
		literal string
		filter  vars
		want    []string
	}{
		{`null`, nil, []string{"a", "payments", "payments/b/c", "payments/timeout", "payments2"}},
		{`{}`, vars{}, []string{"a", "payments", "payments/b/c", "payments/timeout", "payments2"}},
		{`{prefix:null,names:null}`, vars{"prefix": nil, "names": nil}, []string{"a", "payments", "payments/b/c", "payments/timeout", "payments2"}},
		{`{prefix:""}`, vars{"prefix": ""}, []string{"a", "payments", "payments/b/c", "payments/timeout", "payments2"}},
		{`{prefix:"payments"}`, vars{"prefix": "payments"}, []string{"payments", "payments/b/c", "payments/timeout"}},
		{`{prefix:"payments/"}`, vars{"prefix": "payments/"}, []string{"payments", "payments/b/c", "payments/timeout"}},
		{`{prefix:"pay"}`, vars{"prefix": "pay"}, nil},
		{`{names:[]}`, vars{"names": []string{}}, nil},
		{`{names:"a"}`, vars{"names": "a"}, []string{"a"}},
		{`{names:["payments2","gone","a","a","never"]}`, vars{"names": []string{"payments2", "gone", "a", "a", "never"}}, []string{"a", "payments2"}},
		{`{prefix:"payments",names:["a","payments/timeout","payments2"]}`, vars{"prefix": "payments", "names": []string{"a", "payments/timeout", "payments2"}}, []string{"payments/timeout"}},
		{`{prefix:"payments",names:[]}`, vars{"prefix": "payments", "names": []string{}}, nil},
	} {
		nodes := make([]string, len(row.want))
		for i, name := range row.want {
			nodes[i] = `{"name":"` + name + `"}`
		}
		want := fmt.Sprintf(`{"data":{"configs":{"totalCount":%d,"nodes":[%s]}}}`, len(nodes), strings.Join(nodes, ","))
		a.want(t, `{configs(filter:`+row.literal+`){totalCount nodes{name}}}`, nil, want)
		a.want(t, byVariable, vars{"f": row.filter}, want)
	}
	a.want(t, `query($n:[ConfigName!]){configs(filter:{names:$n}){totalCount}}`, nil, `{"data":{"configs":{"totalCount":5}}}`)

	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprint("n", i)
	}
	for _, row := range []struct {
		filter     vars
		code, says string
	}{
		{vars{"names": many}, "INVALID_INPUT", "names has 101 names; at most 100 are allowed"},
		{vars{"names": []string{"a", "b", "c//d"}}, "INVALID_INPUT", "names[2] has an empty segment"},
		{vars{"names": []any{"a", 5}}, "INVALID_INPUT", "name must be a string"},
		{vars{"names": []any{"a", nil}}, "GRAPHQL_VALIDATION_FAILED", "must not be null"},
		{vars{"prefix": "/"}, "INVALID_INPUT", "prefix is empty"},
		{vars{"prefix": "a//"}, "INVALID_INPUT", "prefix has an empty segment"},
		{vars{"prefix": ".."}, "INVALID_INPUT", "prefix has a segment that is . or .."},
		{vars{"prefix": 5}, "GRAPHQL_VALIDATION_FAILED", "must be a string"},
		{vars{"suffix": "a"}, "GRAPHQL_VALIDATION_FAILED", "is not known"},
	} {
		a.wantRefused(t, byVariable, vars{"f": row.filter}, row.code, row.says)
	}
	a.want(t, byVariable, vars{"f": vars{"names": many[:100]}}, `{"data":{"configs":{"totalCount":0,"nodes":[]}}}`)
}

// pageOf is one page of any connection.
type pageOf struct {
	Edges []struct {
		Cursor string
		Node   item
	}
	Nodes    []item
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	TotalCount *int
	Position   string
}

type item struct {
	Name    string
	Version int
	Value   *string
}

const page = `{edges{cursor node{name version value}} nodes{name version value} pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}`

// check checks what holds for every page.
func (p pageOf) check(t testing.TB, after *string) {
	t.Helper()
	if p.PageInfo.HasPreviousPage != (after != nil) || len(p.Edges) != len(p.Nodes) {
		t.Errorf("got %+v, %d edges and %d nodes", p.PageInfo, len(p.Edges), len(p.Nodes))
	}
	if len(p.Edges) == 0 {
		if p.PageInfo.StartCursor != nil || p.PageInfo.EndCursor != nil || p.PageInfo.HasNextPage {
			t.Errorf("got %+v for an empty page", p.PageInfo)
		}
		return
	}
	if first, last := p.Edges[0].Cursor, p.Edges[len(p.Edges)-1].Cursor; *p.PageInfo.StartCursor != first ||
		p.PageInfo.HasNextPage != (p.PageInfo.EndCursor != nil) || p.PageInfo.HasNextPage && *p.PageInfo.EndCursor != last {
		t.Errorf("got %+v for cursors from %s to %s", p.PageInfo, first, last)
	}
	for i, edge := range p.Edges {
		if edge.Node.Name != p.Nodes[i].Name || edge.Node.Version != p.Nodes[i].Version {
			t.Errorf("edge %d: got %+v, want %+v", i, edge.Node, p.Nodes[i])
		}
	}
}

// MustPage reads all pages of a connection, and calls between after each. The document has the
// variables first and after.
func MustPage(t testing.TB, a *api, doc string, first int, between func(pageOf), path ...string) (all []item) {
	t.Helper()
	var after *string
	for {
		p := MustGet[pageOf](t, a, doc, vars{"first": first, "after": after}, path...)
		p.check(t, after)
		all = append(all, p.Nodes...)
		if between != nil {
			between(p)
		}
		if !p.PageInfo.HasNextPage {
			return all
		}
		if after = p.PageInfo.EndCursor; len(p.Nodes) != first {
			t.Fatalf("got %d items and more to come, want %d", len(p.Nodes), first)
		}
	}
}

// TestConfigsPages reads pages while writes go on. All pages are at the position of the first.
func TestConfigsPages(t *testing.T) {
	const doc = `query($first:Int,$after:String){configs(first:$first,after:$after){totalCount position edges{cursor node{name version value}} nodes{name version value} pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}}`
	for _, first := range []int{1, 7, 24, 25, 26, 500} {
		a := MustStart(t)
		var want []string
		for i := range 25 {
			want = append(want, fmt.Sprintf("n%02d", i))
			a.MustSet(t, want[i], "before")
		}
		a.MustSet(t, "n24x", "before")
		a.MustDelete(t, "n24x")
		position, pages := a.head(), 0
		got := MustPage(t, a, doc, first, func(p pageOf) {
			if p.Position != position || *p.TotalCount != len(want) {
				t.Errorf("got position %s, %d configs, want %s, %d", p.Position, *p.TotalCount, position, len(want))
			}
			a.MustSet(t, fmt.Sprintf("n%02d-new", pages), "later") // sorted between the others
			a.MustSet(t, "n24", "later")
			a.MustDelete(t, fmt.Sprintf("n%02d", 23-pages%20))
			if pages%20 == 19 {
				for i := range 20 {
					a.MustRestore(t, fmt.Sprintf("n%02d", 23-i))
				}
			}
			pages++
		}, "configs")
		var names []string
		for _, c := range got {
			names = append(names, c.Name)
			if *c.Value != "before" || c.Version != 1 {
				t.Errorf("first %d: got what %s became later: %+v", first, c.Name, c)
			}
		}
		if !slices.Equal(names, want) {
			t.Errorf("first %d: got %q", first, names)
		}
	}
}

func TestPageSizes(t *testing.T) {
	a := MustStart(t)
	for i := range 60 {
		a.MustSet(t, fmt.Sprintf("n%02d", i), "v")
		a.MustSet(t, "a", fmt.Sprint(i))
	}
	size := func(doc string, variables vars, path ...string) int {
		t.Helper()
		return len(MustGet[[]any](t, a, doc, variables, path...))
	}
	for _, connection := range []struct {
		doc       string // with %s for its arguments
		path      []string
		otherwise int
	}{
		{`configs%s{nodes{name}}`, []string{"configs", "nodes"}, 50},
		{`history(name:"a"%s){nodes{version}}`, []string{"history", "nodes"}, 20},
		{`config(name:"a"){history%s{nodes{version}}}`, []string{"config", "history", "nodes"}, 20},
		{`asOf(at:{time:"2999-01-01T00:00:00Z"}){configs%s{nodes{name}}}`, []string{"asOf", "configs", "nodes"}, 50},
		{`changes%s{changes{name}}`, []string{"changes", "changes"}, 50},
	} {
		with := func(arguments string) string {
			if !strings.Contains(connection.doc, "(name:\"a\"%s)") && arguments != "" {
				arguments = "(" + arguments + ")"
			}
			return fmt.Sprintf(connection.doc, arguments)
		}
		for _, doc := range []string{`{` + with("") + `}`, `{` + with("first:null") + `}`, `query($first:Int){` + with("first:$first") + `}`} {
			if got := size(doc, nil, connection.path...); got != connection.otherwise {
				t.Errorf("%s: got %d items, want %d", doc, got, connection.otherwise)
			}
		}
		byVariable := `query($first:Int=3){` + with("first:$first") + `}`
		for given, want := range map[any]int{nil: connection.otherwise, 1: 1, 33: 33} {
			if got := size(byVariable, vars{"first": given}, connection.path...); got != want {
				t.Errorf("%s with %v: got %d items, want %d", byVariable, given, got, want)
			}
		}
		if got := size(byVariable, nil, connection.path...); got != 3 {
			t.Errorf("%s: got %d items, want 3", byVariable, got)
		}
		if got := size(byVariable, vars{"first": 500}, connection.path...); got < 60 {
			t.Errorf("%s with 500: got %d items", byVariable, got)
		}
		for _, first := range []int{0, -1, 501, 2147483647, -2147483648} {
			want := fmt.Sprintf("first is %d; it must be 1 to 500", first)
			a.wantRefused(t, byVariable, vars{"first": first}, "INVALID_INPUT", want)
			a.wantRefused(t, `{`+with(fmt.Sprint("first:", first))+`}`, nil, "INVALID_INPUT", want)
		}
		a.wantRefused(t, byVariable, vars{"first": int64(1) << 31}, "GRAPHQL_VALIDATION_FAILED", "32 bits")
		a.wantRefused(t, byVariable, vars{"first": "5"}, "GRAPHQL_VALIDATION_FAILED", "whole")
	}
}

// list is a document with the variable after, and the path to its connection.
type list struct {
	doc  string
	path []string
}

// lists are all lists with cursors of items. The snapshot among them is of the position past.
func lists(past string) map[string]list {
	return map[string]list{
		"configs":        {`query($after:String){configs(first:1,after:$after)` + page + `}`, []string{"configs"}},
		"history of a":   {`query($after:String){history(name:"a",first:1,after:$after)` + page + `}`, []string{"history"}},
		"history of b":   {`query($after:String){config(name:"b"){history(first:1,after:$after)` + page + `}}`, []string{"config", "history"}},
		"as of the end":  {`query($after:String){asOf(at:{time:"2999-01-01T00:00:00Z"}){configs(first:1,after:$after)` + page + `}}`, []string{"asOf", "configs"}},
		"changed":        {`query($after:String){configs(orderBy:CHANGED,first:1,after:$after)` + page + `}`, []string{"configs"}},
		"changed with a": {`query($after:String){configs(orderBy:CHANGED,contains:"a",first:1,after:$after)` + page + `}`, []string{"configs"}},
		"recent":         {`query($after:String){recentChanges(first:1,after:$after)` + page + `}`, []string{"recentChanges"}},
		"recent of a":    {`query($after:String){recentChanges(filter:{names:["a"]},first:1,after:$after)` + page + `}`, []string{"recentChanges"}},
		"deleted":        {`query($after:String){deletedConfigs(first:1,after:$after)` + page + `}`, []string{"deletedConfigs"}},
		"as of 3":        {`query($after:String){asOf(at:{position:` + past + `}){configs(first:1,after:$after)` + page + `}}`, []string{"asOf", "configs"}},
	}
}

// TestCursors sends cursors of other pages.
func TestCursors(t *testing.T) {
	a, other := MustStart(t), MustStart(t)
	for _, each := range []*api{a, other} {
		for _, name := range []string{"a", "b", "c", "a"} {
			each.MustSet(t, name, "v")
		}
		each.MustSet(t, "gone", "v")
		each.MustDelete(t, "gone")
	}
	docs := lists(`"` + a.at(t, 3) + `"`)
	cursors := map[string]string{
		"nothing":      "",
		"text":         "a",
		"not base64":   "!!!!",
		"no key":       id("1c" + a.at(t, 4)),
		"empty key":    id("1c" + a.at(t, 4) + " "),
		"format":       id("2c" + a.at(t, 4) + " a"),
		"kind":         id("1x" + a.at(t, 4) + " a"),
		"position":     id("1c4-00000000 a"),
		"no position":  id("1c a"),
		"version":      id("1h" + a.at(t, 4) + " x a"),
		"version 0":    id("1h" + a.at(t, 4) + " 0 a"),
		"huge":         id("1h" + a.at(t, 4) + " 99999999999 a"),
		"negative":     id("1h" + a.at(t, 4) + " -1 a"),
		"node":         id("c:a"),
		"no arguments": id("1o" + a.at(t, 4) + " 4"),
		"no seq":       id("1r" + a.at(t, 4) + " " + argumentsOf(t, a) + " "),
		"seq 0":        id("1r" + a.at(t, 4) + " " + argumentsOf(t, a) + " 0"),
		"seq 04":       id("1r" + a.at(t, 4) + " " + argumentsOf(t, a) + " 04"),
		"seq ahead":    id("1r" + a.at(t, 4) + " " + argumentsOf(t, a) + " 5"),
	}
	for name, from := range docs {
		if name == "as of 3" {
			continue // has the position of another history
		}
		p := MustGet[pageOf](t, other, from.doc, nil, from.path...)
		cursors["of another store: "+name] = p.Edges[0].Cursor
	}
	for name, from := range docs {
		p := MustGet[pageOf](t, a, from.doc, nil, from.path...)
		own := p.Edges[0].Cursor
		if after := MustGet[pageOf](t, a, from.doc, vars{"after": own}, from.path...); len(after.Nodes)+len(p.Nodes) > 1 && after.Nodes[0] == p.Nodes[0] {
			t.Errorf("%s: the next page begins like the one before", name)
		}
		cursors["of "+name] = own
	}
	for into, doc := range docs {
		for name, cursor := range cursors {
			if name != "of "+into {
				got := a.MustRefuse(t, doc.doc, vars{"after": cursor})
				if got.code() != "INVALID_INPUT" || got.Message != "after must be a cursor that this server gave for these pages" {
					t.Errorf("%s after %q: got %v", into, name, got)
				}
			}
		}
	}
}

// argumentsOf returns what stands for the arguments of recentChanges in its cursors.
func argumentsOf(t *testing.T, a *api) string {
	t.Helper()
	cursor := MustGet[string](t, a, `{recentChanges(first:1){pageInfo{endCursor}}}`, nil, "recentChanges", "pageInfo", "endCursor")
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))[1]
}

// TestCursorBeyondHead has a cursor of a node that is ahead: the query waits for its position. A
// cursor that no node can have given is refused at once.
func TestCursorBeyondHead(t *testing.T) {
	first, a, late := twoNodes(t, 1)
	t.Cleanup(late.Hide())
	first.MustSet(t, "a", "1")
	for _, row := range []struct{ doc, cursor, beyond string }{
		{`query($after:String){configs(after:$after){totalCount}}`, id("1c2-00000000 a"), id("1c9-00000000 a")},
		{`query($after:String){history(name:"a",after:$after){nodes{version}}}`, id("1h2-00000000 1 a"), id("1h9-00000000 1 a")},
		{`query($after:String){history(name:"a",after:$after){nodes{version}}}`, id("1h2-00000000 2 a"), id("1h9-00000000 2 a")},
	} {
		a.wantRefused(t, row.doc, vars{"after": row.cursor}, "POSITION_NOT_REACHED", "was not reached in time")
		a.wantRefused(t, row.doc, vars{"after": row.beyond}, "INVALID_INPUT", "must be a cursor that this server gave")
	}
}
