package coerce_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/coerce"
	"configapi/internal/strictjson"
)

var schema = gqlparser.MustLoadSchema(&ast.Source{Input: `
	scalar Even
	enum Colour { RED GREEN }
	input Where @oneOf { name: String  number: Int }
	input Filter { must: String!  default: Int! = 7  may: Int  names: [String!]  colour: Colour  deep: Filter  where: Where  even: Even }
	type Query {
		field(int: Int, must: Int! = 1, float: Float, text: String, flag: Boolean, id: ID, colour: Colour, even: Even,
			ints: [Int!], grid: [[Int]], filter: Filter, where: Where): Query
		need(text: String!): Query
		leaf: String
	}
`})

var errOdd = errors.New("this is odd")

func even(value any) error {
	if n, ok := value.(int64); !ok || n%2 != 0 {
		return errOdd
	}
	return nil
}

// coerceJSON coerces an operation with variables, written as JSON.
func coerceJSON(t *testing.T, doc, variables string) (coerced map[string]any, errs []string) {
	t.Helper()
	parsed, invalid := gqlparser.LoadQueryWithRules(schema, doc, nil)
	if invalid != nil {
		t.Fatalf("%s: %v", doc, invalid)
	}
	var sent strictjson.Object
	if err := strictjson.Decode([]byte(variables), &sent, strictjson.Options{}); err != nil {
		t.Fatal(err)
	}
	s := coerce.Schema{Types: schema.Types, Scalars: map[string]coerce.Scalar{"Even": even}, MaxErrors: 3}
	coerced, list := s.Operation(parsed.Operations[0], sent)
	for _, err := range list {
		if len(err.Locations) != 1 || err.Path != nil || err.Rule != coerce.Rule {
			t.Errorf("%s: the error is incomplete: %+v", doc, err)
		}
		errs = append(errs, err.Message)
	}
	return coerced, errs
}

// TestVariables has values for a variable of a type, with the expected error.
func TestVariables(t *testing.T) {
	const int32s, str = "$v must be a whole number of at most 32 bits", "$v must be a string"
	for _, row := range []struct{ typ, argument, value, wrong string }{
		{"Int", "int", `2147483647`, ""}, {"Int", "int", `-2147483648`, ""}, {"Int", "int", `1.0`, ""}, {"Int", "int", `null`, ""},
		{"Int", "int", `2147483648`, int32s}, {"Int", "int", `-2147483649`, int32s}, {"Int", "int", `1.5`, int32s}, {"Int", "int", `1e300`, int32s},
		{"Int", "int", `"1"`, int32s}, {"Int", "int", `true`, int32s}, {"Int", "int", `[1]`, int32s}, {"Int", "int", `{}`, int32s},
		{"Int!", "int", `null`, "$v must not be null"}, {"Int!", "int", ``, "$v must be given"}, {"Int", "int", ``, ""},
		{"Float", "float", `1`, ""}, {"Float", "float", `1.5`, ""}, {"Float", "float", `"1"`, "$v must be a number"},
		{"String", "text", `""`, ""}, {"String", "text", `1`, str}, {"String", "text", `true`, str}, {"String", "text", `["a"]`, str},
		{"Boolean", "flag", `false`, ""}, {"Boolean", "flag", `0`, "$v must be true or false"}, {"Boolean", "flag", `"true"`, "$v must be true or false"},
		{"ID", "id", `"a"`, ""}, {"ID", "id", `7`, ""}, {"ID", "id", `7.5`, "$v must be a string or a whole number"}, {"ID", "id", `true`, "$v must be a string or a whole number"},
		{"Colour", "colour", `"RED"`, ""}, {"Colour", "colour", `"red"`, "$v must be a value of the enum Colour"}, {"Colour", "colour", `"BLUE"`, "$v must be a value of the enum Colour"},
		{"Colour", "colour", `0`, "$v must be a value of the enum Colour"}, {"Colour", "colour", `["RED"]`, "$v must be a value of the enum Colour"},
		{"Even", "even", `2`, ""}, {"Even", "even", `null`, ""}, {"Even", "even", `3`, "$v: this is odd"}, {"Even", "even", `"2"`, "$v: this is odd"},
		{"[Int!]", "ints", `[]`, ""}, {"[Int!]", "ints", `[1,2]`, ""}, {"[Int!]", "ints", `1`, ""}, {"[Int!]", "ints", `[1,null]`, "$v[1] must not be null"}, {"[Int!]", "ints", `[1,"2"]`, "$v[1] must be a whole number of at most 32 bits"},
		{"[Int!]", "ints", `"1"`, int32s},
		{"[[Int]]", "grid", `[[1],null,[null]]`, ""}, {"[[Int]]", "grid", `[1,2]`, ""}, {"[[Int]]", "grid", `[[1,"2"]]`, "$v[0][1] must be a whole number of at most 32 bits"},
		{"Filter", "filter", `{"must":"a"}`, ""}, {"Filter", "filter", `{"must":"a","deep":{"must":"b"},"may":null}`, ""},
		{"Filter", "filter", `{}`, "$v.must must be given"}, {"Filter", "filter", `{"must":null}`, "$v.must must not be null"}, {"Filter", "filter", `[]`, "$v must be an object, of the type Filter"},
		{"Filter", "filter", `"a"`, "$v must be an object, of the type Filter"},
		{"Filter", "filter", `{"must":"a","default":null}`, "$v.default must not be null"}, {"Filter", "filter", `{"must":"a","deep":{"must":7}}`, "$v.deep.must must be a string"},
		{"Filter", "filter", `{"must":"a","names":["a",1]}`, "$v.names[1] must be a string"}, {"Filter", "filter", `{"must":"a","zz":1,"other":1}`, "$v.other is not known: the type Filter has no such field"},
		{"Filter", "filter", `{"must":"a","__typename":"Filter"}`, "$v.__typename is not known: the type Filter has no such field"},
		{"Filter", "filter", `{"must":"a","` + strings.Repeat("é", 200) + `":1}`, "$v." + strings.Repeat("é", 20) + "… is not known: the type Filter has no such field"},
		{"Where", "where", `{"name":"a"}`, ""}, {"Where", "where", `{}`, "$v must have exactly one of name and number, and not null"}, {"Where", "where", `{"name":"a","number":1}`, "$v must have exactly one of name and number, and not null"},
		{"Where", "where", `{"name":null}`, "$v must have exactly one of name and number, and not null"}, {"Where", "where", `{"name":"a","number":null}`, "$v must have exactly one of name and number, and not null"},
		{"Where", "where", `{"number":"1"}`, "$v.number must be a whole number of at most 32 bits"},
	} {
		variables := `{"v":` + row.value + `}`
		if row.value == "" {
			variables = `{}`
		}
		_, errs := coerceJSON(t, `query($v:`+row.typ+`){field(`+row.argument+`:$v){leaf}}`, variables)
		if got := strings.Join(errs, "; "); got != row.wrong {
			t.Errorf("%s = %s: got %q, want %q", row.typ, row.value, got, row.wrong)
		}
	}
}

