package edgetest_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"configapi/internal/edgetest"
)

// transport sends the body of a GraphQL request, and returns the status of the answer and its JSON.
type transport func(t testing.TB, contentType, body string) (status int, text string)

// graphReads sends queries, graphEdge mutations, too, and graphPost also says what it sends.
type (
	graphReads struct{ transport }
	graphEdge  struct{ graphReads }
	graphPost  struct{ graphEdge }
)

// overPost returns the edge of GraphQL over POST.
func overPost(s server) graphPost {
	return graphPost{graphEdge{graphReads{func(t testing.TB, contentType, body string) (int, string) {
		t.Helper()
		return s.ask(t, "POST /graphql", contentType, body)
	}}}}
}

const (
	outcome  = `{__typename ...on UserError{code message path}}`
	setQuery = `mutation($name:ConfigName!,$value:String!){setConfig(input:{name:$name,value:$value})` + outcome + `}`
)

func (e graphEdge) Set(t testing.TB, name, value string) edgetest.Answer {
	return e.try(t, jsonType, envelope(setQuery, "name", quote(name), "value", value))
}

func (e graphEdge) SetWithKey(t testing.TB, name, value, key string) edgetest.Answer {
	const query = `mutation($name:ConfigName!,$value:String!,$key:String){setConfig(input:{name:$name,value:$value,idempotencyKey:$key})` + outcome + `}`
	return e.try(t, jsonType, envelope(query, "name", quote(name), "value", value, "key", quote(key)))
}

func (e graphEdge) Delete(t testing.TB, name string) edgetest.Answer {
	return e.try(t, jsonType, envelope(`mutation($name:ConfigName!){deleteConfig(input:{name:$name})`+outcome+`}`, "name", quote(name)))
}

func (e graphEdge) Restore(t testing.TB, name string) edgetest.Answer {
	return e.try(t, jsonType, envelope(`mutation($name:ConfigName!){restoreConfig(input:{name:$name})`+outcome+`}`, "name", quote(name)))
}

func (e graphReads) Read(t testing.TB, name string) edgetest.Answer {
	return e.try(t, jsonType, envelope(`query($name:ConfigName!){config(name:$name){version}}`, "name", quote(name)))
}

func (e graphReads) History(t testing.TB, name string) edgetest.Answer {
	return e.try(t, jsonType, envelope(`query($name:ConfigName!){history(name:$name){nodes{version}}}`, "name", quote(name)))
}

func (e graphReads) ReadAt(t testing.TB, name, instant string) edgetest.Answer {
	return e.try(t, jsonType, envelope(`query($name:ConfigName!,$time:DateTime!){asOf(at:{time:$time}){config(name:$name){version}}}`, "name", quote(name), "time", quote(instant)))
}

func (e graphReads) After(t testing.TB, position string) edgetest.Answer {
	return e.try(t, jsonType, envelope(`query($after:Position){changes(after:$after,first:1){position}}`, "after", quote(position)))
}

func (e graphEdge) Tampered(t testing.TB, tamper func(string) string) edgetest.Answer {
	return e.try(t, jsonType, tamper(envelope(setQuery, "name", quote(edgetest.Good), "value", quote(edgetest.GoodValue))))
}

func (e graphPost) Typed(t testing.TB, contentType string) edgetest.Answer {
	return e.try(t, contentType, envelope(setQuery, "name", quote(edgetest.Good), "value", quote(edgetest.GoodValue)))
}

// try sends a body and reads its error: a GraphQL error, or a member of the result. The status
// counts only if the request is not GraphQL at all.
func (e graphReads) try(t testing.TB, contentType, body string) edgetest.Answer {
	t.Helper()
	status, text := e.transport(t, contentType, body)
	if status == http.StatusOK {
		status = 0
	}
	var answer struct {
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
		Data map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Errors == nil && answer.Data == nil {
		t.Fatalf("%.200s: %q is no answer: %v", body, text, err)
	}
	if len(answer.Errors) > 0 {
		return edgetest.Answer{Code: answer.Errors[0].Extensions.Code, Status: status, Text: answer.Errors[0].Message}
	}
	for _, result := range answer.Data {
		var failure struct{ Code, Message string }
		if err := json.Unmarshal(result, &failure); err == nil && failure.Code != "" {
			return edgetest.Answer{Code: failure.Code, Text: failure.Message}
		}
	}
	return edgetest.Answer{}
}

// envelope returns the body of a request. variables has names and JSON in turn, which are inserted
// unchanged.
func envelope(query string, variables ...string) string {
	body := `{"query":` + quote(query) + `,"variables":{`
	for i := 0; i < len(variables); i += 2 {
		if i > 0 {
			body += ","
		}
		body += quote(variables[i]) + ":" + variables[i+1]
	}
	return body + `}}`
}

func quote(text string) string {
	quoted, _ := json.Marshal(text) // strings can always be encoded
	return string(quoted)
}
