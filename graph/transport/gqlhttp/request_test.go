package gqlhttp

import (
	"net/http"
	"net/url"
	"testing"

	"configapi/graph/transport/transporttest"
)

func TestGet(t *testing.T) {
	server := transporttest.NewSchema().Handler(New(Options{}))
	get := func(parameters ...string) string {
		values := url.Values{}
		for i := 0; i < len(parameters); i += 2 {
			values.Add(parameters[i], parameters[i+1])
		}
		return "/graphql?" + values.Encode()
	}
	for _, c := range []transporttest.Call{
		{Name: "query", Target: get("query", "{hello}"), Status: 200, Want: `{"data":{"hello":"hello world"}}`},
		{Name: "all parameters", Target: get("query", "query A($n:String){hello(name:$n)} query B{b:hello}", "operationName", "A", "variables", `{"n":"you"}`, "extensions", `{"a":1}`), Status: 200, Want: `{"data":{"hello":"hello you"}}`},
		{Name: "empty parameters", Target: get("query", "{hello}", "operationName", "", "variables", "", "extensions", ""), Status: 200, Want: `{"data":{"hello":"hello world"}}`},
		{Name: "null variables", Target: get("query", "{hello}", "variables", "null"), Status: 200, Want: `{"data":{"hello":"hello world"}}`},
		{Name: "syntax error", Target: get("query", "{"), Header: transporttest.AcceptResponse, Status: 400, Media: transporttest.TypeResponse, Code: "GRAPHQL_PARSE_FAILED"},
		{Name: "mutation", Target: get("query", "mutation{change}"), Status: 405, Code: "INVALID_INPUT", Says: "POST", Check: transporttest.Allows("POST")},
		{Name: "mutation, other form", Target: get("query", "mutation{change}"), Header: transporttest.AcceptResponse, Status: 405, Media: transporttest.TypeResponse, Code: "INVALID_INPUT", Check: transporttest.Allows("POST")},
		{Name: "subscription", Target: get("query", "subscription{ticks}"), Header: transporttest.AcceptResponse, Status: 400, Media: transporttest.TypeResponse, Code: "INVALID_INPUT", Says: "websocket to this URL with the sub-protocol graphql-transport-ws, or send the same request with Accept: text/event-stream"},
		{Name: "no query", Target: "/graphql", Status: 400, Code: "INVALID_INPUT", Says: "parameter query"},
		{Name: "persisted", Target: get("extensions", `{"persistedQuery":{"version":1,"sha256Hash":"0"}}`), Status: 200, Want: transporttest.PersistedAnswer},
		{Name: "persisted, with the document", Target: get("query", "{hello}", "extensions", `{"persistedQuery":{}}`), Status: 200, Want: `{"data":{"hello":"hello world"}}`},
		{Name: "query is not UTF-8", Target: "/graphql?query={hello}%23%ff", Status: 400, Code: "INVALID_INPUT", Says: "not valid UTF-8"},
		{Name: "operation name is not UTF-8", Target: "/graphql?query={hello}&operationName=%ff", Status: 400, Code: "INVALID_INPUT", Says: "not valid UTF-8"},
		{Name: "broken encoding", Target: "/graphql?query=%zz", Status: 400, Code: "INVALID_INPUT", Says: "encoded"},
		{Name: "query twice", Target: get("query", "{hello}", "query", "{s3cret}"), Status: 400, Code: "INVALID_INPUT", Says: "query twice"},
		{Name: "broken variables", Target: get("query", "{hello}", "variables", "{s3cret"), Status: 400, Code: "INVALID_INPUT", Says: "variables must be a JSON object: not valid JSON"},
		{Name: "array as variables", Target: get("query", "{hello}", "variables", "[]"), Status: 400, Code: "INVALID_INPUT", Says: "variables must be a JSON object"},
		{Name: "string as extensions", Target: get("query", "{hello}", "extensions", `"s3cret"`), Status: 400, Code: "INVALID_INPUT", Says: "extensions must be a JSON object"},
	} {
		c.Method = http.MethodGet
		t.Run(c.Name, func(t *testing.T) { c.Do(t, server) })
	}
}
