package configtemplate

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"configapi/internal/config"
	"configapi/internal/fileformat"
)

// execution is one execution of a template.
type execution struct {
	set     *Set
	budget  budget
	missing []string // each once
}

// Functions returns the names of the functions beside those of text/template, sorted.
func Functions() []string {
	all := new(execution).functions()
	for _, standard := range []string{stepFunction, "print", "printf", "println", "html", "js", "urlquery"} {
		delete(all, standard)
	}
	return slices.Sorted(maps.Keys(all))
}

func (e *execution) functions() template.FuncMap {
	return template.FuncMap{
		"get": e.get, "exists": e.exists, "list": e.list, "children": e.children, "tree": e.tree,
		"position": func() string { return e.set.position },

		"json": e.json, "prettyJSON": e.prettyJSON, "yaml": e.yaml, "base64": e.base64,
		"quote": e.text(4, strconv.Quote), "shell": e.text(4, fileformat.QuoteShell),
		"dotenv": e.checked(2, fileformat.QuoteDotenv), "dockerenv": e.checked(0, asDockerEnv),

		"int": e.int, "float": e.float, "bool": e.bool, "fromJSON": e.fromJSON, "fromBase64": e.fromBase64,

		"split": e.split, "join": e.join, "replace": e.replace, "indent": e.indent,
		"trim": e.text(0, strings.TrimSpace), "upper": e.text(3, strings.ToUpper), "lower": e.text(3, strings.ToLower),
		"trimPrefix": func(prefix, text string) string { return strings.TrimPrefix(text, prefix) },
		"trimSuffix": func(suffix, text string) string { return strings.TrimSuffix(text, suffix) },
		"hasPrefix":  func(prefix, text string) bool { return strings.HasPrefix(text, prefix) },
		"hasSuffix":  func(suffix, text string) bool { return strings.HasSuffix(text, suffix) },
		"contains":   func(part, text string) bool { return strings.Contains(text, part) },
		"fail":       func(why string) (string, error) { return "", errors.New(why) },

		// Those of text/template, bounded.
		"print": e.printing(1, fmt.Sprint), "println": e.printing(1, fmt.Sprintln), "printf": e.printf,
		"html": e.printing(6, template.HTMLEscaper), "js": e.printing(6, template.JSEscaper), "urlquery": e.printing(3, template.URLQueryEscaper),
		stepFunction: e.budget.step,
	}
}

// get returns the value of a config, or the default if there is none. Without a default, the name
// is noted, and the execution goes on, so that its error has all such names.
func (e *execution) get(name string, byDefault ...string) (string, error) {
	if len(byDefault) > 1 {
		return "", errors.New("get takes a name, and a default at most")
	}
	value, found, err := e.lookup(name)
	switch {
	case err != nil || found:
		return value, err
	case len(byDefault) == 1:
		return byDefault[0], nil
	case !slices.Contains(e.missing, name):
		e.missing = append(e.missing, name)
		return "", e.budget.take(len(e.missing), 0) // the search for the next one takes as long
	}
	return "", nil
}

func (e *execution) exists(name string) (bool, error) {
	_, found, err := e.lookup(name)
	return found, err
}

func (e *execution) lookup(name string) (value string, found bool, err error) {
	if _, err := config.ParseName(name); err != nil {
		return "", false, err
	}
	value, found = e.set.values[name]
	return value, found, nil
}

// entryBytes is about what an entry of a list takes in memory.
const entryBytes = 64

// listed takes what a list of the configs below a prefix costs.
func (e *execution) listed(prefix string) error {
	if trimmed := strings.TrimSuffix(prefix, "/"); trimmed != "" {
		if _, err := config.ParseName(trimmed); err != nil {
			return fmt.Errorf("the prefix: %w", err)
		}
	}
	names, _ := e.set.below(prefix)
	return e.budget.take(len(names), len(names)*entryBytes)
}

func (e *execution) list(prefix string) ([]Entry, error) {
	if err := e.listed(prefix); err != nil {
		return nil, err
	}
	return e.set.list(prefix), nil
}

func (e *execution) children(prefix string) ([]string, error) {
	if err := e.listed(prefix); err != nil {
		return nil, err
	}
	return e.set.children(prefix), nil
}

func (e *execution) tree(prefix string) (map[string]any, error) {
	if err := e.listed(prefix); err != nil {
		return nil, err
	}
	root, conflict := e.set.tree(prefix)
	if conflict != "" {
		return nil, fmt.Errorf("%s is a config, and others are below it, so it cannot be in a tree; use list", conflict)
	}
	return root, nil
}

// text bounds a function whose result has at most so many bytes for each byte of its text.
func (e *execution) text(growth int, do func(string) string) func(string) (string, error) {
	return e.checked(growth, func(text string) (string, error) { return do(text), nil })
}

func (e *execution) checked(growth int, do func(string) (string, error)) func(string) (string, error) {
	return func(text string) (string, error) {
		if err := e.budget.take(0, growth*(len(text)+2)); err != nil {
			return "", err
		}
		return do(text)
	}
}

func asDockerEnv(value string) (string, error) { return value, fileformat.CheckDockerEnv(value) }

func (e *execution) base64(text string) (string, error) {
	return e.text(2, func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) })(text)
}

func (e *execution) fromBase64(text string) (string, error) {
	return e.checked(1, func(text string) (string, error) {
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return "", errors.New("the text is not base64")
		}
		return string(decoded), nil
	})(text)
}

func (e *execution) int(text any) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(fmt.Sprint(text)), 10, 64)
	if err != nil {
		return 0, errors.New("the text is not a whole number of 64 bits")
	}
	return n, nil
}

func (e *execution) float(text any) (float64, error) {
	n, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(text)), 64)
	if err != nil {
		return 0, errors.New("the text is not a number")
	}
	return n, nil
}

func (e *execution) bool(text any) (bool, error) {
	is, err := strconv.ParseBool(strings.TrimSpace(fmt.Sprint(text)))
	if err != nil {
		return false, errors.New("the text is neither true nor false")
	}
	return is, nil
}

func (e *execution) fromJSON(text string) (any, error) {
	if err := e.budget.take(0, 16*len(text)); err != nil {
		return nil, err
	}
	in := json.NewDecoder(strings.NewReader(text))
	in.UseNumber()
	var value any
	if err := in.Decode(&value); err != nil {
		return nil, errors.New("the text is not JSON")
	}
	if in.More() {
		return nil, errors.New("the text has something after its JSON")
	}
	return value, nil
}
