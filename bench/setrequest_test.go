package main

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// setBody is what a server reads of a set, over either API.
type setBody struct {
	Changes []struct {
		Set struct{ Name, Value string }
	}
	DryRun bool
}

func TestSetsAreOfOtherNamesAndValues(t *testing.T) {
	names := historyNames(options{Names: 5, NameSize: 30})
	for _, by := range []string{byREST, byGraphQL} {
		rec := &recorder{}
		server := httptest.NewServer(rec)
		defer server.Close()
		connect := setConnector(server.Listener.Addr().String(), by, names, 40, 3, true)
		next := 2
		operations, opened, err := connect(1, clientOptions{nextName: func() int { next++; return next }, life: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := operations[0](); err == nil || !strings.Contains(err.Error(), "unexpected answer") {
				t.Errorf("%s: got %v, want an error, since OK is no proof", by, err)
			}
		}
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
		values := map[string]bool{}
		for i, r := range rec.seen {
			body, err := bodyOfSet(r)
			if err != nil || len(body.Changes) != 3 || !body.DryRun {
				t.Fatalf("%s: got %+v, %v", by, r, err)
			}
			for j, change := range body.Changes {
				if want := names[(3+i+j)%len(names)]; change.Set.Name != want {
					t.Errorf("%s: got name %q, want %q", by, change.Set.Name, want)
				}
				values[change.Set.Value] = true
			}
		}
		if len(values) != 6 {
			t.Errorf("%s: got values %v, want 6", by, values)
		}
	}
}

func bodyOfSet(r received) (body setBody, err error) {
	switch r.Path {
	case "/changes":
		err = json.Unmarshal([]byte(r.Body), &body)
		return body, err
	case "/graphql":
		var request struct {
			Query     string
			Variables struct{ I setBody }
		}
		err := json.Unmarshal([]byte(r.Body), &request)
		return request.Variables.I, err
	}
	return body, errors.New("unknown path")
}
