package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/eventstore/memory"
)

// mustTravel returns a store with five events, a second apart from midnight on.
func mustTravel(t *testing.T) *api {
	a := MustServe(t, memory.New(), configstore.Options{PositionWait: 1}, graph.Options{})
	a.MustSet(t, "a", "1")
	a.MustSet(t, "b", "1")
	a.MustSet(t, "a", "2")
	a.MustDelete(t, "b")
	a.MustRestore(t, "b")
	return a
}

// moments are the answers of asOf at each position of the history that mustTravel makes.
var moments = []string{
	`{"position":"@0","committedAt":null,"a":null,"b":null,"configs":{"nodes":[]}}`,
	`{"position":"@1","committedAt":"2026-01-01T00:00:00.000000Z","a":{"version":1,"value":"1"},"b":null,"configs":{"nodes":[{"name":"a","position":"@1"}]}}`,
	`{"position":"@2","committedAt":"2026-01-01T00:00:01.000000Z","a":{"version":1,"value":"1"},"b":{"version":1,"value":"1"},"configs":{"nodes":[{"name":"a","position":"@1"},{"name":"b","position":"@2"}]}}`,
	`{"position":"@3","committedAt":"2026-01-01T00:00:02.000000Z","a":{"version":2,"value":"2"},"b":{"version":1,"value":"1"},"configs":{"nodes":[{"name":"a","position":"@3"},{"name":"b","position":"@2"}]}}`,
	`{"position":"@4","committedAt":"2026-01-01T00:00:03.000000Z","a":{"version":2,"value":"2"},"b":null,"configs":{"nodes":[{"name":"a","position":"@3"}]}}`,
	`{"position":"@5","committedAt":"2026-01-01T00:00:04.000000Z","a":{"version":2,"value":"2"},"b":{"version":3,"value":"1"},"configs":{"nodes":[{"name":"a","position":"@3"},{"name":"b","position":"@5"}]}}`,
}

const snapshot = `{position committedAt a:config(name:"a"){version value} b:config(name:"b"){version value} configs{nodes{name position}}}`

// asOf asks for a snapshot in three ways: with a literal, with a variable for the whole input, and
// with a variable for its field.
func asOf(field, value string) (docs []string, variables []vars) {
	kind := map[string]string{"position": "Position", "time": "DateTime"}[field]
	return []string{
			fmt.Sprintf(`{asOf(at:{%s:%q})%s}`, field, value, snapshot),
			`query($at:AsOfInput!){asOf(at:$at)` + snapshot + `}`,
			`query($x:` + kind + `!){asOf(at:{` + field + `:$x})` + snapshot + `}`,
		}, []vars{
			nil,
			{"at": vars{field: value}},
			{"x": value},
		}
}

func TestAsOfPosition(t *testing.T) {
	a, other := mustTravel(t), mustTravel(t)
	for position, want := range moments {
		docs, variables := asOf("position", a.at(t, position))
		for i := range docs {
			a.want(t, docs[i], variables[i], `{"data":{"asOf":`+want+`}}`)
		}
	}
	for _, row := range []struct{ position, code, says string }{
		{"", "POSITION_UNKNOWN", "a position looks like 1842-9f3a21c0"},
		{"3", "POSITION_UNKNOWN", "a position looks like 1842-9f3a21c0"},
		{"latest", "POSITION_UNKNOWN", "a position looks like 1842-9f3a21c0"},
		{"-" + a.at(t, 3), "POSITION_UNKNOWN", "a position looks like 1842-9f3a21c0"},
		{strings.ToUpper("3-abcdefab"), "POSITION_UNKNOWN", "a position looks like 1842-9f3a21c0"},
		{"0-00000001", "POSITION_UNKNOWN", "never handed out"},
		{"3" + a.at(t, 2)[1:], "POSITION_UNKNOWN", "never handed out"},
		{other.at(t, 3), "POSITION_UNKNOWN", "never handed out"},
		{"6-00000000", "POSITION_UNKNOWN", "never handed out"},
		{"9223372036854775807-00000000", "POSITION_UNKNOWN", "never handed out"},
	} {
		docs, variables := asOf("position", row.position)
		for i := range docs {
			a.wantRefused(t, docs[i], variables[i], row.code, row.says)
		}
	}
	a.wantRefused(t, `query($at:AsOfInput!){asOf(at:$at){position}}`, vars{"at": vars{"position": 3}}, "POSITION_UNKNOWN", "looks like")
}

