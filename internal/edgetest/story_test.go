package edgetest_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

// story are operations of GraphQL, one after the other, that write change sets and undo them, and
// read all lists. @N stands for the last position in the answer to the Nth operation.
var story = []string{
	`mutation{applyConfigs(input:{reason:"one",changes:[{set:{name:"app/a",value:"1"}},{set:{name:"app/b",value:"1"}},{set:{name:"other",value:"1"}}]})OUTCOME}`,
	`mutation{applyConfigs(input:{asSeenAt:"@0",idempotencyKey:"k",changes:[{set:{name:"app/a",value:"2"}},{delete:{name:"app/b"}},{set:{name:"prod/a",value:"1"}}]})OUTCOME}`,
	`mutation{applyConfigs(input:{asSeenAt:"@0",changes:[{set:{name:"app/a",value:"3"}},{restore:{name:"other"}},{delete:{name:"nothing"}}]})OUTCOME}`,
	`mutation{applyConfigs(input:{asSeenAt:"@0",idempotencyKey:"k",changes:[{set:{name:"app/a",value:"2"}},{delete:{name:"app/b"}},{set:{name:"prod/a",value:"1"}}]})OUTCOME}`,
	`mutation{setConfig(input:{name:"app/a",value:"4"}){...on ConfigChanged{position}}}`,
	`mutation{revertChangeSet(input:{changeSet:"@1"})OUTCOME}`,
	`mutation{revertChangeSet(input:{changeSet:"@1",onConflict:SKIP})OUTCOME}`,
	`mutation{revertConfigs(input:{to:{position:"@1"},dryRun:true})OUTCOME}`,
	`{diff(from:{position:"@0"}){from to totalCount nodes{name before{value} after{value oldValue} changes{operation value oldValue changeSet reason reverts} moreChanges}}}`,
	`{diff(from:{position:"@1"},to:{position:"@0"},first:1){nodes{name before{value} after{value}} pageInfo{hasNextPage}}}`,
	`{diff(from:{position:"@1"},filter:{prefix:"app"},toPrefix:"prod"){totalCount nodes{name before{name value} after{name value}}}}`,
	`{recentChanges(first:4){position nodes{name operation value oldValue version position changeSet reason reverts erased}}}`,
	`{recentChanges(filter:{prefix:"app",operations:[UPDATED,DELETED]}){nodes{name version}}}`,
	`{deletedConfigs{position nodes{name oldValue}} configs(orderBy:CHANGED,contains:"A"){totalCount nodes{name value revision{oldValue reverts}}}}`,
	`{children{nodes{segment below config{value}}} app:children(prefix:"app"){nodes{segment below config{value}}}}`,
}

const storyOutcome = `{...on ConfigsChanged{dryRun unchanged revisions{name operation value oldValue version changeSet reverts} position}
	...on ChangesRejected{position errors{__typename code message path ...on StaleError{current{value oldValue}} ...on RevertConflictError{change{value oldValue} current{value oldValue}}}}}`

// TestChangeSetsOnAllStores runs the same operations on each store, and compares the answers.
func TestChangeSetsOnAllStores(t *testing.T) {
	var first []string // the answers of the first store
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			store := configstoretest.On(t, open(t), configstore.Options{PositionWait: time.Millisecond})
			answers := runStory(t, start(t, graph.NewHandler(store.Store, graph.Options{})))
			if first == nil {
				first = answers
			}
			for i, answer := range answers {
				if strings.Contains(answer, `"extensions"`) || answer != first[i] {
					t.Errorf("%s:\ngot\n%s\nanother store gave\n%s", story[i], answer, first[i])
				}
			}
		})
	}
}

// runStory runs the operations, and returns the answers without what differs from store to store.
func runStory(t *testing.T, s server) (answers []string) {
	var positions []string // :: number of an operation → the position at the end of its answer
	position := regexp.MustCompile(`"(\d+)-[0-9a-f]{8}"`)
	for _, doc := range story {
		doc = strings.Replace(doc, "OUTCOME", storyOutcome, 1)
		doc = regexp.MustCompile(`@\d`).ReplaceAllStringFunc(doc, func(n string) string { return positions[n[1]-'0'] })
		body, err := json.Marshal(map[string]string{"query": doc})
		if err != nil {
			t.Fatal(err)
		}
		_, answer := s.ask(t, "POST /", "application/json", string(body))
		found := position.FindAllString(answer, -1)
		last := ""
		if len(found) > 0 {
			last = strings.Trim(found[len(found)-1], `"`)
		}
		positions = append(positions, last)
		answers = append(answers, position.ReplaceAllString(answer, `"@$1"`))
	}
	return answers
}
