package edgetest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/internal/pages"
)

// loadSchema returns the schema that random queries are made from: a new field of it is asked for
// without a change here.
var loadSchema = sync.OnceValue(func() *ast.Schema {
	text, err := os.ReadFile("../../schema.graphql")
	if err != nil {
		panic(err)
	}
	return gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: string(text)})
})

// notHidden are the fields that show how much has happened, and roughly when. The pages of
// recentChanges are shorter where something hidden is between changes.
var notHidden = []string{"ConfigSnapshot.committedAt", "ConfigChangeBatch.caughtUp", "Query.recentChanges"}

// maxCursors is how many cursors the caller keeps, to go on from in other queries.
const maxCursors = 30

var (
	endCursor  = regexp.MustCompile(`"endCursor":"([^"]+)"`)
	idArgument = regexp.MustCompile(`id:"\w+"`) // may be one that is unknown without the hidden changes
)

// doQuery sends a random query. Pages are compared one by one.
func (s *twinServer) doQuery(dice *rand.Rand) string {
	if s.EndsPages {
		return s.doConnection(dice)
	}
	d := document{s, dice}
	query := "{" + d.selection(loadSchema().Query, 0) + "}"
	response, body := s.exchange(twinRequest{line: "POST /graphql", body: mustMarshal(object{"query": query})})
	for _, found := range endCursor.FindAllStringSubmatch(body, 4) {
		if s.cursors = append(s.cursors, found[1]); len(s.cursors) > maxCursors {
			s.cursors = s.cursors[1:]
		}
	}
	asked := s.canonical(idArgument.ReplaceAllString(query, "id:"))
	return asked + "\n" + s.text(twinRequest{line: "POST /graphql"}, response, s.withSortedErrors(body))
}

// withSortedErrors returns an answer with its errors in one order: that of fields which are
// executed at the same time depends on which ends first.
func (s *twinServer) withSortedErrors(body string) string {
	var answer struct {
		Errors []json.RawMessage `json:"errors"`
		Data   json.RawMessage   `json:"data"`
	}
	s.Must(json.Unmarshal([]byte(body), &answer))
	slices.SortFunc(answer.Errors, func(a, b json.RawMessage) int { return strings.Compare(s.canonical(string(a)), s.canonical(string(b))) })
	return mustMarshal(answer)
}

// document draws a query.
type document struct {
	*twinServer
	dice *rand.Rand
}

// maxDepth is how many fields lead to the last one.
const maxDepth = 5

// selection returns the fields to ask of an object.
func (d document) selection(of *ast.Definition, depth int) string {
	selected := "__typename"
	if of.IsAbstractType() {
		for _, one := range loadSchema().GetPossibleTypes(of) {
			selected += " ...on " + one.Name + "{" + d.selection(one, depth) + "}"
		}
		return selected
	}
	for i, field := range of.Fields {
		leads := loadSchema().Types[field.Type.Name()].IsCompositeType()
		left := slices.Contains(notHidden, of.Name+"."+field.Name) || strings.HasPrefix(field.Name, "__")
		if left || leads && (depth == maxDepth || d.dice.IntN(2+2*depth) > 0) {
			continue
		}
		// Fields of several types may differ in their arguments.
		alias := ""
		if len(field.Arguments) > 0 {
			alias = fmt.Sprintf("%s%d: ", field.Name, i)
		}
		selected += "\n" + alias + field.Name + d.arguments(field)
		if leads {
			selected += "{" + d.selection(loadSchema().Types[field.Type.Name()], depth+1) + "}"
		}
	}
	return selected
}

// arguments returns the arguments of a field, without some that it need not have. Each has its own
// line, since errors say where in a line their field is.
func (d document) arguments(field *ast.FieldDefinition) string {
	var given []string
	for _, argument := range field.Arguments {
		value, isCursor := d.value(argument.Name, argument.Type.Name()), argument.Name == "after" && argument.Type.Name() == "String"
		if argument.Type.NonNull || argument.Name == "first" || d.dice.IntN(3) == 0 && (!isCursor || d.dice.IntN(4) == 0) {
			given = append(given, argument.Name+":"+value)
		}
	}
	if slices.ContainsFunc(given, func(a string) bool { return strings.HasPrefix(a, "after:") }) {
		// Which of two positions between the same visible changes is older is not hidden.
		given = slices.DeleteFunc(given, func(a string) bool { return strings.HasPrefix(a, "atLeast:") })
	}
	if len(given) == 0 {
		return ""
	}
	return "(\n" + strings.Join(given, "\n") + "\n)"
}

// value draws an argument.
func (d document) value(name, of string) string {
	own, hidden := d.Own[d.dice.IntN(len(d.Own))].String(), d.oneOf(d.Secrets, d.dice)
	quoted := func(text string) string { return fmt.Sprintf("%q", text) }
	switch of {
	case "ID":
		id := pick(d.dice, "c:"+d.drawName(d.dice), "r:"+own, "r:"+hidden, "t:token-0", "t:caller")
		return quoted(base64.RawURLEncoding.EncodeToString([]byte(id)))
	case "ConfigName":
		return quoted(d.drawName(d.dice))
	case "Position":
		return quoted(d.drawAt(d.dice))
	case "Int":
		return fmt.Sprint(1 + d.dice.IntN(5))
	case "AsOfInput":
		return literal(d.drawAsOf(d.dice))
	case "ConfigFilterInput":
		return literal(d.drawFilter(d.dice))
	case "ChangeFilterInput":
		return literal(d.drawChangeFilter(d.dice))
	case "String":
		if name == "after" {
			return quoted(d.cursor())
		}
		return quoted(pick(d.dice, "b", "/", d.drawPrefix(d.dice)))
	}
	values := loadSchema().Types[of].EnumValues
	if len(values) == 0 {
		d.T.Fatalf("the argument %s is of type %s: say here what it can be", name, of)
	}
	return pick(d.dice, values...).Name
}

// cursor draws a cursor of an earlier answer, or one that a caller with other rights may have got.
func (d document) cursor() string {
	at, of := d.DrawPosition(d.dice), d.drawName(d.dice)
	foreign := pick(d.dice,
		pages.Cursor{Kind: pages.Configs, At: at, Key: of}, pages.Cursor{Kind: pages.Snapshot, At: at, Key: of},
		pages.Cursor{Kind: pages.History, At: at, Key: fmt.Sprintf("%d %s", 1+d.dice.IntN(9), of)})
	if nth := d.dice.Int(); len(d.cursors) > 0 && d.dice.IntN(2) == 0 {
		return d.cursors[nth%len(d.cursors)]
	}
	return foreign.String()
}

// literal writes an input as a document has it: names are without quotes, and so are operations.
func literal(of object) string {
	text := regexp.MustCompile(`"(\w+)":`).ReplaceAllString(mustMarshal(of), "$1:")
	return regexp.MustCompile(`operations:\[[^]]*\]`).ReplaceAllStringFunc(text, func(list string) string { return strings.ReplaceAll(list, `"`, "") })
}
