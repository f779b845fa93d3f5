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

// unauthenticated is the code of an answer to a caller that is not let in.
const unauthenticated = "UNAUTHENTICATED"

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
	return e.change(t, "POST /changes", input(set), key...)
}

func (e restEdge) Revert(t testing.TB, to, prefix, members string) edgetest.SetAnswer {
	t.Helper()
	return e.change(t, "POST /revert", `{"to":`+quote(to)+`,"prefix":`+quote(prefix)+`,`+members+`}`)
}

func (e restEdge) RevertSet(t testing.TB, changeSet, members string) edgetest.SetAnswer {
	t.Helper()
	return e.change(t, "POST /v1/changes/"+changeSet+"/revert", `{`+members+`}`)
}

func (e restEdge) change(t testing.TB, request, body string, headers ...string) edgetest.SetAnswer {
	t.Helper()
	_, text := e.ask(t, request, jsonType, body, headers...)
	var got struct {
		setAnswer
		Code string
	}
	if _ = json.Unmarshal([]byte(text), &got); got.Code == unauthenticated {
		return edgetest.SetAnswer{Failures: []string{unauthenticated + " "}}
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || got.Position == "" {
		t.Fatalf("%q is no answer: %v", text, err)
	}
	return got.answer()
}

func (e graphEdge) Apply(t testing.TB, set edgetest.ChangeSet) edgetest.SetAnswer {
	t.Helper()
	var key []string
	if set.Key != "" {
		key = []string{`"idempotencyKey":` + quote(set.Key)}
	}
	return e.change(t, "applyConfigs", "ApplyConfigsInput", input(set, key...))
}

func (e graphEdge) Revert(t testing.TB, to, prefix, members string) edgetest.SetAnswer {
	t.Helper()
	return e.change(t, "revertConfigs", "RevertConfigsInput", `{"to":{"position":`+quote(to)+`},"filter":{"prefix":`+quote(prefix)+`},`+members+`}`)
}

func (e graphEdge) RevertSet(t testing.TB, changeSet, members string) edgetest.SetAnswer {
	t.Helper()
	return e.change(t, "revertChangeSet", "RevertChangeSetInput", `{"changeSet":`+quote(changeSet)+`,`+members+`}`)
}

func (e graphEdge) change(t testing.TB, field, inputType, input string) edgetest.SetAnswer {
	t.Helper()
	query := `mutation($input:` + inputType + `!){change:` + field + `(input:$input){
		... on ConfigsChanged{revisions{name operation value version} unchanged position dryRun}
		... on ChangesRejected{errors{code message path} position}}}`
	_, text := e.transport(t, jsonType, envelope(query, "input", input))
	var got struct {
		Data   struct{ Change setAnswer }
		Errors []struct{ Extensions struct{ Code string } }
	}
	if _ = json.Unmarshal([]byte(text), &got); len(got.Errors) > 0 && got.Errors[0].Extensions.Code == unauthenticated {
		return edgetest.SetAnswer{Failures: []string{unauthenticated + " "}}
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || got.Data.Change.Position == "" {
		t.Fatalf("%q is no answer: %v", text, err)
	}
	return got.Data.Change.answer()
}
