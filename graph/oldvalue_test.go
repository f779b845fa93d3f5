package graph_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/feed"
)

// versionCounter counts the reads of many versions at once.
type versionCounter struct {
	*memory.Store
	reads atomic.Int64
}

func (s *versionCounter) ReadVersions(ctx context.Context, basis eventstore.Head, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	s.reads.Add(1)
	return s.Store.ReadVersions(ctx, basis, versions, limit)
}

// TestOldValuesOfAPage asks for the old values of a whole page: they are read together, and only
// when they are selected.
func TestOldValuesOfAPage(t *testing.T) {
	events := &versionCounter{Store: memory.New()}
	a := MustServe(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}}, graph.Options{})
	const configs = 300
	var old, none []string
	for i := range configs {
		name := fmt.Sprintf("n%03d", i)
		a.MustSet(t, name, "first")
		before := `null`
		switch i % 3 {
		case 0:
			a.MustSet(t, name, "second")
			before = `"first"`
		case 1:
			a.MustDelete(t, name)
			a.MustRestore(t, name)
		}
		old = append(old, `{"revision":{"oldValue":`+before+`}}`)
		none = append(none, `{"name":"`+name+`"}`)
	}
	a.MustSet(t, "other", "out of the ring")
	const page = `{configs(first:300){nodes{%s}}}`
	for _, row := range []struct {
		query, want string
		reads       int64 // at most
	}{
		{fmt.Sprintf(page, "name"), `{"data":{"configs":{"nodes":[` + strings.Join(none, ",") + `]}}}`, 0},
		{fmt.Sprintf(page, "revision{oldValue}"), `{"data":{"configs":{"nodes":[` + strings.Join(old, ",") + `]}}}`, 1},
		{`{config(name:"n000"){revision{oldValue value}}}`, `{"data":{"config":{"revision":{"oldValue":"first","value":"second"}}}}`, 1},
		{`{config(name:"n001"){revision{oldValue}}}`, `{"data":{"config":{"revision":{"oldValue":null}}}}`, 0},
	} {
		before := events.reads.Load()
		if a.want(t, row.query, nil, row.want); events.reads.Load()-before > row.reads {
			t.Errorf("%s: %d reads of the store, want at most %d", row.query, events.reads.Load()-before, row.reads)
		}
	}
}

// TestOldValuesOfTheDeletedAndTheRefused asks for old values that only the event store has.
func TestOldValuesOfTheDeletedAndTheRefused(t *testing.T) {
	a := MustServe(t, memory.New(), configstore.Options{Feed: feed.Options{RingEvents: 1}}, graph.Options{})
	a.MustSet(t, "a", "1")
	a.MustSet(t, "a", "2")
	a.MustSet(t, "gone", "last")
	a.MustDelete(t, "gone")
	a.MustSet(t, "other", "out of the ring")
	a.want(t, `mutation{setConfig(input:{name:"a",value:"3",expectedVersion:1}){... on VersionConflictError{current{oldValue value}}}}`, nil,
		`{"data":{"setConfig":{"current":{"oldValue":"1","value":"2"}}}}`)
	a.want(t, `mutation{setConfig(input:{name:"gone",value:"3"}){... on DeletedError{revision{oldValue value operation}}}}`, nil,
		`{"data":{"setConfig":{"revision":{"oldValue":"last","value":null,"operation":"DELETED"}}}}`)
	a.want(t, `mutation{setConfig(input:{name:"a",value:"2",onlyIfChanged:true}){... on ConfigChanged{changed revision{oldValue} config{revision{oldValue}}}}}`, nil,
		`{"data":{"setConfig":{"changed":false,"revision":{"oldValue":"1"},"config":{"revision":{"oldValue":"1"}}}}}`)
	a.want(t, `mutation{deleteConfig(input:{name:"a"}){... on ConfigChanged{config{name} revision{oldValue}}}}`, nil,
		`{"data":{"deleteConfig":{"config":null,"revision":{"oldValue":"2"}}}}`)
	a.want(t, `{asOf(at:{position:"`+a.at(t, 2)+`"}){configs{nodes{name value oldValue}}}}`, nil,
		`{"data":{"asOf":{"configs":{"nodes":[{"name":"a","value":"2","oldValue":"1"}]}}}}`)
}
