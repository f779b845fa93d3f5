package rest_test

import (
	"strings"
	"testing"

	"configapi/internal/configstore"
)

// TestBadChangeSets: a body that is no change set is refused before anything is checked or written.
func TestBadChangeSets(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "1")
	const set = `{"set":{"name":"a","value":"2"}}`
	changes := func(all string) string { return `{"changes":[` + all + `]}` }
	for _, row := range []struct{ body, says string }{
		{"", "empty"},
		{" ", "empty"},
		{"null", "missing"},
		{"[]", "object"},
		{`"x"`, "object"},
		{"{}", `"changes" is missing`},
		{`{"changes":null}`, `"changes" is missing`},
		{`{"changes":{}}`, `"changes" must be an array`},
		{`{"changes":[1]}`, "must be an object"},
		{changes("null"), "element 0 must have exactly one of set, delete and restore"},
		{changes("{}"), "element 0 must have exactly one of set, delete and restore"},
		{changes(set + `,{"set":null}`), "element 1 must have exactly one of set, delete and restore"},
		{changes(`{"set":{"name":"a","value":"2"},"delete":{"name":"b"}}`), "element 0 must have exactly one"},
		{changes(`{"SET":{"name":"a","value":"2"}}`), `unknown member "SET"`},
		{changes(`{"set":{"value":"2"}}`), `"name" is missing or null in set of element 0`},
		{changes(`{"set":{"name":null,"value":"2"}}`), `"name" is missing`},
		{changes(`{"set":{"name":"a"}}`), `"value" is missing`},
		{changes(`{"set":{"name":"a","value":null}}`), `"value" is missing`},
		{changes(`{"set":{"name":"a","value":2}}`), "must be a string"},
		{changes(`{"delete":{}}`), `"name" is missing or null in delete`},
		{changes(`{"restore":{}}`), `"name" is missing or null in restore`},
		{changes(`{"delete":{"name":"a","value":"x"}}`), `unknown member "value"`},
		{changes(`{"set":{"name":"a","value":"2","reason":"x"}}`), `unknown member "reason"`},
		{changes(`{"set":{"name":"a","value":"2","idempotencyKey":"x"}}`), `unknown member "idempotencyKey"`},
		{changes(`{"set":{"name":"a","value":"2","expectedVersion":1.5}}`), "whole number"},
		{changes(`{"set":{"name":"a","value":"2","expectedVersion":"1"}}`), "whole number"},
		{changes(`{"set":{"name":"a","value":"2","expectedVersion":9223372036854775808}}`), "out of range"},
		{changes(`{"set":{"name":"a","value":"2","onlyIfChanged":1}}`), "true or false"},
		{changes(`{"set":{"name":"a","name":"b","value":"2"}}`), `duplicate member "name"`},
		{changes(`{"set":{"name":"a","value":"\ud800"}}`), "surrogate"},
		{changes("{\"set\":{\"name\":\"a\",\"value\":\"\xff\"}}"), "UTF-8"},
		{changes(set) + changes(set), "after the JSON value"},
		{"\ufeff" + changes(set), "byte order mark"},
		{changes(set + ","), "not valid JSON"},
		{strings.TrimSuffix(changes(set), "}"), "unexpected end"},
		{changes(strings.Repeat("{},", 100_000) + "{}"), "more than 100000 values"},
		{`{"changes":[` + set + `],"dryRun":"yes"}`, "true or false"},
		{`{"changes":[` + set + `],"dryrun":true}`, `unknown member "dryrun"`},
		{`{"changes":[` + set + `],"idempotencyKey":"x"}`, `unknown member "idempotencyKey"`},
		{`{"changes":[` + set + `],"asSeenAt":1}`, "must be a string"},
		{`{"changes":[` + set + `],"reason":"` + strings.Repeat("r", 1025) + `"}`, "reason has 1025 bytes"},
	} {
		before := s.head()
		p := MustBeProblem(t, row.body[:min(len(row.body), 100)], s.MustDo(t, "POST /changes", row.body), 400, "INVALID_INPUT")
		if !strings.Contains(p.Detail, row.says) || s.head() != before || len(p.Detail) > 700 {
			t.Errorf("%.100s: got %q, want it to say %q; position %s after %s", row.body, p.Detail, row.says, s.head(), before)
		}
	}
}