// TestLiterals has literals that GraphQL's rules of validation let pass.
func TestLiterals(t *testing.T) {
	for _, row := range []struct{ selection, variables, wrong string }{
		{`field(int:2147483647){leaf}`, ``, ""},
		{`field(int:2147483648){leaf}`, ``, "argument int of field field must be a whole number of at most 32 bits"},
		{`field(even:2){leaf}`, ``, ""},
		{`field(even:3){leaf}`, ``, "argument even of field field: this is odd"},
		{`field(even:TWO){leaf}`, ``, "argument even of field field: this is odd"},
		{`field(even:[2]){leaf}`, ``, "argument even of field field: this is odd"},
		{`field(even:{a:2}){leaf}`, ``, "argument even of field field: this is odd"},
		{`field(filter:{must:"a",even:3}){leaf}`, ``, "argument filter.even of field field: this is odd"},
		{`field(ints:7){leaf}`, ``, ""},
		{`field(ints:[7,2147483648]){leaf}`, ``, "argument ints[1] of field field must be a whole number of at most 32 bits"},
		{`field(filter:{must:"a",where:{name:"a"}}){leaf}`, ``, ""},

		{`need(text:$v){leaf}`, `{"v":null}`, "argument text of field need must not be null, as $v is"},
		{`need(text:$v){leaf}`, `{}`, ""},
		{`field(filter:{must:$v}){leaf}`, `{"v":null}`, "argument filter.must of field field must not be null, as $v is"},
		{`field(filter:{must:"a",names:[$v]}){leaf}`, `{"v":null}`, "argument filter.names[0] of field field must not be null, as $v is"},
		{`field(must:$i){leaf}`, `{}`, ""}, // its own default
		{`field(must:$i){leaf}`, `{"i":null}`, "argument must of field field must not be null, as $i is"},
		{`field(filter:{must:"a",default:$i}){leaf}`, `{}`, ""},
		{`field(filter:{must:"a",default:$i}){leaf}`, `{"i":null}`, "argument filter.default of field field must not be null, as $i is"},
		{`leaf @include(if:$b)`, `{"b":null}`, "argument if of directive @include must not be null, as $b is"},
		{`leaf @skip(if:$b)`, `{"b":null}`, "argument if of directive @skip must not be null, as $b is"},
		{`...@skip(if:$b){leaf}`, `{"b":null}`, "argument if of directive @skip must not be null, as $b is"},
		{`...F @skip(if:$b)`, `{"b":null}`, "argument if of directive @skip must not be null, as $b is"},
		{`...F`, `{"v":null}`, "argument text of field need must not be null, as $v is"},

		// What is left out is not executed.
		{`leaf need(text:$v)@skip(if:true){leaf}`, `{"v":null}`, ""},
		{`leaf need(text:$v)@include(if:$b){leaf}`, `{"v":null,"b":false}`, ""},
		{`leaf need(text:$v)@include(if:$b)@skip(if:false){leaf}`, `{"v":null,"b":true}`, "argument text of field need must not be null, as $v is"},
		{`leaf ...F @skip(if:$b)`, `{"v":null}`, ""},
		{`leaf ...F @skip(if:$b) ...F`, `{"v":null}`, "argument text of field need must not be null, as $v is"},
		{`...@include(if:false){need(text:$v){leaf}} leaf`, `{"v":null}`, ""},
	} {
		doc := `query`
		var definitions []string
		for name, definition := range map[string]string{"$v": `$v:String="d"`, "$i": `$i:Int`, "$b": `$b:Boolean=true`} {
			if strings.Contains(row.selection, name) || name == "$v" && strings.Contains(row.selection, "...F") {
				definitions = append(definitions, definition)
			}
		}
		if len(definitions) > 0 {
			doc += `(` + strings.Join(definitions, " ") + `)`
		}
		doc += `{` + row.selection + `}`
		if strings.Contains(row.selection, "...F") {
			doc += ` fragment F on Query{need(text:$v){leaf}}`
		}
		variables := row.variables
		if variables == "" {
			variables = `{}`
		}
		_, errs := coerceJSON(t, doc, variables)
		if got := strings.Join(errs, "; "); got != row.wrong {
			t.Errorf("%s with %s: got %q, want %q", doc, variables, got, row.wrong)
		}
	}
}

