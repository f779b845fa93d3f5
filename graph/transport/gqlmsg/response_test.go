package gqlmsg

import (
	"encoding/json"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

func TestAppend(t *testing.T) {
	failed := gqlerror.List{{Message: "<no>"}}
	for _, row := range []struct {
		response graphql.Response
		want     string
	}{
		{graphql.Response{Data: json.RawMessage(`{"a":"<b>"}`)}, `{"data":{"a":"<b>"}}`},
		{graphql.Response{Data: json.RawMessage(`null`)}, `{"data":null}`},
		{graphql.Response{}, `{"data":null}`},
		{graphql.Response{Errors: failed}, `{"errors":[{"message":"<no>"}]}`},
		{graphql.Response{Errors: failed, Data: json.RawMessage(`null`)}, `{"errors":[{"message":"<no>"}],"data":null}`},
		{graphql.Response{Errors: failed, Extensions: map[string]any{"b": 1, "a": 2}}, `{"errors":[{"message":"<no>"}],"extensions":{"a":2,"b":1}}`},
		{graphql.Response{Data: json.RawMessage(`{}`), Extensions: map[string]any{"a": "&"}}, `{"data":{},"extensions":{"a":"&"}}`},
	} {
		if got := string(Append([]byte("kept"), &row.response)); got != "kept"+row.want {
			t.Errorf("got %s, want kept%s", got, row.want)
		}
	}
}
