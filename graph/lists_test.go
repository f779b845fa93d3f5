package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// mustList returns a store with configs of several prefixes, of which some are deleted.
func mustList(t *testing.T) *api {
	a := MustStart(t)
	for _, name := range []string{"app/a", "app/b/one", "app/b/two", "app/b", "other", "App/c", "app/gone", "app/gone/below"} {
		a.MustSet(t, name, "v of "+name)
	}
	a.MustDelete(t, "app/gone")
	a.MustDelete(t, "app/gone/below")
	a.MustSet(t, "app/a", "2")
	return a
}

func TestConfigsByChange(t *testing.T) {
	a := mustList(t)
	a.want(t, `{configs(orderBy:CHANGED){totalCount position nodes{name version revision{position oldValue}} pageInfo{hasNextPage endCursor}}}`, nil,
		`{"data":{"configs":{"totalCount":6,"position":"@11","nodes":[{"name":"app/a","version":2,"revision":{"position":"@11","oldValue":"v of app/a"}},`+
			`{"name":"App/c","version":1,"revision":{"position":"@6","oldValue":null}},{"name":"other","version":1,"revision":{"position":"@5","oldValue":null}},`+
			`{"name":"app/b","version":1,"revision":{"position":"@4","oldValue":null}},{"name":"app/b/two","version":1,"revision":{"position":"@3","oldValue":null}},`+
			`{"name":"app/b/one","version":1,"revision":{"position":"@2","oldValue":null}}],"pageInfo":{"hasNextPage":false,"endCursor":null}}}}`)
	a.want(t, `{configs(orderBy:CHANGED,filter:{prefix:"app/b"},contains:"O"){totalCount nodes{name}}}`, nil,
		`{"data":{"configs":{"totalCount":2,"nodes":[{"name":"app/b/two"},{"name":"app/b/one"}]}}}`)
	a.want(t, `{configs(orderBy:null,first:1){nodes{name}}}`, nil, `{"data":{"configs":{"nodes":[{"name":"App/c"}]}}}`)
}

// TestPagesByChange reads pages of the lists by change while writes go on: what changes meanwhile
// moves to the front, and nothing comes twice.
func TestPagesByChange(t *testing.T) {
	for list, deleted := range map[string]bool{"configs(orderBy:CHANGED,": false, "deletedConfigs(": true} {
		for _, first := range []int{1, 3, 500} {
			a := MustStart(t)
			for i := range 10 {
				a.MustSet(t, fmt.Sprint("n", i), "1")
				if deleted {
					a.MustDelete(t, fmt.Sprint("n", i))
				}
			}
			want := []string{"n9", "n8", "n7", "n6", "n5", "n4", "n3", "n2", "n0"}
			if first == 500 {
				want = slices.Insert(want, 8, "n1")
			}
			doc := `query($first:Int,$after:String){` + list + `first:$first,after:$after){position edges{cursor node{name version value}} nodes{name version value} ` +
				`pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}}`
			var got []string
			for _, item := range MustPage(t, a, doc, first, func(p pageOf) {
				if p.Position != a.head() {
					t.Errorf("%s: a page is at %s, want %s", list, p.Position, a.head())
				}
				if deleted {
					if len(p.Nodes) == first {
						a.MustRestore(t, "n1")
						a.MustDelete(t, "n1")
					}
				} else {
					a.MustSet(t, "n1", "2")
				}
			}, strings.SplitN(list, "(", 2)[0]) {
				got = append(got, item.Name)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s first:%d): got %q, want %q", list, first, got, want)
			}
		}
	}
}

func TestDeletedConfigs(t *testing.T) {
	a := mustList(t)
	a.want(t, `{deletedConfigs{position nodes{name operation value oldValue version position config{name}} pageInfo{hasNextPage hasPreviousPage endCursor}}}`, nil,
		`{"data":{"deletedConfigs":{"position":"@11","nodes":[`+
			`{"name":"app/gone/below","operation":"DELETED","value":null,"oldValue":"v of app/gone/below","version":2,"position":"@10","config":null},`+
			`{"name":"app/gone","operation":"DELETED","value":null,"oldValue":"v of app/gone","version":2,"position":"@9","config":null}],`+
			`"pageInfo":{"hasNextPage":false,"hasPreviousPage":false,"endCursor":null}}}}`)
	a.want(t, `{deletedConfigs(contains:"GONE/"){nodes{name}}}`, nil, `{"data":{"deletedConfigs":{"nodes":[{"name":"app/gone/below"}]}}}`)
	a.want(t, `{deletedConfigs(filter:{prefix:"other"}){nodes{name} edges{cursor}}}`, nil, `{"data":{"deletedConfigs":{"nodes":[],"edges":[]}}}`)
	a.MustRestore(t, "app/gone")
	a.want(t, `{deletedConfigs{nodes{name}}}`, nil, `{"data":{"deletedConfigs":{"nodes":[{"name":"app/gone/below"}]}}}`)
}

