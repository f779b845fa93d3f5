package configtemplate

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode/utf8"
)

// Template is a template that was parsed. It is safe for concurrent use.
type Template struct {
	parsed *template.Template
}

// Parse parses the text of a template. The name stands in errors.
func Parse(name, text string) (*Template, error) {
	switch {
	case len(text) > MaxTemplateBytes:
		return nil, fmt.Errorf("the template %s has more than %d bytes", name, MaxTemplateBytes)
	case !utf8.ValidString(text):
		return nil, fmt.Errorf("the template %s is not valid UTF-8", name)
	}
	parsed, err := template.New(name).Option("missingkey=error").Funcs(new(execution).functions()).Parse(text)
	if err != nil {
		return nil, explain(err)
	}
	step, err := template.New("").Funcs(new(execution).functions()).Parse("{{" + stepFunction + "}}")
	if err != nil {
		return nil, err
	}
	calls := map[string][]string{} // :: template → those that it calls
	for _, t := range parsed.Templates() {
		if t.Tree != nil {
			w := walker{step: step.Root.Nodes[0]}
			w.list(t.Root)
			calls[t.Name()] = w.calls
		}
	}
	if name, is := recursive(calls); is {
		return nil, fmt.Errorf("the template %q calls itself; use range over list or tree in place of recursion", name)
	}
	return &Template{parsed}, nil
}

// Execute returns what the template makes of a set. When names are missing, the error is a
// [*MissingError] with all that were asked for.
func (t *Template) Execute(ctx context.Context, set *Set) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, maxTime, errTime)
	defer cancel()
	e := &execution{set: set, budget: budget{ctx, maxSteps, maxWorkBytes}}
	bound, err := t.parsed.Clone()
	if err != nil {
		return nil, err
	}
	var out output
	err = bound.Funcs(e.functions()).Execute(&out, nil)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case len(e.missing) > 0: // another error may follow from them
		return nil, &MissingError{Template: t.parsed.Name(), Position: set.position, Names: e.missing}
	case err != nil:
		return nil, err
	}
	return out.Bytes(), nil
}

// MissingError is the error of a template that asks for names which have no config.
type MissingError struct {
	Template string
	Position string
	Names    []string // in the order in which they were asked for
}

func (e *MissingError) Error() string {
	const most = 20
	names := strings.Join(e.Names[:min(most, len(e.Names))], ", ")
	if more := len(e.Names) - most; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("the template %s asks for configs that are not there at %s: %s; create them, or give get a default, such as {{get %q \"…\"}}",
		e.Template, e.Position, names, e.Names[0])
}

// stepFunction is called at the begin of each body of a template.
const stepFunction = "_step"

// walker puts a step at the begin of each body, so that every loop can be stopped, and collects
// which templates are called.
type walker struct {
	step  parse.Node
	calls []string
}

func (w *walker) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, node := range l.Nodes {
		switch n := node.(type) {
		case *parse.IfNode:
			w.list(n.List)
			w.list(n.ElseList)
		case *parse.RangeNode:
			w.list(n.List)
			w.list(n.ElseList)
		case *parse.WithNode:
			w.list(n.List)
			w.list(n.ElseList)
		case *parse.TemplateNode:
			w.calls = append(w.calls, n.Name)
		}
	}
	l.Nodes = slices.Insert(l.Nodes, 0, w.step)
}

// recursive returns a template that calls itself, directly or through others.
func recursive(calls map[string][]string) (name string, is bool) {
	const open, done = 1, 2
	state := map[string]int{}
	var visit func(name string) bool
	visit = func(at string) bool {
		if state[at] != 0 {
			name = at
			return state[at] == open
		}
		state[at] = open
		defer func() { state[at] = done }()
		return slices.ContainsFunc(calls[at], visit)
	}
	for from := range calls {
		if visit(from) {
			return name, true
		}
	}
	return "", false
}

var undefined = regexp.MustCompile(`function "([^"]+)" not defined`)

// explain adds what to write in place of a function of another program.
func explain(err error) error {
	found := undefined.FindStringSubmatch(err.Error())
	if found == nil {
		return err
	}
	if instead := foreign[found[1]]; instead != "" {
		return fmt.Errorf("%w; write %s", err, instead)
	}
	return fmt.Errorf("%w; there are: %s", err, strings.Join(Functions(), ", "))
}

// foreign are functions of consul-template, confd and sprig.
var foreign = map[string]string{ // :: function → what to write in its place
	"key":          "get",
	"keyOrDefault": `{{get "name" "default"}}`,
	"keyExists":    "exists",
	"keys":         "list",
	"ls":           "list, or children",
	"lsdir":        "children",
	"getv":         "get",
	"getvs":        "list",
	"gets":         "list",
	"cget":         "get",
	"default":      `{{get "name" "default"}}`,
	"toJSON":       "json",
	"toJson":       "json",
	"toJSONPretty": "prettyJSON",
	"toYAML":       "yaml",
	"toYaml":       "yaml",
	"toUpper":      "upper",
	"toLower":      "lower",
	"toTitle":      "upper or lower",
	"trimSpace":    "trim",
	"replaceAll":   "replace",
	"parseJSON":    "fromJSON",
	"parseInt":     "int",
	"parseBool":    "bool",
	"squote":       "shell",
	"b64enc":       "base64",
	"b64dec":       "fromBase64",
	"base64Encode": "base64",
	"base64Decode": "fromBase64",
	"nindent":      "indent",
	"secret":       "get",
	"env":          "get: templates read configs alone",
	"getenv":       "get: templates read configs alone",
	"file":         "get: templates read configs alone",
}
