package client

import (
	"encoding/json"
	"fmt"
	"net/http"

	"configapi/test/faults/cluster"
	"configapi/test/faults/record"
)

const (
	setMutation = `mutation($input:SetConfigInput!){outcome:setConfig(input:$input){__typename
		... on ConfigChanged{revision{version} position} ... on VersionConflictError{current{version}} ... on UserError{code message}}}`
	deleteMutation = `mutation($input:DeleteConfigInput!){outcome:deleteConfig(input:$input){__typename
		... on ConfigChanged{revision{version} position} ... on VersionConflictError{current{version}} ... on UserError{code message}}}`
)

// result is the answer to a mutation.
type result struct {
	Data struct {
		Outcome *struct {
			Typename string `json:"__typename"`
			Revision struct{ Version int }
			Current  *struct{ Version int }
			Position string
		}
	}
	Errors []struct {
		Message    string
		Extensions struct {
			Code           string
			OutcomeUnknown bool
		}
	}
}

// mutate sends a set or a deletion over GraphQL. The id of the write is its reason.
func (c *Client) mutate(n *cluster.Node, w *record.Write, value string) {
	input := map[string]any{"name": w.Name, "reason": w.ID}
	document := deleteMutation
	if w.Kind == record.Set {
		document, input["value"] = setMutation, value
	}
	if w.Expected != nil {
		input["expectedVersion"] = *w.Expected
	}
	if key := c.key(w); key != "" {
		input["idempotencyKey"] = key
	}
	body, err := json.Marshal(map[string]any{"query": document, "variables": map[string]any{"input": input}})
	if err != nil {
		panic(err) // the suite's own values can be encoded
	}
	answer, err := c.do(n, http.MethodPost, "/graphql", map[string]string{requestID: idOf(w)}, body)
	if err != nil {
		fail(w, n, err, idOf(w))
		return
	}
	c.readResult(n.Number, w, answer)
}

// readResult copies the outcome of a write from the answer.
func (c *Client) readResult(node int, w *record.Write, answer reply) {
	w.Status = fmt.Sprintf("%d %.200s", answer.status, answer.body)
	var r result
	err := json.Unmarshal(answer.body, &r)
	switch {
	case err == nil && len(r.Errors) > 0:
		w.Outcome = record.Unknown
		if e := r.Errors[0].Extensions; e.Code == "UNAVAILABLE" {
			c.world.Counts[node].Unavailable.Add(1)
			if !e.OutcomeUnknown {
				w.Outcome = record.NotWritten
			}
		}
	case err == nil && r.Data.Outcome != nil:
		r.describe(w)
	default: // the server answered before GraphQL did
		if answer.status != http.StatusOK {
			w.Outcome, w.Refusal = outcomeOf(answer)
		}
	}
}

// describe copies the outcome of an executed mutation.
func (r *result) describe(w *record.Write) {
	outcome := r.Data.Outcome
	w.Outcome = record.Refused
	switch outcome.Typename {
	case "ConfigChanged":
		w.Outcome, w.Version = record.Done, outcome.Revision.Version
		w.Position, _ = record.ParsePosition(outcome.Position) // a parse error leaves seq 0, which the checks find
	case "VersionConflictError":
		w.Refusal = record.Conflict
		if outcome.Current != nil {
			w.Version = outcome.Current.Version
		}
	case "NotFoundError":
		w.Refusal = record.NotFound
	case "DeletedError":
		w.Refusal = record.Gone
	default:
		w.Outcome = record.Unknown
	}
}
