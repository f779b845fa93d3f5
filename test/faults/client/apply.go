package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"configapi/test/faults/checker"
	"configapi/test/faults/cluster"
	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

const (
	outcomeOfSet = `{__typename
		... on ConfigsChanged{revisions{name operation value oldValue version position} unchanged position}
		... on ChangesRejected{errors{code path ... on VersionConflictError{current{version}}} position}}}`
	applyMutation  = `mutation($input:ApplyConfigsInput!){outcome:applyConfigs(input:$input)` + outcomeOfSet
	revertMutation = `mutation($input:RevertChangeSetInput!){outcome:revertChangeSet(input:$input)` + outcomeOfSet
)

const positionUnknown = "POSITION_UNKNOWN"

// kindNames are what requests call the kinds of changes.
var kindNames = [...]string{record.Set: "set", record.Delete: "delete", record.Restore: "restore"}

// revision is a change in an answer.
type revision struct {
	Name, Operation, Position string
	Value, OldValue           *string
	Version                   int
	position                  record.Position // parsed
}

// failure is one reason for a rejection.
type failure struct {
	Code    string
	Path    []string
	Current json.RawMessage
}

// setAnswer is what a server said of a change set, over either edge.
type setAnswer struct {
	outcome   record.Outcome
	position  record.Position
	revisions []revision
	failures  []failure
}

// request is the id of the current request of a set.
func (s *changeSet) request() string { return s.id + "-" + strconv.Itoa(s.tries) }

// post sends a set, or asks for a dry run of it.
func (c *Client) post(n *cluster.Node, s *changeSet, dryRun bool) (reply, error) {
	header, body := map[string]string{requestID: s.request()}, map[string]any{"reason": checker.ReasonOf(s.id)}
	path, mutation := "/changes", applyMutation
	if s.reverts != nil {
		path, mutation = "/changes/"+s.reverts.String()+"/revert", revertMutation
	} else {
		body["changes"], body["dryRun"] = s.changes(), dryRun
	}
	if s.seenAt != nil {
		body["asSeenAt"] = s.seenAt.String()
	}
	key := c.keyOf(s)
	if s.graphql {
		if s.reverts != nil {
			body["changeSet"] = s.reverts.String()
		}
		if key != "" {
			body["idempotencyKey"] = key
		}
		path, body = "/graphql", map[string]any{"query": mutation, "variables": map[string]any{"input": body}}
	} else if key != "" {
		header["Idempotency-Key"] = key
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // the suite's own values can be encoded
	}
	return c.do(n, http.MethodPost, path, header, text)
}

// changes returns the changes of a set as both edges take them.
func (s *changeSet) changes() []map[string]any {
	var all []map[string]any
	for i, w := range s.writes {
		change := map[string]any{"name": w.Name}
		if w.Kind != record.Delete && !w.Last {
			change["value"] = s.values[i]
		}
		if w.Expected != nil {
			change["expectedVersion"] = *w.Expected
		}
		all = append(all, map[string]any{kindNames[w.Kind]: change})
	}
	return all
}

// read parses the answer to a set. An answer that is none of the edge's has an unknown outcome.
func (c *Client) read(node int, s *changeSet, r reply) setAnswer {
	if s.graphql {
		return c.readGraphQL(node, r)
	}
	var body struct {
		Revisions []revision
		Position  string
		Errors    []failure
	}
	switch {
	case r.status == http.StatusServiceUnavailable:
		outcome, _ := outcomeOf(r)
		return setAnswer{outcome: outcome}
	case json.Unmarshal(r.body, &body) != nil:
		return setAnswer{}
	case r.status == http.StatusOK:
		return newSetAnswer(record.Done, body.Position, body.Revisions, nil)
	case r.status < http.StatusInternalServerError && len(body.Errors) > 0:
		return newSetAnswer(record.Refused, body.Position, nil, body.Errors)
	}
	return setAnswer{}
}

