package graph_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const difference = `{from to totalCount nodes{name before{value version} after{value version oldValue} changes{operation value} moreChanges} pageInfo{hasNextPage hasPreviousPage endCursor}}`

func TestDiff(t *testing.T) {
	a := mustTravel(t) // a: 1, 2; b: 1, deleted, restored
	for _, row := range []struct{ from, to, want string }{
		{`{position:"` + a.at(t, 0) + `"}`, `null`, `"from":"@0","to":"@5","totalCount":2,"nodes":[` +
			`{"name":"a","before":null,"after":{"value":"2","version":2,"oldValue":"1"},"changes":[{"operation":"CREATED","value":"1"},{"operation":"UPDATED","value":"2"}],"moreChanges":false},` +
			`{"name":"b","before":null,"after":{"value":"1","version":3,"oldValue":null},"changes":[{"operation":"CREATED","value":"1"},{"operation":"DELETED","value":null},{"operation":"RESTORED","value":"1"}],"moreChanges":false}]`},
		// b is as it was, so only a differs.
		{`{time:"2026-01-01T00:00:01Z"}`, `{position:"` + a.at(t, 5) + `"}`, `"from":"@2","to":"@5","totalCount":1,"nodes":[` +
			`{"name":"a","before":{"value":"1","version":1},"after":{"value":"2","version":2,"oldValue":"1"},"changes":[{"operation":"UPDATED","value":"2"}],"moreChanges":false}]`},
		{`{position:"` + a.at(t, 3) + `"}`, `{time:"2026-01-01T00:00:03Z"}`, `"from":"@3","to":"@4","totalCount":1,"nodes":[` +
			`{"name":"b","before":{"value":"1","version":1},"after":null,"changes":[{"operation":"DELETED","value":null}],"moreChanges":false}]`},
		// Back in time, no changes lead from one to the other.
		{`{time:"2999-01-01T00:00:00Z"}`, `{position:"` + a.at(t, 1) + `"}`, `"from":"@5","to":"@1","totalCount":2,"nodes":[` +
			`{"name":"a","before":{"value":"2","version":2},"after":{"value":"1","version":1,"oldValue":null},"changes":[],"moreChanges":false},` +
			`{"name":"b","before":{"value":"1","version":3},"after":null,"changes":[],"moreChanges":false}]`},
		{`{time:"2999-01-01T00:00:00Z"}`, `null`, `"from":"@5","to":"@5","totalCount":0,"nodes":[]`},
	} {
		a.want(t, `{diff(from:`+row.from+`,to:`+row.to+`)`+difference+`}`, nil,
			`{"data":{"diff":{`+row.want+`,"pageInfo":{"hasNextPage":false,"hasPreviousPage":false,"endCursor":null}}}}`)
	}
	a.want(t, `{diff(from:{time:"2000-01-01T00:00:00Z"},filter:{prefix:"b"}){nodes{name}}}`, nil, `{"data":{"diff":{"nodes":[{"name":"b"}]}}}`)
	a.want(t, `{diff(from:{time:"2000-01-01T00:00:00Z"},filter:{names:["a","x"]}){totalCount edges{node{name}}}}`, nil, `{"data":{"diff":{"totalCount":1,"edges":[{"node":{"name":"a"}}]}}}`)
}

// TestDiffHasTheNewestChanges has more changes between two moments than a difference shows.
func TestDiffHasTheNewestChanges(t *testing.T) {
	a := MustStart(t)
	for i := range 25 {
		a.MustSet(t, "a", fmt.Sprint(i))
	}
	type change struct{ Version int }
	got := MustGet[[]struct {
		Changes     []change
		MoreChanges bool
	}](t, a, `{diff(from:{time:"2000-01-01T00:00:00Z"}){nodes{changes{version} moreChanges}}}`, nil, "diff", "nodes")
	if len(got) != 1 || len(got[0].Changes) != 20 || !got[0].MoreChanges || got[0].Changes[0].Version != 6 || got[0].Changes[19].Version != 25 {
		t.Errorf("got %+v", got)
	}
	a.want(t, `{diff(from:{time:"2000-01-01T00:00:00Z"}){nodes{moreChanges}}}`, nil, `{"data":{"diff":{"nodes":[{"moreChanges":true}]}}}`)
}