// TestCoerced has variables before and after coercion.
func TestCoerced(t *testing.T) {
	const doc = `query($a:[Int!] $b:Int=5 $c:Filter $d:String="x" $e:ID $f:[[Int]]){field(ints:$a int:$b filter:$c text:$d id:$e grid:$f){leaf}}`
	got, errs := coerceJSON(t, doc, `{"a":1,"c":{"must":"m","names":"n"},"e":7,"f":[1,[2]]}`)
	want := map[string]any{
		"a": []any{int64(1)}, "b": int64(5), "c": map[string]any{"must": "m", "names": []any{"n"}}, "d": "x", "e": int64(7),
		"f": []any{[]any{int64(1)}, []any{int64(2)}},
	}
	if diff := cmp.Diff(want, got); diff != "" || errs != nil {
		t.Errorf("%v (-want +got)\n%s", errs, diff)
	}
	got, _ = coerceJSON(t, doc, `{"b":null}`)
	if diff := cmp.Diff(map[string]any{"b": nil, "d": "x"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestFewErrors has more mistakes than are looked for, in variables and in literals.
func TestFewErrors(t *testing.T) {
	for doc, variables := range map[string]string{
		`query($v:[Int!]){field(ints:$v){leaf}}`:                            `{"v":["a","b","c","d","e"]}`,
		`{field(ints:[2147483648,2147483648,2147483648,2147483648]){leaf}}`: `{}`,
		`{` + strings.Repeat(`field(even:1){leaf}`, 5) + `}`:                `{}`,
	} {
		if _, errs := coerceJSON(t, doc, variables); len(errs) != 3 {
			t.Errorf("%s: got %d errors: %v", doc, len(errs), errs)
		}
	}
}

// TestFragmentsAreCheckedOnce has a fragment that is used 2^60 times.
func TestFragmentsAreCheckedOnce(t *testing.T) {
	doc := `{...f0}`
	for i := range 60 {
		doc += fmt.Sprintf(` fragment f%d on Query{...f%d ...f%d}`, i, i+1, i+1)
	}
	doc += ` fragment f60 on Query{field(even:1){leaf}}`
	if _, errs := coerceJSON(t, doc, `{}`); len(errs) != 1 {
		t.Errorf("got %v", errs)
	}
}

// TestUndefinedVariables has variables that the operation does not define. They are removed, so
// that equal operations have equal variables.
func TestUndefinedVariables(t *testing.T) {
	for _, row := range []struct {
		doc, variables string
		want           map[string]any
	}{
		{`query($v:Int){field(int:$v){leaf}}`, `{"v":1,"w":2}`, map[string]any{"v": int64(1)}},
		{`query($v:Int=7){field(int:$v){leaf}}`, `{"w":2}`, map[string]any{"v": int64(7)}},
		{`query($v:Int){field(int:$v){leaf}}`, `{"w":2}`, map[string]any{}},
		{`{leaf}`, `{"w":2}`, nil},
		{`{leaf}`, `{}`, nil},
	} {
		got, errs := coerceJSON(t, row.doc, row.variables)
		if diff := cmp.Diff(row.want, got); diff != "" || len(errs) > 0 {
			t.Errorf("%s %s: %v (-want +got)\n%s", row.doc, row.variables, errs, diff)
		}
	}
}
