package graph_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/generated"
	"configapi/graph/object"
	"configapi/internal/accesstest"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore/configstoretest"
)

// objects are the types of the schema that are objects of package object. TestEntryPoints fails
// when one of them is missing here.
var objects = []reflect.Type{
	reflect.TypeFor[*object.Config](), reflect.TypeFor[*object.ConfigChild](), reflect.TypeFor[*object.ConfigChildConnection](), reflect.TypeFor[*object.ConfigChildEdge](),
	reflect.TypeFor[*object.ConfigConnection](), reflect.TypeFor[*object.ConfigDiff](), reflect.TypeFor[*object.ConfigDifference](), reflect.TypeFor[*object.ConfigDifferenceEdge](),
	reflect.TypeFor[*object.ConfigEdge](), reflect.TypeFor[*object.ConfigRevision](), reflect.TypeFor[*object.ConfigRevisionConnection](), reflect.TypeFor[*object.ConfigRevisionEdge](),
	reflect.TypeFor[*object.ConfigSnapshot](), reflect.TypeFor[*object.ConfigsChanged](), reflect.TypeFor[*object.PageInfo](),
}

// readingFields returns the fields of the schema that read: those that have a resolver, and those
// whose objects get a context.
func readingFields(t *testing.T, schema *ast.Schema) (entries []string) {
	readers := map[string][]reflect.Type{} // :: type of the schema → Go types whose methods read
	root := reflect.TypeFor[generated.ResolverRoot]()
	for method := range root.Methods() {
		readers[method.Name] = append(readers[method.Name], method.Type.Out(0))
	}
	for _, of := range objects {
		readers[of.Elem().Name()] = append(readers[of.Elem().Name()], of)
	}
	for _, definition := range schema.Types {
		if definition.Kind != ast.Object || strings.HasPrefix(definition.Name, "__") {
			continue
		}
		for _, field := range definition.Fields {
			if slices.ContainsFunc(readers[definition.Name], func(of reflect.Type) bool { return takesContext(of, field.Name) }) {
				entries = append(entries, definition.Name+"."+field.Name)
			}
		}
	}
	return entries
}

// takesContext reports whether the method of a field takes a context.
func takesContext(of reflect.Type, field string) bool {
	for method := range of.Methods() {
		if !strings.EqualFold(method.Name, field) {
			continue
		}
		for in := range method.Type.Ins() {
			if in == reflect.TypeFor[context.Context]() {
				return true
			}
		}
	}
	return false
}

// TestEntryPoints compares the fields of the schema with docs/access.md: a mutation takes WRITE
// or ADMIN, and can be forbidden; any other field that reads takes READ.
func TestEntryPoints(t *testing.T) {
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	entries := readingFields(t, schema)
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, field := range root.Fields {
			if entry := root.Name + "." + field.Name; !strings.HasPrefix(field.Name, "__") && !slices.Contains(entries, entry) {
				entries = append(entries, entry)
			}
		}
	}
	rows := accesstest.Check(t, "GraphQL", entries)
	for entry, row := range rows {
		if isMutation := strings.HasPrefix(entry, "Mutation."); isMutation != (row.May("WRITE") || row.May("ADMIN") && entry != "Query.node" && entry != "Query.tokens") {
			t.Errorf("%s takes %v", entry, row.Takes)
		}
	}
	for _, field := range schema.Mutation.Fields {
		members := schema.Types[field.Type.Name()].Types
		if !slices.Contains(members, "ForbiddenError") && !slices.Contains(members, "ChangesRejected") {
			t.Errorf("%s cannot be forbidden", field.Name)
		}
	}
	mustHaveObjects(t, schema)
}

// mustHaveObjects fails unless objects has every type of package object that is one of the schema.
func mustHaveObjects(t *testing.T, schema *ast.Schema) {
	files, err := filepath.Glob("object/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^type (\w+)`).FindAllStringSubmatch(string(source), -1) {
			listed := slices.ContainsFunc(objects, func(of reflect.Type) bool { return of.Elem().Name() == match[1] })
			if inSchema := schema.Types[match[1]] != nil; inSchema != listed {
				t.Errorf("%s is in the schema: %t; it stands in objects: %t", match[1], inSchema, listed)
			}
		}
	}
}