func TestContains(t *testing.T) {
	a := mustList(t)
	a.want(t, `{configs(contains:"APP/B"){totalCount nodes{name}}}`, nil,
		`{"data":{"configs":{"totalCount":3,"nodes":[{"name":"app/b"},{"name":"app/b/one"},{"name":"app/b/two"}]}}}`)
	a.want(t, `{configs(contains:"c",filter:{names:["App/c","other"]}){nodes{name}}}`, nil, `{"data":{"configs":{"nodes":[{"name":"App/c"}]}}}`)
	for _, list := range []string{"configs", "deletedConfigs"} {
		for _, part := range []string{"", strings.Repeat("a", 256)} {
			a.wantRefused(t, `query($c:String){`+list+`(contains:$c){nodes{name}}}`, vars{"c": part}, "INVALID_INPUT", "contains ")
		}
		for _, first := range []int{0, -1, 501} {
			a.wantRefused(t, `query($n:Int){`+list+`(first:$n){nodes{name}}}`, vars{"n": first}, "INVALID_INPUT", "it must be 1 to 500")
		}
	}
	a.wantRefused(t, `{configs(orderBy:SIZE){totalCount}}`, nil, "GRAPHQL_VALIDATION_FAILED", "SIZE")
}

func TestChildren(t *testing.T) {
	a := mustList(t)
	const fields = `{position nodes{segment name below config{value revision{oldValue}}} pageInfo{hasNextPage hasPreviousPage endCursor}}`
	a.want(t, `{children`+fields+`}`, nil, `{"data":{"children":{"position":"@11","nodes":[`+
		`{"segment":"App","name":"App","below":1,"config":null},{"segment":"app","name":"app","below":4,"config":null},`+
		`{"segment":"other","name":"other","below":0,"config":{"value":"v of other","revision":{"oldValue":null}}}],`+
		`"pageInfo":{"hasNextPage":false,"hasPreviousPage":false,"endCursor":null}}}}`)
	const below = `{"data":{"children":{"position":"@11","nodes":[` +
		`{"segment":"a","name":"app/a","below":0,"config":{"value":"2","revision":{"oldValue":"v of app/a"}}},` +
		`{"segment":"b","name":"app/b","below":2,"config":{"value":"v of app/b","revision":{"oldValue":null}}}],` +
		`"pageInfo":{"hasNextPage":false,"hasPreviousPage":false,"endCursor":null}}}}`
	for _, prefix := range []string{"app", "app/"} {
		a.want(t, `query($p:String){children(prefix:$p)`+fields+`}`, vars{"p": prefix}, below)
	}
	a.want(t, `{children(prefix:"nothing"){nodes{name}}}`, nil, `{"data":{"children":{"nodes":[]}}}`)
	a.wantRefused(t, `{children(prefix:"a//b"){nodes{name}}}`, nil, "INVALID_INPUT", "prefix ")
	for _, first := range []int{0, -1, 501} {
		a.wantRefused(t, `query($n:Int){children(first:$n){nodes{name}}}`, vars{"n": first}, "INVALID_INPUT", "it must be 1 to 500")
	}
}

// TestPagesOfChildren reads pages of children while others come and go.
func TestPagesOfChildren(t *testing.T) {
	a := MustStart(t)
	var want []string
	for i := range 7 {
		want = append(want, fmt.Sprint("n", i))
		a.MustSet(t, want[i]+"/x", "1")
	}
	type answer struct {
		Edges []struct {
			Cursor string
			Node   struct{ Segment string }
		}
		PageInfo struct {
			HasNextPage, HasPreviousPage bool
			EndCursor                    *string
		}
	}
	var got []string
	var after *string
	for i := 0; ; i++ {
		p := MustGet[answer](t, a, `query($a:String){children(first:2,after:$a){edges{cursor node{segment}} pageInfo{hasNextPage hasPreviousPage endCursor}}}`, vars{"a": after}, "children")
		for _, edge := range p.Edges {
			got = append(got, edge.Node.Segment)
		}
		a.MustSet(t, fmt.Sprint("a", i), "before the page")
		if p.PageInfo.HasPreviousPage != (i > 0) || p.PageInfo.HasNextPage != (p.PageInfo.EndCursor != nil) {
			t.Errorf("page %d: got %+v", i, p.PageInfo)
		}
		if after = p.PageInfo.EndCursor; after == nil {
			break
		}
		if *after != p.Edges[len(p.Edges)-1].Cursor {
			t.Errorf("the page ends at %s, its last edge is at %s", *after, p.Edges[len(p.Edges)-1].Cursor)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
