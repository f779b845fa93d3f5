package graph

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"pgregory.net/rapid"

	"configapi/graph/encode"
)

// TestEncodedFields draws operations that show configs and revisions in all places, and compares
// their answers with those of gqlgen alone.
func TestEncodedFields(t *testing.T) {
	e := odditiesExecutor(t)
	config := append(leaves(e, "Config"), "revision{position reason}", "...on Config{createdAt}", "...on Node{id}", "...{version}", "name @skip(if:false)", "revision{oldValue}")
	revision := append(leaves(e, "ConfigRevision"), "...on ConfigRevision{actor}", "...on Node{id}", "value @include(if:false)")
	for _, shape := range []string{
		`{configs{nodes{CONFIG} edges{cursor node{CONFIG}} pageInfo{endCursor}}}`,
		`{configs(filter:{prefix:"no"}){nodes{CONFIG} totalCount}}`,
		`{config(name:"odd"){revision{REVISION} history{nodes{REVISION}}}}`,
		`{a:config(name:"large"){CONFIG} b:config(name:"gone"){CONFIG}}`,
		`{history(name:"gone"){nodes{REVISION} edges{node{REVISION}}}}`,
		`{changes{changes{REVISION}}}`,
		`{asOf(at:{time:"2999-01-01T00:00:00Z"}){config(name:"app/plain"){REVISION} configs{nodes{REVISION}}}}`,
		`{node(id:"Yzplb"){...on Config{CONFIG}}}`,
		`{configs(orderBy:CHANGED){nodes{CONFIG}} children(prefix:"app"){nodes{segment config{CONFIG}} edges{node{config{CONFIG}}}}}`,
		`{recentChanges{nodes{REVISION}} deletedConfigs{nodes{REVISION} edges{node{REVISION}}}}`,
		`{diff(from:{time:"2000-01-01T00:00:00Z"}){nodes{before{REVISION} after{REVISION} changes{REVISION}}}}`,
		`mutation{applyConfigs(input:{idempotencyKey:"k",reason:"\"",changes:[{set:{name:"new",value:"1"}},{set:{name:"empty",value:"",onlyIfChanged:true}}]}){` +
			`__typename ...on ConfigsChanged{unchanged dryRun revisions{REVISION} position} ...on ChangesRejected{errors{message}}}}`,
		`mutation{setConfig(input:{name:"empty",value:"",onlyIfChanged:true}){...on ConfigChanged{config{CONFIG} revision{REVISION}}}}`,
		`mutation{setConfig(input:{name:"empty",value:"",onlyIfChanged:true}){__typename ...on UserError{message} ...on ConfigChanged{changed position __typename config{CONFIG}} ...on InvalidInputError{path}}}`,
		`mutation{setConfig(input:{name:"empty",value:"1",expectedVersion:7}){...on VersionConflictError{current{REVISION}}}}`,
	} {
		rapid.Check(t, func(t *rapid.T) {
			doc := strings.ReplaceAll(shape, "CONFIG", drawSelection(t, config))
			doc = strings.ReplaceAll(doc, "REVISION", drawSelection(t, revision))
			next, ctx := e.DispatchOperation(t.Context(), prepared(t, e, doc, nil))
			got, want := next(ctx), byGqlgen(t.Context(), e, prepared(t, e, doc, nil))
			if string(got.Data) != string(want.Data) || len(got.Errors) != len(want.Errors) {
				t.Errorf("%s:\ngot  %.2000s %v\nwant %.2000s %v", doc, got.Data, got.Errors, want.Data, want.Errors)
			}
		})
	}
}

// leaves returns the fields of a type that have no fields below them, as they stand in a document.
func leaves(e *executor, typeName string) []string {
	types := e.schema.Schema().Types
	names := []string{"__typename"}
	for _, field := range types[typeName].Fields {
		if types[field.Type.Name()].IsLeafType() {
			names = append(names, field.Name)
		}
	}
	return names
}

// drawSelection draws fields, of which some have an alias.
func drawSelection(t *rapid.T, of []string) string {
	var set strings.Builder
	for i, field := range rapid.SliceOfN(rapid.SampledFrom(of), 1, 5).Draw(t, "fields") {
		if !strings.HasPrefix(field, "...") && rapid.Bool().Draw(t, "alias") {
			fmt.Fprintf(&set, "l%d:", i)
		}
		set.WriteString(field + " ")
	}
	return set.String()
}

// TestEncoded has queries with a result that is encoded as a whole, and queries without.
func TestEncoded(t *testing.T) {
	e := odditiesExecutor(t)
	for doc, want := range map[string]bool{
		`{config(name:"odd"){name value}}`:                true,
		`{configs{nodes{name value}}}`:                    true,
		`{configs(first:1){edges{node{name}}}}`:           true,
		`{configs{nodes{name name}}}`:                     true,
		`{configs{nodes{...on Config{name}}}}`:            true,
		`{configs{nodes{name @include(if:true)}}}`:        false,
		`{history(name:"odd"){nodes{version actor}}}`:     true,
		`{history(name:"odd"){nodes{oldValue}}}`:          true,
		`{configs{nodes{revision{version}}}}`:             true,
		`{recentChanges{nodes{oldValue reverts erased}}}`: true,
		`{deletedConfigs{nodes{configId}}}`:               true,
		`{children{nodes{config{value}}}}`:                true,
		`{history(name:"odd"){nodes{config{name}}}}`:      true, // each config, but not the list
		`mutation{applyConfigs(input:{changes:{set:{name:"odd",value:"1"}}}){...on ConfigsChanged{revisions{oldValue}}}}`: true,
		`{configs{nodes{revision{oldValue}}}}`:                 false,
		`{config(name:"odd"){version history{edges{cursor}}}}`: false,
	} {
		op := prepared(t, e, doc, nil)
		var found atomic.Bool
		op.ResolverMiddleware = func(ctx context.Context, next graphql.Resolver) (any, error) {
			result, err := countField(ctx, next)
			if _, is := result.(encode.Encoded); is {
				found.Store(true)
			}
			return result, err
		}
		next, ctx := e.execute(graphql.WithOperationContext(t.Context(), op), op, nil)
		if response := next(ctx); len(response.Errors) > 0 || found.Load() != want {
			t.Errorf("%s: got %v %v, want %v", doc, found.Load(), response.Errors, want)
		}
	}
}
