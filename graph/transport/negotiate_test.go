package transport

import "testing"

func TestNegotiate(t *testing.T) {
	for _, row := range []struct {
		accept []string
		want   mediaType
	}{
		{nil, mediaJSON},
		{[]string{""}, mediaJSON},
		{[]string{"*/*"}, mediaJSON},
		{[]string{"application/*"}, mediaJSON},
		{[]string{"application/json"}, mediaJSON},
		{[]string{"APPLICATION/JSON; charset=utf-8"}, mediaJSON},
		{[]string{"application/graphql-response+json"}, mediaResponse},
		{[]string{"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8"}, mediaResponse}, // graphql-http, urql
		{[]string{"application/graphql-response+json,application/json;q=0.9"}, mediaResponse},                          // Apollo
		{[]string{"application/json;q=0.9", "application/graphql-response+json"}, mediaResponse},
		{[]string{"application/json, application/graphql-response+json"}, mediaJSON},
		{[]string{"application/json;q=0.5, application/graphql-response+json;q=0.4"}, mediaJSON},
		{[]string{"application/graphql-response+json, */*"}, mediaResponse},
		{[]string{"*/*, application/graphql-response+json"}, mediaResponse},
		{[]string{"*/*;q=0.9, application/graphql-response+json;q=0.1"}, mediaJSON},
		{[]string{"application/json;q=0, */*"}, mediaResponse},
		{[]string{"application/json;q=0, application/graphql-response+json;q=0, */*"}, mediaNone},
		{[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, mediaJSON}, // a browser
		{[]string{"text/html"}, mediaNone},
		{[]string{"text/event-stream"}, mediaEventStream}, // graphql-sse, EventSource
		{[]string{"Text/Event-Stream;q=0.5"}, mediaEventStream},
		{[]string{"text/event-stream, */*"}, mediaEventStream},
		{[]string{"text/event-stream, multipart/mixed"}, mediaEventStream},                                                                             // urql, a subscription
		{[]string{"application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"}, mediaResponse}, // urql, a query
		{[]string{"text/event-stream, application/json"}, mediaEventStream},
		{[]string{"application/json, text/event-stream"}, mediaJSON},
		{[]string{"application/json;q=0.5, text/event-stream;q=0.4"}, mediaJSON},
		{[]string{"text/event-stream;q=0"}, mediaNone},
		{[]string{"text/*"}, mediaNone},
		{[]string{"*/*;q=0"}, mediaNone},
		{[]string{"application/json;q=nonsense"}, mediaJSON},
		{[]string{"application/json;q=NaN"}, mediaJSON},
		{[]string{"application/json;q=2"}, mediaJSON},
		{[]string{";;;, application/json"}, mediaJSON},
	} {
		if got := negotiate(row.accept); got != row.want {
			t.Errorf("Accept %q: got %d, want %d", row.accept, got, row.want)
		}
	}
}
