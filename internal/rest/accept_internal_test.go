package rest

import (
	"net/http"
	"testing"
)

func TestPreferences(t *testing.T) {
	for _, row := range []struct {
		accept        string
		json, problem bool
	}{
		{"", false, false},
		{"*/*", false, false},
		{"text/plain", false, false},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", false, false}, // a browser
		{"application/json, text/plain, */*", false, false},                                          // axios
		{"application/json, */*", false, false},
		{"text/plain, application/json", false, false},
		{"application/json;q=0.9, text/plain", false, false},
		{"application/json;q=0.5, text/*;q=0.6", false, false},
		{"application/json;q=0", false, false},
		{"application/json;q=0, application/*", false, false}, // the most specific range counts
		{"application/json;q=2, */*", false, false},           // a quality that is none
		{"application/json;q=NaN, */*", false, false},
		{"application/jsonx, application/xml", false, false},
		{";;;", false, false},

		{"application/json", true, true},
		{"Application/JSON; charset=utf-8", true, true},
		{"application/json;q=0.001", true, true},
		{"application/json, text/plain;q=0.9, */*;q=0.8", true, true},
		{"text/plain;q=0.5, application/json;q=0.6", true, true},
		{"text/html, application/json;q=0.9, */*;q=0.8", true, true},
		{"application/json, text/plain;q=0", true, true},
		{"application/*", true, true},
		{"application/*;q=0.9, */*;q=0.1", true, true},
		{`application/json;profile="a,text/plain"`, true, true},
		{`nonsense, application/json`, true, true},
		{`application/json, application/json;q=0.1, */*;q=0.5`, true, true},

		{"application/problem+json", false, true},
		{"application/problem+json, */*;q=0.9", false, true},
		{"application/problem+json, */*", false, false},
		{"application/json;q=0, application/problem+json", false, true},
		{"application/json;q=0.5, application/problem+json;q=0.9, text/plain;q=0.7", false, true},
	} {
		h := http.Header{"Accept": {row.accept}}
		if row.accept == "" {
			h = http.Header{}
		}
		if json, problem := prefersJSON(h), prefersProblem(h); json != row.json || problem != row.problem {
			t.Errorf("Accept %q: got JSON %t, problem %t", row.accept, json, problem)
		}
	}
	lines := http.Header{"Accept": {"text/plain;q=0.5", "application/json"}}
	if !prefersJSON(lines) {
		t.Error("two lines are not one list")
	}
}
