package edgetest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"configapi/internal/edgetest"
)

// setAnswer is what both edges answer to a change set, but for its frame.
type setAnswer struct {
	Revisions []struct {
		Name, Operation string
		Value           *string
		Version         int
	}
	Unchanged []string
	Errors    []struct {
		Code, Message string
		Path          []string
	}
	Position string
	DryRun   bool
}

func (a *setAnswer) answer() edgetest.SetAnswer {
	found := edgetest.SetAnswer{Position: a.Position, DryRun: a.DryRun}
	if len(a.Unchanged) > 0 {
		found.Unchanged = a.Unchanged
	}
	for _, r := range a.Revisions {
		value := ""
		if r.Value != nil {
			value = *r.Value
		}
		found.Revisions = append(found.Revisions, fmt.Sprint(r.Name, " ", r.Operation, " ", value, " ", r.Version))
	}
	for _, f := range a.Errors {
		found.Failures = append(found.Failures, f.Code+" "+strings.Join(f.Path, "."))
		found.Messages = append(found.Messages, f.Message)
	}
	return found
}

// input returns a change set as JSON.
func input(set edgetest.ChangeSet, members ...string) string {
	changes := make([]string, len(set.Changes))
	for i, c := range set.Changes {
		changes[i] = `{"` + c.Kind + `":{` + c.Input + `}}`
	}
	members = append(members, `"changes":[`+strings.Join(changes, ",")+`]`)
	if set.Members != "" {
		members = append(members, set.Members)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (e restEdge) Apply(t testing.TB, set edgetest.ChangeSet) edgetest.SetAnswer {
	t.Helper()
	var key []string
	if set.Key != "" {
		key = []string{"Idempotency-Key", set.Key}
	}
	_, text := e.ask(t, "POST /changes", jsonType, input(set), key...)
	var got setAnswer
	if err := json.Unmarshal([]byte(text), &got); err != nil || got.Position == "" {
		t.Fatalf("%q is no answer: %v", text, err)
	}
	return got.answer()
}

const applyQuery = `mutation($input:ApplyConfigsInput!){applyConfigs(input:$input){
	... on ConfigsChanged{revisions{name operation value version} unchanged position dryRun}
	... on ChangesRejected{errors{code message path} position}}}`

func (e graphEdge) Apply(t testing.TB, set edgetest.ChangeSet) edgetest.SetAnswer {
	t.Helper()
	var key []string
	if set.Key != "" {
		key = []string{`"idempotencyKey":` + quote(set.Key)}
	}
	_, text := e.ask(t, "POST /graphql", jsonType, envelope(applyQuery, "input", input(set, key...)))
	var got struct {
		Data struct{ ApplyConfigs setAnswer }
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || got.Data.ApplyConfigs.Position == "" {
		t.Fatalf("%q is no answer: %v", text, err)
	}
	return got.Data.ApplyConfigs.answer()
}
