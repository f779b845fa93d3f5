package transport

import (
	"net/http"
	"net/url"
	"testing"
)

func TestGet(t *testing.T) {
	server := newTestSchema().handler(NewHTTP(HTTPOptions{}))
	get := func(parameters ...string) string {
		values := url.Values{}
		for i := 0; i < len(parameters); i += 2 {
			values.Add(parameters[i], parameters[i+1])
		}
		return "/graphql?" + values.Encode()
	}
	for _, c := range []call{
		{name: "query", target: get("query", "{hello}"), status: 200, want: `{"data":{"hello":"hello world"}}`},
		{name: "all parameters", target: get("query", "query A($n:String){hello(name:$n)} query B{b:hello}", "operationName", "A", "variables", `{"n":"you"}`, "extensions", `{"a":1}`), status: 200, want: `{"data":{"hello":"hello you"}}`},
		{name: "empty parameters", target: get("query", "{hello}", "operationName", "", "variables", "", "extensions", ""), status: 200, want: `{"data":{"hello":"hello world"}}`},
		{name: "null variables", target: get("query", "{hello}", "variables", "null"), status: 200, want: `{"data":{"hello":"hello world"}}`},
		{name: "syntax error", target: get("query", "{"), header: acceptResponse, status: 400, media: typeResponse, code: CodeParseFailed},
		{name: "mutation", target: get("query", "mutation{change}"), status: 405, code: CodeInvalidInput, says: "POST", check: allows("POST")},
		{name: "mutation, other form", target: get("query", "mutation{change}"), header: acceptResponse, status: 405, media: typeResponse, code: CodeInvalidInput, check: allows("POST")},
		{name: "subscription", target: get("query", "subscription{ticks}"), header: acceptResponse, status: 400, media: typeResponse, code: CodeInvalidInput, says: "websocket to this URL with the sub-protocol graphql-transport-ws, or send the same request with Accept: text/event-stream"},
		{name: "no query", target: "/graphql", status: 400, code: CodeInvalidInput, says: "parameter query"},
		{name: "persisted", target: get("extensions", `{"persistedQuery":{"version":1,"sha256Hash":"0"}}`), status: 200, want: persistedAnswer},
		{name: "persisted, with the document", target: get("query", "{hello}", "extensions", `{"persistedQuery":{}}`), status: 200, want: `{"data":{"hello":"hello world"}}`},
		{name: "query is not UTF-8", target: "/graphql?query={hello}%23%ff", status: 400, code: CodeInvalidInput, says: "not valid UTF-8"},
		{name: "operation name is not UTF-8", target: "/graphql?query={hello}&operationName=%ff", status: 400, code: CodeInvalidInput, says: "not valid UTF-8"},
		{name: "broken encoding", target: "/graphql?query=%zz", status: 400, code: CodeInvalidInput, says: "encoded"},
		{name: "query twice", target: get("query", "{hello}", "query", "{s3cret}"), status: 400, code: CodeInvalidInput, says: "query twice"},
		{name: "broken variables", target: get("query", "{hello}", "variables", "{s3cret"), status: 400, code: CodeInvalidInput, says: "variables must be a JSON object: not valid JSON"},
		{name: "array as variables", target: get("query", "{hello}", "variables", "[]"), status: 400, code: CodeInvalidInput, says: "variables must be a JSON object"},
		{name: "string as extensions", target: get("query", "{hello}", "extensions", `"s3cret"`), status: 400, code: CodeInvalidInput, says: "extensions must be a JSON object"},
	} {
		c.method = http.MethodGet
		t.Run(c.name, func(t *testing.T) { c.do(t, server) })
	}
}
