package graphqlws_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"configapi/test/graphqlws"
)

// The tests of a Go server run all rules as subtests. Rules about fields that are not set are
// skipped.
func ExampleRun() {
	var handler http.Handler // of the server under test

	_ = func(t *testing.T) { // TestProtocol
		server := httptest.NewServer(handler)
		defer server.Close()
		graphqlws.Run(t, graphqlws.Target{
			URL:          server.URL + "/graphql",
			Query:        `{ __typename }`,
			Subscription: `subscription { ticks }`,
			InitTimeout:  3 * time.Second,
		})
	}
}

// A program tries the rules that it chooses, here on a server without websockets.
func ExampleCase_Try() {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	target := graphqlws.Target{URL: server.URL, Patience: time.Second}
	for _, c := range graphqlws.Cases() {
		if !strings.HasPrefix(c.Name, "init/") || c.Applies(target) != "" {
			continue
		}
		fmt.Println(c.Name, "is kept:", c.Try(context.Background(), target) == nil)
		break
	}
	// Output: init/acknowledged is kept: false
}