// samples has a selection of each root field, and the answer to a caller without any grant.
var samples = map[string]struct{ document, answer string }{
	"Query.node":           {`{node(id:"Yzpz"){id}}`, `null`},
	"Query.config":         {`{config(name:"s"){value}}`, `null`},
	"Query.configs":        {`{configs{nodes{name} totalCount pageInfo{hasNextPage endCursor}}}`, `{"nodes":[],"totalCount":0,"pageInfo":{"hasNextPage":false,"endCursor":null}}`},
	"Query.deletedConfigs": {`{deletedConfigs{nodes{name} pageInfo{hasNextPage endCursor}}}`, `{"nodes":[],"pageInfo":{"hasNextPage":false,"endCursor":null}}`},
	"Query.children":       {`{children{nodes{name}}}`, `{"nodes":[]}`},
	"Query.history":        {`{history(name:"s"){nodes{value}}}`, `{"nodes":[]}`},
	"Query.asOf":           {`{asOf(at:{position:"HEAD"}){config(name:"s"){value} configs{nodes{name}}}}`, `{"config":null,"configs":{"nodes":[]}}`},
	"Query.diff":           {`{diff(from:{position:"0-00000000"}){nodes{name} totalCount}}`, `{"nodes":[],"totalCount":0}`},
	"Query.recentChanges":  {`{recentChanges{nodes{name}}}`, `{"nodes":[]}`},
	"Query.changes":        {`{changes{changes{name} position}}`, `{"changes":[],"position":"@3"}`},
	"Query.bounds":         {`{bounds{head}}`, `{"head":"@3"}`},
	"Query.viewer":         {`{viewer{name grants{prefix} may(action:READ,prefix:"s")}}`, `{"name":"ci","grants":[],"may":false}`},

	"Mutation.setConfig":       {`mutation{setConfig(input:{name:"s",value:"x"}){...on UserError{code}}}`, `{"code":"FORBIDDEN"}`},
	"Mutation.deleteConfig":    {`mutation{deleteConfig(input:{name:"s"}){...on UserError{code}}}`, `{"code":"FORBIDDEN"}`},
	"Mutation.restoreConfig":   {`mutation{restoreConfig(input:{name:"gone"}){...on UserError{code}}}`, `{"code":"FORBIDDEN"}`},
	"Mutation.applyConfigs":    {`mutation{applyConfigs(input:{changes:[{delete:{name:"s"}}]}){...on ChangesRejected{errors{code}}}}`, `{"errors":[{"code":"FORBIDDEN"}]}`},
	"Mutation.revertConfigs":   {`mutation{revertConfigs(input:{to:{position:"0-00000000"}}){...on ChangesRejected{errors{code}}}}`, `{"errors":[{"code":"FORBIDDEN"}]}`},
	"Mutation.revertChangeSet": {`mutation{revertChangeSet(input:{changeSet:"HEAD"}){...on ChangesRejected{errors{code}}}}`, `{"errors":[{"code":"FORBIDDEN"}]}`},
	"Mutation.createToken":     {`mutation{createToken(input:{name:"x",grants:[{prefix:"s",actions:[READ]}]}){...on UserError{code}}}`, `{"code":"FORBIDDEN"}`},
	"Mutation.rotateToken":     {`mutation{rotateToken(input:{name:"admin"}){...on UserError{code}}}`, `{"code":"FORBIDDEN"}`},
	"Mutation.changeGrants":    {`mutation{changeGrants(input:{name:"admin",grants:[{prefix:"s",actions:[READ]}]}){...on UserError{code}}}`, `{"code":"FORBIDDEN"}`},
	"Mutation.revokeToken":     {`mutation{revokeToken(input:{name:"admin"}){...on UserError{code}}}`, `{"code":"FORBIDDEN"}`},

	"Subscription.config":        {`subscription{config(name:"s"){value}}`, `null`},
	"Subscription.configChanges": {`subscription{configChanges(after:"0-00000000"){changes{name} position}}`, `{"changes":[],"position":"@3"}`},
}

// TestAccessOfNobody sends an operation with every root field to a store with secrets, by a
// caller without any grant.
func TestAccessOfNobody(t *testing.T) {
	open := MustStart(t)
	actor := auth.Caller{Name: "somebody", Grants: auth.Everything}
	set := config.ChangeSet{}.Of(configstoretest.Set(t, "s", "secret"), configstoretest.Set(t, "gone", "secret"))
	if _, err := open.Apply(t.Context(), actor, set); err != nil {
		t.Fatal(err)
	}
	open.MustDelete(t, "gone")
	nobody := open.as(t)
	for entry := range accesstest.Read(t, "GraphQL") {
		of, field, _ := strings.Cut(entry, ".")
		sample, known := samples[entry]
		switch {
		case entry == "Query.tokens":
			nobody.want(t, `{tokens{totalCount}}`, nil, `{"errors":[{"message":"ADMIN is not granted on what the request is about; use a token that grants it","path":["tokens"],"locations":[{"line":1,"column":2}],"extensions":{"code":"FORBIDDEN"}}],"data":{"tokens":null}}`)
		case known:
			document := strings.ReplaceAll(sample.document, "HEAD", open.head())
			want := `{"data":{"` + field + `":` + sample.answer + `}}`
			if of == "Subscription" {
				if _, _, got := nobody.MustListen(t, document, nil, "").event(); plain(got) != want {
					t.Errorf("%s: got %s, want %s", entry, plain(got), want)
				}
				continue
			}
			nobody.want(t, document, nil, want)
		case of == "Query" || of == "Mutation" || of == "Subscription":
			t.Errorf("there is no operation for %s here", entry)
		}
	}
	open.want(t, samples["Query.config"].document, nil, `{"data":{"config":{"value":"secret"}}}`)
}