// TestAsOfPositionIsWaitedFor asks for a position that the node has not reached yet.
func TestAsOfPositionIsWaitedFor(t *testing.T) {
	events := memory.New()
	writer := MustServe(t, events, configstore.Options{}, graph.Options{})
	behind := MustServe(t, events, configstore.Options{PositionWait: time.Minute}, graph.Options{})
	for i := range 20 {
		at := writer.MustSet(t, "a", fmt.Sprint(i)).Position.String()
		behind.want(t, `query($p:Position!){asOf(at:{position:$p}){config(name:"a"){value}}}`, vars{"p": at}, fmt.Sprintf(`{"data":{"asOf":{"config":{"value":"%d"}}}}`, i))
	}
}

func TestAsOfTime(t *testing.T) {
	a := mustTravel(t)
	for instant, position := range map[string]int{
		"0001-01-01T00:00:00Z":                0,
		"2025-12-31T23:59:59.999999Z":         0,
		"2026-01-01T00:00:00Z":                1,
		"2026-01-01T00:00:00.000000999Z":      1,
		"2026-01-01T00:00:00.999999Z":         1,
		"2026-01-01T00:00:00.999999999Z":      1, // cut, not rounded
		"2026-01-01T00:00:01Z":                2,
		"2026-01-01T01:00:02+01:00":           3,
		"2025-12-31T19:00:03.5-05:00":         4,
		"2026-01-01T00:00:04.000000Z":         5,
		"2026-01-01T00:00:04.000001Z":         5,
		"9999-12-31T23:59:59.999999999+23:59": 5,
	} {
		docs, variables := asOf("time", instant)
		for i := range docs {
			a.want(t, docs[i], variables[i], `{"data":{"asOf":`+moments[position]+`}}`)
		}
	}
	for _, malformed := range []string{"", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "2026-01-01", "now", "1767225600", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00.1234567890Z"} {
		docs, variables := asOf("time", malformed)
		for i := range docs {
			a.wantRefused(t, docs[i], variables[i], "INVALID_INPUT", "time must be an RFC 3339 instant with an offset, such as 2024-01-15T10:30:00Z")
		}
	}
	a.wantRefused(t, `query($at:AsOfInput!){asOf(at:$at){position}}`, vars{"at": vars{"time": 1767225600}}, "INVALID_INPUT", "time must be a string")

	empty := MustStart(t)
	empty.want(t, `{asOf(at:{time:"2026-01-01T00:00:00Z"}){position committedAt configs{nodes{name}}}}`, nil, `{"data":{"asOf":{"position":"@0","committedAt":null,"configs":{"nodes":[]}}}}`)
}

// TestOneOf sends an input of asOf without a field and with both.
func TestOneOf(t *testing.T) {
	a := mustTravel(t)
	both := vars{"position": a.at(t, 1), "time": "2026-01-01T00:00:00Z"}
	const whole = `query($at:AsOfInput!){asOf(at:$at){position}}`
	const inConfig = `query($at:AsOfInput!){config(name:"a"){asOf(at:$at){version}}}`
	for _, doc := range []string{whole, inConfig} {
		for _, at := range []vars{{}, both, {"position": nil}, {"time": nil}, {"position": nil, "time": nil}, {"position": nil, "time": both["time"]}, {"position": both["position"], "time": nil}} {
			a.wantRefused(t, doc, vars{"at": at}, "GRAPHQL_VALIDATION_FAILED", "$at must have exactly one of position and time, and not null")
		}
		a.wantRefused(t, doc, vars{"at": nil}, "GRAPHQL_VALIDATION_FAILED", "must not be null")
		a.wantRefused(t, doc, vars{"at": vars{"version": 1}}, "GRAPHQL_VALIDATION_FAILED", "is not known")
	}
	for _, literal := range []string{`{}`, `{position:"1-00000000",time:"2026-01-01T00:00:00Z"}`, `{position:null}`, `{time:null}`, `{position:null,time:null}`, `{position:null,time:"2026-01-01T00:00:00Z"}`} {
		if got := a.MustPost(t, `{asOf(at:`+literal+`){position}}`, nil); !strings.Contains(got, "GRAPHQL_VALIDATION_FAILED") || strings.Contains(got, `"data"`) {
			t.Errorf("%s: got %s", literal, got)
		}
	}
	a.wantRefused(t, `query($p:Position){asOf(at:{position:$p}){position}}`, vars{"p": both["position"]}, "GRAPHQL_VALIDATION_FAILED", "must be non-nullable")
	a.want(t, whole, vars{"at": vars{"position": both["position"]}}, `{"data":{"asOf":{"position":"@1"}}}`)
}