// TestBadHeadersOfSets: headers that are about one config, or that contradict the body.
func TestBadHeadersOfSets(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "1")
	for _, request := range []string{"POST /changes", "POST /v1/revert", "POST /changes/" + s.head() + "/revert"} {
		body := map[string]string{
			"POST /changes":   `{"changes":[{"set":{"name":"a","value":"2"}}],"reason":"one"}`,
			"POST /v1/revert": `{"to":"` + s.head() + `","reason":"one"}`,
		}[request]
		if body == "" {
			body = `{"reason":"one"}`
		}
		for _, header := range []string{`If-Match: "1"`, "If-Match: *", "If-None-Match: *", "Config-Only-If-Changed: true", "Config-Restore: true",
			"Config-Only-If-Changed: x", "Config-Reason: two", "Config-Reason: %zz", "Config-Reason: one & one", "Idempotency-Key: é", "Idempotency-Key: a & b"} {
			before := s.head()
			p := MustBeProblem(t, request+header, s.MustDo(t, request, body, header), 400, "INVALID_INPUT")
			if name, _, _ := strings.Cut(header, ":"); !strings.HasPrefix(p.Detail, name) || s.head() != before {
				t.Errorf("%s with %s: got %q, position %s after %s", request, header, p.Detail, s.head(), before)
			}
		}
		for _, contentType := range []string{"text/plain", "application/octet-stream", "application/json; charset=utf-16"} {
			MustBeProblem(t, contentType, s.MustDo(t, request, body, "Content-Type: "+contentType), 415, "INVALID_INPUT")
		}
		MustBeProblem(t, "a coding", s.MustDo(t, request, body, "Content-Encoding: gzip"), 415, "INVALID_INPUT")
		MustBeProblem(t, "a query", s.MustDo(t, request+"?dryRun=true", body), 400, "INVALID_INPUT")
		MustBeProblem(t, "a long body", s.MustDo(t, request, strings.Repeat(" ", 16<<20)+body), 413, "INVALID_INPUT")
	}
}

func TestBadReverts(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "1")
	for _, row := range []struct{ request, body, says string }{
		{"POST /revert", "", `"to" is missing`},
		{"POST /revert", "{}", `"to" is missing`},
		{"POST /revert", `{"to":1}`, "must be a string"},
		{"POST /revert", `{"to":"2026-01-01T00:00:00"}`, "to must be a position"},
		{"POST /revert", `{"to":"` + s.head() + `","prefix":"a//b"}`, "empty segment"},
		{"POST /revert", `{"to":"` + s.head() + `","reason":"` + strings.Repeat("r", 1025) + `"}`, "nothing was written: reason has 1025 bytes"},
		{"POST /revert", `{"to":"` + s.head() + `","names":["a"]}`, `unknown member "names"`},
		{"POST /revert", `{"to":"` + s.head() + `","onConflict":"SKIP"}`, `unknown member "onConflict"`},
		{"POST /changes/" + s.head() + "/revert", "[]", "object"},
		{"POST /changes/" + s.head() + "/revert", `{"onConflict":"skip"}`, "must be FAIL, SKIP or OVERWRITE"},
		{"POST /changes/" + s.head() + "/revert", `{"asSeenAt":"1-00c0ffee"}`, `unknown member "asSeenAt"`},
	} {
		p := MustBeProblem(t, row.request+row.body, s.MustDo(t, row.request, row.body), 400, "INVALID_INPUT")
		if !strings.Contains(p.Detail, row.says) {
			t.Errorf("%s %s: got %q, want it to say %q", row.request, row.body, p.Detail, row.says)
		}
	}
}
