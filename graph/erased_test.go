package graph_test

import (
	"testing"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore/memory"
)

// TestErasedValues reads a history in which the second value of a and the value of b were erased,
// and asks for changes that would need them.
func TestErasedValues(t *testing.T) {
	whole := MustStart(t)
	whole.MustSet(t, "a", "1")
	whole.MustSet(t, "a", "2")
	whole.MustSet(t, "b", "x")
	whole.MustDelete(t, "b")
	whole.MustSet(t, "a", "3")
	configstoretest.MustAppendErasure(t, whole.Events, "$erasure/1", 1, 2, 3)
	events := memory.New()
	configstoretest.MustCopy(t, whole.Events, events, 2, 3)
	a := MustServe(t, events, configstore.Options{Codec: configstoretest.Codec()}, graph.Options{})

	a.want(t, `{history(name:"a"){nodes{operation value oldValue erased}} asOf(at:{position:"`+a.at(t, 3)+`"}){configs{nodes{name value erased}}}}`, nil,
		`{"data":{"history":{"nodes":[{"operation":"UPDATED","value":"3","oldValue":null,"erased":false},`+
			`{"operation":"UPDATED","value":null,"oldValue":"1","erased":true},{"operation":"CREATED","value":"1","oldValue":null,"erased":false}]},`+
			`"asOf":{"configs":{"nodes":[{"name":"a","value":null,"erased":true},{"name":"b","value":null,"erased":true}]}}}}`)
	a.want(t, `{deletedConfigs{nodes{name oldValue erased}} recentChanges(first:1){nodes{name version}}}`, nil,
		`{"data":{"deletedConfigs":{"nodes":[{"name":"b","oldValue":null,"erased":false}]},"recentChanges":{"nodes":[{"name":"a","version":3}]}}}`)

	head := a.head()
	a.want(t, restoreDoc, vars{"input": vars{"name": "b"}},
		`{"data":{"restoreConfig":{"__typename":"InvalidInputError","code":"ERASED","message":"the value that is needed was erased for good","path":["name"]}}}`)
	const rejection = `{...on ChangesRejected{errors{__typename code message path}}}}`
	a.want(t, `mutation{applyConfigs(input:{changes:[{set:{name:"c",value:"1"}},{restore:{name:"b"}}]})`+rejection, nil,
		`{"data":{"applyConfigs":{"errors":[{"__typename":"InvalidInputError","code":"ERASED","message":"the value that is needed was erased for good","path":["changes","1","restore","name"]}]}}}`)
	for _, dryRun := range []string{"true", "false"} {
		a.want(t, `mutation{revertConfigs(input:{dryRun:`+dryRun+`,filter:{names:["b"]},to:{position:"`+a.at(t, 3)+`"}})`+rejection, nil,
			`{"data":{"revertConfigs":{"errors":[{"__typename":"InvalidInputError","code":"ERASED","message":"b: the value that is needed was erased for good","path":null}]}}}`)
		a.want(t, `mutation{revertChangeSet(input:{dryRun:`+dryRun+`,changeSet:"`+a.at(t, 5)+`"})`+rejection, nil,
			`{"data":{"revertChangeSet":{"errors":[{"__typename":"InvalidInputError","code":"ERASED","message":"a: the value that is needed was erased for good","path":null}]}}}`)
	}
	if a.head() != head {
		t.Errorf("something was written: the head is %s", a.head())
	}
	if got := MustGet[string](t, a, restoreDoc, vars{"input": vars{"name": "b", "value": "new"}}, "restoreConfig", "__typename"); got != "ConfigChanged" {
		t.Errorf("restoring b with a value: got %s", got)
	}
}