func TestDiffOfPrefixes(t *testing.T) {
	a := MustStart(t)
	for _, set := range [][2]string{{"staging/a", "1"}, {"prod/a", "1"}, {"staging/b", "1"}, {"prod/b", "2"}, {"staging/c", "1"}, {"prod/d", "1"}, {"other", "1"}} {
		a.MustSet(t, set[0], set[1])
	}
	a.want(t, `{diff(from:{time:"2999-01-01T00:00:00Z"},filter:{prefix:"staging"},toPrefix:"prod/"){totalCount nodes{name before{name value} after{name value} changes{value} moreChanges}}}`, nil,
		`{"data":{"diff":{"totalCount":3,"nodes":[`+
			`{"name":"staging/b","before":{"name":"staging/b","value":"1"},"after":{"name":"prod/b","value":"2"},"changes":[],"moreChanges":false},`+
			`{"name":"staging/c","before":{"name":"staging/c","value":"1"},"after":null,"changes":[],"moreChanges":false},`+
			`{"name":"staging/d","before":null,"after":{"name":"prod/d","value":"1"},"changes":[],"moreChanges":false}]}}}`)
	const now = `{diff(from:{time:"2999-01-01T00:00:00Z"},`
	for _, arguments := range []string{`toPrefix:"prod"`, `toPrefix:"",filter:{prefix:"staging"}`, `toPrefix:"a//b",filter:{prefix:"staging"}`, `toPrefix:"prod",filter:{prefix:"staging",names:["staging/a"]}`} {
		if got := a.MustRefuse(t, now+arguments+`){totalCount}}`, nil); got.code() != "INVALID_INPUT" {
			t.Errorf("%s: got %v", arguments, got)
		}
	}
}

func TestDiffRefusesMoments(t *testing.T) {
	a, other := mustTravel(t), mustTravel(t)
	for _, field := range []string{"from", "to"} {
		doc := `query($at:AsOfInput!){diff(` + field + `:$at){from}}`
		if field == "to" {
			doc = `query($at:AsOfInput!){diff(from:{time:"2026-01-01T00:00:00Z"},to:$at){from}}`
		}
		for _, row := range []struct {
			at         any
			code, says string
		}{
			{vars{"position": other.at(t, 3)}, "POSITION_UNKNOWN", "this history never handed out that position"},
			{vars{"position": "99-00000000"}, "POSITION_UNKNOWN", "this history never handed out that position"},
			{vars{"position": "x"}, "POSITION_UNKNOWN", ""},
			{vars{"time": "2026-01-01"}, "INVALID_INPUT", ""},
			{vars{}, "GRAPHQL_VALIDATION_FAILED", "exactly one"},
			{vars{"time": nil}, "GRAPHQL_VALIDATION_FAILED", "exactly one"},
			{vars{"time": "2026-01-01T00:00:00Z", "position": a.at(t, 1)}, "GRAPHQL_VALIDATION_FAILED", "exactly one"},
		} {
			a.wantRefused(t, doc, vars{"at": row.at}, row.code, row.says)
		}
	}
	for _, first := range []int{0, -1, 501} {
		a.wantRefused(t, `query($n:Int){diff(from:{time:"2026-01-01T00:00:00Z"},first:$n){from}}`, vars{"n": first}, "INVALID_INPUT", "it must be 1 to 500")
	}
}

type diffOf struct {
	From, To string
	Edges    []struct {
		Cursor string
		Node   struct{ Name string }
	}
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
}

const diffDoc = `query($first:Int,$after:String){diff(from:{time:"2026-01-01T00:00:00Z"},first:$first,after:$after){from to edges{cursor node{name}} pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}}`

