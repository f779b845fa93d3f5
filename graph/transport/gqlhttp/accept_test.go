package gqlhttp

import (
	"testing"

	"configapi/graph/transport/gqlmsg"
)

func TestAccepted(t *testing.T) {
	for _, row := range []struct {
		accept []string
		want   gqlmsg.Media
	}{
		{nil, gqlmsg.MediaJSON},
		{[]string{""}, gqlmsg.MediaJSON},
		{[]string{"*/*"}, gqlmsg.MediaJSON},
		{[]string{"application/*"}, gqlmsg.MediaJSON},
		{[]string{"application/json"}, gqlmsg.MediaJSON},
		{[]string{"APPLICATION/JSON; charset=utf-8"}, gqlmsg.MediaJSON},
		{[]string{"application/graphql-response+json"}, gqlmsg.MediaResponse},
		// graphql-http, urql
		{[]string{"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8"}, gqlmsg.MediaResponse},
		// Apollo
		{[]string{"application/graphql-response+json,application/json;q=0.9"}, gqlmsg.MediaResponse},
		{[]string{"application/json;q=0.9", "application/graphql-response+json"}, gqlmsg.MediaResponse},
		{[]string{"application/json, application/graphql-response+json"}, gqlmsg.MediaJSON},
		{[]string{"application/json;q=0.5, application/graphql-response+json;q=0.4"}, gqlmsg.MediaJSON},
		{[]string{"application/graphql-response+json, */*"}, gqlmsg.MediaResponse},
		{[]string{"*/*, application/graphql-response+json"}, gqlmsg.MediaResponse},
		{[]string{"*/*;q=0.9, application/graphql-response+json;q=0.1"}, gqlmsg.MediaJSON},
		{[]string{"application/json;q=0, */*"}, gqlmsg.MediaResponse},
		{[]string{"application/json;q=0, application/graphql-response+json;q=0, */*"}, gqlmsg.MediaNone},
		// a browser
		{[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, gqlmsg.MediaJSON},
		{[]string{"text/html"}, gqlmsg.MediaNone},
		// graphql-sse, EventSource
		{[]string{"text/event-stream"}, gqlmsg.MediaEventStream},
		{[]string{"Text/Event-Stream;q=0.5"}, gqlmsg.MediaEventStream},
		{[]string{"text/event-stream, */*"}, gqlmsg.MediaEventStream},
		// urql, a subscription
		{[]string{"text/event-stream, multipart/mixed"}, gqlmsg.MediaEventStream},
		// urql, a query
		{[]string{"application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"}, gqlmsg.MediaResponse},
		{[]string{"text/event-stream, application/json"}, gqlmsg.MediaEventStream},
		{[]string{"application/json, text/event-stream"}, gqlmsg.MediaJSON},
		{[]string{"application/json;q=0.5, text/event-stream;q=0.4"}, gqlmsg.MediaJSON},
		{[]string{"text/event-stream;q=0"}, gqlmsg.MediaNone},
		{[]string{"text/*"}, gqlmsg.MediaNone},
		{[]string{"*/*;q=0"}, gqlmsg.MediaNone},
		{[]string{"application/json;q=nonsense"}, gqlmsg.MediaJSON},
		{[]string{"application/json;q=NaN"}, gqlmsg.MediaJSON},
		{[]string{"application/json;q=2"}, gqlmsg.MediaJSON},
		{[]string{";;;, application/json"}, gqlmsg.MediaJSON},
	} {
		if got := Accepted(row.accept); got != row.want {
			t.Errorf("Accept %q: got %d, want %d", row.accept, got, row.want)
		}
	}
}