func TestConfigAsOf(t *testing.T) {
	a := mustTravel(t)
	const doc = `query($at:AsOfInput!){config(name:"b"){version asOf(at:$at){__typename version operation value position}}}`
	for position, want := range []string{
		`null`, `null`,
		`{"__typename":"ConfigRevision","version":1,"operation":"CREATED","value":"1","position":"@2"}`,
		`{"__typename":"ConfigRevision","version":1,"operation":"CREATED","value":"1","position":"@2"}`,
		`null`,
		`{"__typename":"ConfigRevision","version":3,"operation":"RESTORED","value":"1","position":"@5"}`,
	} {
		for _, at := range []vars{{"position": a.at(t, position)}, {"time": epoch.Add(time.Duration(position-1) * time.Second)}} {
			a.want(t, doc, vars{"at": at}, `{"data":{"config":{"version":3,"asOf":`+want+`}}}`)
		}
	}
	a.wantRefused(t, doc, vars{"at": vars{"position": "5-00000000"}}, "POSITION_UNKNOWN", "never handed out")
	a.wantRefused(t, doc, vars{"at": vars{"position": "6-00000000"}}, "POSITION_UNKNOWN", "never handed out")
}

// TestSnapshotPages reads the pages of a past position, with names that only existed then.
func TestSnapshotPages(t *testing.T) {
	a := MustStart(t)
	for i := range 30 {
		a.MustSet(t, fmt.Sprintf("p/n%02d", i), "then")
	}
	a.MustDelete(t, "p/n29")
	then := a.head()
	for i := range 30 {
		a.MustSet(t, fmt.Sprintf("p/n%02d-new", i), "later")
	}
	a.MustSet(t, "q", "later")
	for i := range 29 {
		a.MustDelete(t, fmt.Sprintf("p/n%02d", i))
	}
	const asOf = `query($first:Int,$after:String,$filter:ConfigFilterInput){asOf(at:{position:"%s"}){configs(first:$first,after:$after,filter:$filter)` + page + `}}`
	for _, first := range []int{1, 10, 29, 30} {
		got := MustPage(t, a, fmt.Sprintf(asOf, then), first, nil, "asOf", "configs")
		if len(got) != 29 {
			t.Fatalf("first %d: got %d configs", first, len(got))
		}
		for i, c := range got {
			if c.Name != fmt.Sprintf("p/n%02d", i) || c.Version != 1 || *c.Value != "then" {
				t.Errorf("first %d: item %d is %+v", first, i, c)
			}
		}
	}
	for filter, want := range map[string]int{`{"prefix":"p"}`: 29, `{"prefix":"q"}`: 0, `{"prefix":"p/n01"}`: 1, `{"names":["p/n01","p/n29","q"]}`: 1} {
		p := MustGet[pageOf](t, a, fmt.Sprintf(asOf, then), vars{"filter": raw(filter)}, "asOf", "configs")
		if len(p.Nodes) != want {
			t.Errorf("%s: got %d configs, want %d", filter, len(p.Nodes), want)
		}
	}
	a.wantRefused(t, fmt.Sprintf(asOf, then), vars{"filter": vars{"prefix": "//"}}, "INVALID_INPUT", "prefix")
	a.wantRefused(t, `{asOf(at:{position:"`+then+`"}){config(name:"a//b"){version}}}`, nil, "INVALID_INPUT", "empty segment")
}

// TestFutureOfAMutation checks that an instant of the future means another state after each change
// of a mutation.
func TestFutureOfAMutation(t *testing.T) {
	a := MustStart(t)
	const then = `{...on ConfigChanged{config{asOf(at:{time:"2999-01-01T00:00:00Z"}){version}}}}`
	a.want(t, `mutation{a:setConfig(input:{name:"a",value:"1"})`+then+` b:setConfig(input:{name:"a",value:"2"})`+then+`}`, nil,
		`{"data":{"a":{"config":{"asOf":{"version":1}}},"b":{"config":{"asOf":{"version":2}}}}}`)
}