func (c *Client) readGraphQL(node int, r reply) setAnswer {
	var body struct {
		Data struct {
			Outcome *struct {
				Typename  string `json:"__typename"`
				Revisions []revision
				Position  string
				Errors    []failure
			}
		}
		Errors []struct {
			Path       []any
			Extensions struct {
				Code           string
				OutcomeUnknown bool
			}
		}
	}
	outcome := record.Unknown
	if err := json.Unmarshal(r.body, &body); err != nil || r.status != http.StatusOK {
		outcome, _ = outcomeOf(reply{status: r.status, body: r.body})
		if outcome == record.Done {
			outcome = record.Unknown
		}
		return setAnswer{outcome: outcome}
	}
	if o := body.Data.Outcome; o != nil {
		if o.Typename == "ConfigsChanged" {
			return newSetAnswer(record.Done, o.Position, o.Revisions, nil)
		}
		if len(body.Errors) > 0 { // a part that is missing is not null
			for i := range o.Errors {
				o.Errors[i].Current = nil
			}
		}
		return newSetAnswer(record.Refused, o.Position, nil, o.Errors)
	}
	if len(body.Errors) > 0 && body.Errors[0].Extensions.Code == "UNAVAILABLE" {
		c.world.Counts[node].Unavailable.Add(1)
		if !body.Errors[0].Extensions.OutcomeUnknown {
			outcome = record.NotWritten
		}
	}
	return setAnswer{outcome: outcome}
}

// newSetAnswer returns an answer with its positions parsed. One that is none leaves seq 0, which
// the checks find.
func newSetAnswer(outcome record.Outcome, position string, revisions []revision, failures []failure) setAnswer {
	a := setAnswer{outcome: outcome, revisions: revisions, failures: failures}
	a.position, _ = record.ParsePosition(position)
	for i := range revisions {
		revisions[i].position, _ = record.ParsePosition(revisions[i].Position)
	}
	return a
}

// has reports whether a rejection has a reason.
func (a *setAnswer) has(code string) bool {
	for _, f := range a.failures {
		if f.Code == code {
			return true
		}
	}
	return false
}

// describe copies the outcome into the writes of a set. A revision that is missing, or in another
// place, leaves version 0, which the checks find.
func (a *setAnswer) describe(s *changeSet, r reply) {
	s.fail(a.outcome)
	status := fmt.Sprintf("%d %.300s", r.status, r.body)
	decisions := a.decisions(s)
	for i, w := range s.writes {
		w.Status = status
		switch a.outcome {
		case record.Done:
			if len(a.revisions) == len(s.writes) && a.revisions[i].Name == w.Name {
				w.Version, w.Position = a.revisions[i].Version, a.revisions[i].position
				w.Before = digestOf(a.revisions[i].OldValue)
			}
		case record.Refused:
			w.Version = decisions[i].Version
			if w.Refusal = decisions[i].Refusal; w.Refusal == 0 || w.Version < 0 {
				w.Refusal = record.Together
			}
		}
	}
}

func digestOf(value *string) string {
	if value == nil {
		return ""
	}
	return history.Digest(*value)
}

// decisions returns what an answer says of each change of a set. What it says of the set as a whole
// is said of the first one.
func (a *setAnswer) decisions(s *changeSet) []record.Decision {
	all := make([]record.Decision, len(s.writes))
	for i, w := range s.writes {
		asked := *w
		all[i].Change = &asked
		if a.outcome == record.Done && len(a.revisions) == len(s.writes) && a.revisions[i].Name == w.Name {
			all[i].Version, all[i].Value = a.revisions[i].Version, digestOf(a.revisions[i].Value)
		}
	}
	for _, f := range a.failures {
		d := &all[0]
		if i, err := strconv.Atoi(f.index()); err == nil && 0 <= i && i < len(all) {
			d = &all[i]
		}
		d.Rejected = true
		switch f.Code {
		case "STALE":
			d.Stale = true
		case "NOT_FOUND":
			d.Refusal = record.NotFound
		case "DELETED":
			d.Refusal = record.Gone
		case "NOT_DELETED":
			d.Refusal = record.NotDeleted
		case "VERSION_CONFLICT":
			d.Refusal, d.Version = record.Conflict, f.version()
		default:
			d.Other = f.Code
		}
	}
	return all
}

// index is the number of the change that a failure is about, as text; "" for none.
func (f *failure) index() string {
	if len(f.Path) < 2 || f.Path[0] != "changes" {
		return ""
	}
	return f.Path[1]
}

// version is the current version in a conflict: 0 of a name without events, -1 when the answer
// lacks it.
func (f *failure) version() int {
	if f.Current == nil {
		return -1
	}
	var current struct{ Version int }
	if json.Unmarshal(f.Current, &current) != nil {
		return -1
	}
	return current.Version
}
