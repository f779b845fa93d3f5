package graph_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// TestSchema compares the schema that introspection returns with schema.graphql, all of it.
func TestSchema(t *testing.T) {
	query, err := os.ReadFile("testdata/introspection.graphql")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	file, err := gqlparser.LoadSchema(&ast.Source{Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	served := MustGet[introspection](t, MustStart(t), string(query), nil, "__schema")
	if diff := gocmp.Diff(ofFile(file), served.lines()); diff != "" {
		t.Errorf("-schema.graphql +served\n%s", diff)
	}
	if served.QueryType.Name != "Query" || served.MutationType.Name != "Mutation" || served.SubscriptionType.Name != "Subscription" {
		t.Errorf("got roots %s, %s, %s", served.QueryType, served.MutationType, served.SubscriptionType)
	}
}

// october2021 are the directive locations of the specification of that month. graphql-core and old
// versions of graphql-js fail on a schema with any other location, and some on directives that they
// do not know.
var october2021 = []string{
	"QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT", "VARIABLE_DEFINITION",
	"SCHEMA", "SCALAR", "OBJECT", "FIELD_DEFINITION", "ARGUMENT_DEFINITION", "INTERFACE", "UNION", "ENUM", "ENUM_VALUE", "INPUT_OBJECT",
	"INPUT_FIELD_DEFINITION",
}

func TestToolsKnowTheDirectives(t *testing.T) {
	a := MustStart(t)
	type directive struct {
		Name      string
		Locations []string
	}
	var names []string
	for _, d := range MustGet[[]directive](t, a, `{__schema{directives{name locations}}}`, nil, "__schema", "directives") {
		names = append(names, d.Name)
		for _, location := range d.Locations {
			if !slices.Contains(october2021, location) {
				t.Errorf("@%s may stand on %s", d.Name, location)
			}
		}
		if d.Name == "oneOf" && !slices.Equal(d.Locations, []string{"INPUT_OBJECT"}) {
			t.Errorf("@oneOf may stand on %v", d.Locations)
		}
	}
	slices.Sort(names)
	if want := []string{"deprecated", "include", "oneOf", "skip", "specifiedBy"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	type value struct{ Name string }
	for _, location := range MustGet[[]value](t, a, `{__type(name:"__DirectiveLocation"){enumValues{name}}}`, nil, "__type", "enumValues") {
		if !slices.Contains(october2021, location.Name) {
			t.Errorf("introspection knows the location %s", location.Name)
		}
	}
}

// introspection is the answer to graphql-js's query.
type introspection struct {
	QueryType, MutationType, SubscriptionType struct{ Name string }
	Types, Directives                         []introspected
}

// introspected is a type, field, argument or value of an enum.
type introspected struct {
	Kind, Name, Description   string
	SpecifiedByURL            *string
	IsOneOf                   *bool
	Fields, InputFields, Args []introspected
	EnumValues                []introspected
	Interfaces, PossibleTypes []typeRef
	Type                      *typeRef
	DefaultValue              *string
	IsDeprecated              bool
	DeprecationReason         *string
}

type typeRef struct {
	Kind, Name string
	OfType     *typeRef
}

func (r typeRef) String() string {
	switch r.Kind {
	case "NON_NULL":
		return r.OfType.String() + "!"
	case "LIST":
		return "[" + r.OfType.String() + "]"
	}
	return r.Name
}

func (s introspection) lines() (lines []string) {
	slices.SortFunc(s.Types, func(a, b introspected) int { return cmp.Compare(a.Name, b.Name) })
	for _, served := range s.Types {
		if builtIn(served.Name) {
			continue
		}
		line := fmt.Sprintf("%s %s implements %q", served.Kind, served.Name, names(served.Interfaces))
		if len(served.PossibleTypes) > 0 {
			line += fmt.Sprintf(" may be %q", names(served.PossibleTypes))
		}
		if served.SpecifiedByURL != nil {
			line += " specified by " + *served.SpecifiedByURL
		}
		if served.IsOneOf != nil && *served.IsOneOf {
			line += " one of"
		}
		lines = append(lines, line, served.Description)
		for _, field := range append(served.Fields, served.InputFields...) {
			lines = append(lines, field.line("  "), field.Description)
			for _, argument := range field.Args {
				lines = append(lines, argument.line("    "), argument.Description)
			}
		}
		for _, value := range served.EnumValues {
			lines = append(lines, value.line("  "), value.Description)
		}
	}
	return lines
}

func (i introspected) line(indent string) string {
	line := indent + i.Name
	if i.Type != nil {
		line += ": " + i.Type.String()
	}
	if i.DefaultValue != nil {
		line += " = " + *i.DefaultValue
	}
	if i.IsDeprecated {
		line += " deprecated " + *i.DeprecationReason
	}
	return line
}

func names(types []typeRef) []string {
	names := []string{}
	for _, t := range types {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names
}

func builtIn(name string) bool {
	return strings.HasPrefix(name, "__") || slices.Contains([]string{"Int", "Float", "String", "Boolean", "ID"}, name)
}

// ofFile returns the same lines for the schema in the file.
func ofFile(schema *ast.Schema) (lines []string) {
	types := make([]*ast.Definition, 0, len(schema.Types))
	for _, t := range schema.Types {
		if !builtIn(t.Name) {
			types = append(types, t)
		}
	}
	slices.SortFunc(types, func(a, b *ast.Definition) int { return cmp.Compare(a.Name, b.Name) })
	for _, t := range types {
		implements := append([]string{}, t.Interfaces...)
		slices.Sort(implements)
		line := fmt.Sprintf("%s %s implements %q", t.Kind, t.Name, implements)
		if t.IsAbstractType() {
			var may []string
			for _, possible := range schema.PossibleTypes[t.Name] {
				may = append(may, possible.Name)
			}
			slices.Sort(may)
			line += fmt.Sprintf(" may be %q", may)
		}
		if url := t.Directives.ForName("specifiedBy"); url != nil {
			line += " specified by " + url.Arguments.ForName("url").Value.Raw
		}
		if t.Directives.ForName("oneOf") != nil {
			line += " one of"
		}
		lines = append(lines, line, t.Description)
		for _, field := range t.Fields {
			if builtIn(field.Name) {
				continue
			}
			lines = append(lines, "  "+field.Name+": "+field.Type.String()+otherwise(field.DefaultValue)+deprecated(field.Directives), field.Description)
			for _, argument := range field.Arguments {
				lines = append(lines, "    "+argument.Name+": "+argument.Type.String()+otherwise(argument.DefaultValue)+deprecated(argument.Directives), argument.Description)
			}
		}
		for _, value := range t.EnumValues {
			lines = append(lines, "  "+value.Name+deprecated(value.Directives), value.Description)
		}
	}
	return lines
}

func otherwise(value *ast.Value) string {
	if value == nil {
		return ""
	}
	return " = " + value.String()
}

func deprecated(directives ast.DirectiveList) string {
	d := directives.ForName("deprecated")
	if d == nil {
		return ""
	}
	return " deprecated " + d.Arguments.ForName("reason").Value.Raw
}

// TestSchemaIsDescribed checks that every type, field, argument and value says what it is.
func TestSchemaIsDescribed(t *testing.T) {
	text, err := os.ReadFile("../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	want := func(description string, path ...string) {
		if description == "" {
			t.Errorf("%s has no description", strings.Join(path, "."))
		}
	}
	for _, of := range schema.Types {
		if of.BuiltIn {
			continue
		}
		want(of.Description, of.Name)
		for _, field := range of.Fields {
			if builtIn(field.Name) {
				continue
			}
			want(field.Description, of.Name, field.Name)
			for _, argument := range field.Arguments {
				want(argument.Description, of.Name, field.Name, argument.Name)
			}
		}
		for _, value := range of.EnumValues {
			want(value.Description, of.Name, value.Name)
		}
	}
}