// TestDiffPages reads pages while writes go on. All pages compare the moments of the first, also
// when the second moment is now.
func TestDiffPages(t *testing.T) {
	for _, first := range []int{1, 4, 9, 10, 500} {
		a := MustStart(t)
		a.MustSet(t, "n0", "before")
		var want []string
		for i := range 10 {
			want = append(want, fmt.Sprint("n", i))
			a.MustSet(t, want[i], "after")
		}
		from, to := a.at(t, 1), a.head()
		var got []string
		var after *string
		for pages := 0; ; pages++ {
			d := MustGet[diffOf](t, a, diffDoc, vars{"first": first, "after": after}, "diff")
			if d.From != from || d.To != to || d.PageInfo.HasPreviousPage != (pages > 0) || *d.PageInfo.StartCursor != d.Edges[0].Cursor {
				t.Fatalf("page %d: got %+v, want from %s to %s", pages, d, from, to)
			}
			for _, edge := range d.Edges {
				got = append(got, edge.Node.Name)
			}
			a.MustSet(t, fmt.Sprint("n", pages, "x"), "later")
			a.MustSet(t, "n9", "before")
			if after = d.PageInfo.EndCursor; after == nil {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("first %d: got %q, want %q", first, got, want)
		}
	}
}

func TestRecentChanges(t *testing.T) {
	a := mustTravel(t)
	all := []string{
		`{"name":"b","operation":"RESTORED","position":"@5","oldValue":null}`, `{"name":"b","operation":"DELETED","position":"@4","oldValue":"1"}`,
		`{"name":"a","operation":"UPDATED","position":"@3","oldValue":"1"}`, `{"name":"b","operation":"CREATED","position":"@2","oldValue":null}`,
		`{"name":"a","operation":"CREATED","position":"@1","oldValue":null}`,
	}
	for filter, want := range map[string][]int{
		`null`:                           {0, 1, 2, 3, 4},
		`{}`:                             {0, 1, 2, 3, 4},
		`{prefix:"b"}`:                   {0, 1, 3},
		`{names:["a","c"]}`:              {2, 4},
		`{actor:"ci"}`:                   {},
		`{operations:[CREATED]}`:         {3, 4},
		`{operations:[]}`:                {},
		`{operations:null}`:              {0, 1, 2, 3, 4},
		`{operations:DELETED}`:           {1},
		`{since:"2026-01-01T00:00:02Z"}`: {0, 1, 2},
		`{until:"2026-01-01T00:00:02Z"}`: {3, 4},
		`{since:"2026-01-01T00:00:01Z",until:"2026-01-01T01:00:03+01:00",prefix:"b"}`: {3},
		`{since:"2999-01-01T00:00:00Z"}`:                                              {},
	} {
		var nodes []string
		for _, i := range want {
			nodes = append(nodes, all[i])
		}
		a.want(t, `{recentChanges(filter:`+filter+`){position nodes{name operation position oldValue} pageInfo{hasNextPage endCursor}}}`, nil,
			`{"data":{"recentChanges":{"position":"@5","nodes":[`+strings.Join(nodes, ",")+`],"pageInfo":{"hasNextPage":false,"endCursor":null}}}}`)
	}
	const doc = `query($f:ChangeFilterInput,$n:Int){recentChanges(filter:$f,first:$n){nodes{name}}}`
	for _, row := range []struct {
		variables  vars
		code, says string
	}{
		{vars{"f": vars{"prefix": "a//b"}}, "INVALID_INPUT", "prefix "},
		{vars{"f": vars{"names": slices.Repeat([]string{"a"}, 101)}}, "INVALID_INPUT", "names "},
		{vars{"f": vars{"operations": []string{"MOVED"}}}, "GRAPHQL_VALIDATION_FAILED", "$f.operations[0] must be a value of the enum"},
		{vars{"f": vars{"since": "yesterday"}}, "INVALID_INPUT", ""},
		{vars{"f": vars{"by": "me"}}, "GRAPHQL_VALIDATION_FAILED", "by"},
		{vars{"n": 0}, "INVALID_INPUT", "it must be 1 to 500"},
		{vars{"n": 501}, "INVALID_INPUT", "it must be 1 to 500"},
	} {
		a.wantRefused(t, doc, row.variables, row.code, row.says)
	}
}

// TestPagesOfRecentChanges reads pages while writes go on. All pages are of the position of the
// first.
func TestPagesOfRecentChanges(t *testing.T) {
	const doc = `query($first:Int,$after:String){recentChanges(first:$first,after:$after){position edges{cursor node{name version value}} nodes{name version value} pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}}`
	for _, first := range []int{1, 3, 10, 11, 500} {
		a := MustStart(t)
		for i := range 10 {
			a.MustSet(t, "a", fmt.Sprint(i))
		}
		position := a.head()
		want := 10
		for _, item := range MustPage(t, a, doc, first, func(p pageOf) {
			if p.Position != position {
				t.Errorf("a page is at %s, want %s", p.Position, position)
			}
			a.MustSet(t, "a", "later")
		}, "recentChanges") {
			if item.Version != want {
				t.Fatalf("first %d: got version %d, want %d", first, item.Version, want)
			}
			want--
		}
		if want != 0 {
			t.Errorf("first %d: %d changes are missing", first, want)
		}
	}
}

// TestCursorsOfDiffs sends cursors of other differences, of other lists and of another store.
func TestCursorsOfDiffs(t *testing.T) {
	a, other := mustTravel(t), mustTravel(t)
	const nodes = `{edges{cursor}}`
	docs := map[string]string{
		"diff":       `query($after:String){diff(from:{time:"2026-01-01T00:00:00Z"},first:1,after:$after)` + nodes + `}`,
		"other from": `query($after:String){diff(from:{time:"2026-01-01T00:00:01Z"},first:1,after:$after)` + nodes + `}`,
		"with to":    `query($after:String){diff(from:{time:"2026-01-01T00:00:00Z"},to:{position:"` + a.at(t, 4) + `"},first:1,after:$after)` + nodes + `}`,
		"filtered":   `query($after:String){diff(from:{time:"2026-01-01T00:00:00Z"},filter:{names:["a","b"]},first:1,after:$after)` + nodes + `}`,
		"children":   `query($after:String){children(first:1,after:$after)` + nodes + `}`,
		"of a":       `query($after:String){children(prefix:"a",first:1,after:$after)` + nodes + `}`,
		"recent":     `query($after:String){recentChanges(first:1,after:$after)` + nodes + `}`,
	}
	a.MustSet(t, "a/x", "1")
	other.MustSet(t, "a/x", "1")
	cursors := map[string]string{"nothing": "", "text": "diff"}
	for name, doc := range docs {
		for store, from := range map[string]*api{"": a, " of another store": other} {
			if name == "with to" && from == other {
				continue // it names a position of the other store
			}
			field := strings.SplitN(strings.SplitN(doc, "{", 2)[1], "(", 2)[0]
			cursors[name+store] = MustGet[[]struct{ Cursor string }](t, from, doc, nil, field, "edges")[0].Cursor
		}
	}
	cursors["an unknown from"] = replacedIn(t, cursors["diff"], a.at(t, 1), "1-00000000")
	cursors["a from that no history has"] = replacedIn(t, cursors["diff"], a.at(t, 1), "99-00000000")
	cursors["no from"] = replacedIn(t, cursors["diff"], a.at(t, 1)+" ", "")
	for into, doc := range docs {
		for name, cursor := range cursors {
			if name == into {
				if answer := a.MustPost(t, doc, vars{"after": cursor}); strings.Contains(answer, `"errors"`) {
					t.Errorf("%s after its own cursor: got %s", into, answer)
				}
			} else {
				a.wantRefused(t, doc, vars{"after": cursor}, "INVALID_INPUT", "after must be a cursor that this server gave for these pages")
			}
		}
	}
}

// replacedIn returns a cursor with another text in it.
func replacedIn(t *testing.T, cursor, old, by string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatalf("%q has no %s: %v", text, old, err)
	}
	return id(strings.Replace(string(text), old, by, 1))
}
