package graph_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

func TestSmoke(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	h := graph.NewHandler(store.Store, graph.Options{})
	for _, q := range []string{
		`mutation{setConfig(input:{name:"a/b",value:"x"}){__typename ... on ConfigChanged{position changed config{id name version history{nodes{version value operation}}}}}}`,
		`mutation{setConfig(input:{name:"a/b",value:"y",expectedVersion:7}){__typename ... on UserError{code message path} ... on VersionConflictError{current{version}}}}`,
		`{config(name:"a/b"){id name value version createdAt revision{id changeSet position operation oldValue actor} asOf(at:{time:"2030-01-01T00:00:00Z"}){value}} configs{totalCount position nodes{name} pageInfo{hasNextPage endCursor}} bounds{head earliest}}`,
		`{config(name:"a//b"){name}}`,
		`{asOf(at:{position:"1-deadbeef"}){position}}`,
		`{asOf(at:{position:"x"}){position}}`,
		`{configs(first:0){totalCount}}`,
		`{changes{caughtUp position changes{name value}}}`,
	} {
		req := httptest.NewRequest("POST", "/graphql", strings.NewReader(`{"query":`+quote(q)+`}`))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		b, _ := io.ReadAll(w.Result().Body)
		t.Log(w.Code, string(b))
	}
	_ = http.MethodGet
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }
