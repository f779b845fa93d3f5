package console_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"configapi/internal/console"
)

// editorWidth is how many characters GraphiQL's editor shows in a window of 1280 pixels.
const editorWidth = 56

func TestExamplesAreValidOperations(t *testing.T) {
	schema := mustLoadSchema(t)
	seen := make(map[string]bool)
	for _, example := range console.Examples() {
		t.Run(example.Name, func(t *testing.T) {
			doc, errs := gqlparser.LoadQueryWithRules(schema, example.Query, rules.NewDefaultRules())
			if len(errs) > 0 {
				t.Fatalf("the example does not fit schema.graphql: %v", errs)
			}
			if len(doc.Operations) != 1 || doc.Operations[0].Name != example.Name {
				t.Fatalf("the file must hold one operation, named %s as its tab", example.Name)
			}
			if seen[example.Name] {
				t.Errorf("two examples are named %s", example.Name)
			}
			seen[example.Name] = true

			variables := mustDecodeVariables(t, example.Variables)
			if _, err := validator.VariableValues(schema, doc.Operations[0], variables); err != nil {
				t.Errorf("variables do not fit the operation: %v", err)
			}
			if len(variables) != len(doc.Operations[0].VariableDefinitions) {
				t.Errorf("got %d variables for %d in the operation: each is shown with a value to change",
					len(variables), len(doc.Operations[0].VariableDefinitions))
			}
		})
	}
	if len(seen) == 0 {
		t.Fatal("no examples are embedded")
	}
}

func TestExamplesExplainThemselvesWithinTheEditor(t *testing.T) {
	for _, example := range console.Examples() {
		if !strings.HasPrefix(example.Query, "# ") {
			t.Errorf("%s has no comment on top", example.Name)
		}
		for line := range strings.Lines(example.Query) {
			if width := len([]rune(strings.TrimSpace(line))); width > editorWidth {
				t.Errorf("%s: %d characters, the editor shows %d: %s", example.Name, width, editorWidth, line)
			}
		}
	}
}

func TestExamplesShowEveryPartOfTheAPI(t *testing.T) {
	schema := mustLoadSchema(t)
	shown := make(map[string]bool) // :: Type.field → true
	for _, example := range console.Examples() {
		for _, operation := range mustParse(t, example.Query).Operations {
			markFields(rootName(operation.Operation), operation.SelectionSet, shown)
		}
	}
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, field := range root.Fields {
			if name := root.Name + "." + field.Name; !strings.HasPrefix(field.Name, "__") && !shown[name] {
				t.Errorf("no example shows %s", name)
			}
		}
	}
}

func TestEveryExampleFileIsUsed(t *testing.T) {
	var operations, variables int
	for _, example := range console.Examples() {
		operations++
		if example.Variables != "" {
			variables++
		}
	}
	for pattern, want := range map[string]int{"*.graphql": operations, "*.json": variables, "*": operations + variables} {
		files, err := filepath.Glob(filepath.Join("examples", pattern))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) != want {
			t.Errorf("examples/%s: got %d files, want the %d in use", pattern, len(files), want)
		}
	}
}

func TestExampleIDIsThatOfTheConfigTheOthersSet(t *testing.T) {
	id := base64.RawURLEncoding.EncodeToString([]byte("c:payments/timeout"))
	for _, example := range console.Examples() {
		if example.Name == "FetchNode" && strings.Contains(example.Query, fmt.Sprintf("node(id: %q)", id)) {
			return
		}
	}
	t.Errorf("FetchNode must fetch %s, the id of payments/timeout", id)
}

func mustLoadSchema(t *testing.T) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile("../../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func mustParse(t *testing.T, query string) *ast.QueryDocument {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func mustDecodeVariables(t *testing.T, text string) map[string]any {
	t.Helper()
	if text == "" {
		return nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber() // as the server decodes them
	var variables map[string]any
	if err := decoder.Decode(&variables); err != nil {
		t.Fatalf("variables are no JSON object: %v", err)
	}
	return variables
}

func rootName(operation ast.Operation) string {
	return strings.ToUpper(string(operation[:1])) + string(operation[1:])
}

func markFields(root string, selections ast.SelectionSet, shown map[string]bool) {
	for _, selection := range selections {
		if field, ok := selection.(*ast.Field); ok {
			shown[root+"."+field.Name] = true
		}
	}
}
