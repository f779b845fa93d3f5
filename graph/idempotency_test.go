package graph_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/auth"
)

// TestTheSameKeyHasTheSameAnswer sends each mutation twice, with other changes in between, and then
// another mutation with its key.
func TestTheSameKeyHasTheSameAnswer(t *testing.T) {
	a := MustStart(t)
	for _, step := range []struct {
		mutation, doc string
		input, other  vars
	}{
		{"setConfig", setDoc, vars{"name": "a", "value": "1", "idempotencyKey": "set"}, vars{"name": "a", "value": "2", "idempotencyKey": "set"}},
		{"setConfig", setDoc, vars{"name": "a", "value": "1", "idempotencyKey": "no-op", "onlyIfChanged": true}, vars{"name": "a", "value": "1", "idempotencyKey": "no-op"}},
		{"deleteConfig", deleteDoc, vars{"name": "a", "idempotencyKey": "delete"}, vars{"name": "b", "idempotencyKey": "delete"}},
		{"restoreConfig", restoreDoc, vars{"name": "a", "idempotencyKey": "restore"}, vars{"name": "a", "value": "1", "idempotencyKey": "restore"}},
		{"setConfig", setDoc, vars{"name": "a", "value": "1", "idempotencyKey": "again", "expectedVersion": 3, "reason": "r"}, vars{"name": "a", "value": "1", "idempotencyKey": "again", "expectedVersion": 4}},
	} {
		first := a.MustPostRaw(t, step.doc, vars{"input": step.input})
		if got := MustGet[string](t, a, step.doc, vars{"input": step.input}, step.mutation, "__typename"); got != "ConfigChanged" {
			t.Fatalf("%v: got %s", step.input, first)
		}
		before := a.Reader(auth.Anonymous).Head()
		a.MustSet(t, "b", step.mutation)
		a.MustSet(t, "c", step.mutation)
		if diff := cmp.Diff(first, a.MustPostRaw(t, step.doc, vars{"input": step.input})); diff != "" {
			t.Errorf("%v, the second time (-first +second)\n%s", step.input, diff)
		}
		a.want(t, step.doc, vars{"input": step.other}, `{"data":{"`+step.mutation+`":{"__typename":"IdempotencyError","code":"IDEMPOTENCY_MISMATCH","message":"the idempotency key was used for another request; take a new one","path":["idempotencyKey"]}}}`)
		if got := a.Reader(auth.Anonymous).Head().Seq; got != before.Seq+2 {
			t.Errorf("%v: %d changes came of it", step.input, got-before.Seq)
		}
	}
}
