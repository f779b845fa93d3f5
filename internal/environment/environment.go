// Package environment makes the environment of a program of configs.
//
// The names become variables as package fileformat says. The variables of [Options.Parent] come
// with them, of which configs win. What others than the program obey is taken from a config only
// when the user has mapped it by name: the variables of loaders, shells and runtimes decide what
// code runs, and who may write a config must not. See [Reserved].
//
// Variables that begin with CONFIGAPI_ are those of the client itself, such as its token. They are
// left out, and no config becomes one.
package environment

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"configapi/internal/fileformat"
)

// own begins the variables of the client.
const own = "CONFIGAPI_"

// Options of [Build].
type Options struct {
	// Parent has the variables of this process, as NAME=VALUE. nil: the program gets those of
	// configs alone.
	Parent []string
	// Map has the variables of some names, see [fileformat.Variables]. They may be reserved.
	Map map[string]string
}

// Error is all that keeps configs from becoming an environment.
type Error struct{ Problems []string }

// maxShown is how many problems a text has.
const maxShown = 20

// Error returns the problems in one line.
func (e *Error) Error() string {
	shown := e.Problems[:min(len(e.Problems), maxShown)]
	text := strings.Join(shown, "; ")
	if more := len(e.Problems) - len(shown); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// Build returns the variables, as NAME=VALUE and sorted by their names. The error is an [*Error],
// which has no value.
func Build(configs []fileformat.Setting, o Options) ([]string, error) {
	entries, err := fileformat.Variables{Map: o.Map}.Entries(configs)
	if err != nil {
		return nil, &Error{strings.Split(err.Error(), "\n")}
	}
	values := make(map[string]string, len(o.Parent)+len(entries)) // :: variable → value
	for _, variable := range o.Parent {
		name, value, is := strings.Cut(variable, "=")
		if is && name != "" && !strings.HasPrefix(name, own) {
			values[name] = value
		}
	}
	var problems []string
	for i, e := range entries {
		name := configs[i].Name.String()
		if what := refused(name, e, o.Map); what != "" {
			problems = append(problems, fmt.Sprintf("%q %s", name, what))
			continue
		}
		values[e.Key] = e.Value
	}
	if len(problems) > 0 {
		return nil, &Error{problems}
	}
	variables := make([]string, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		variables = append(variables, name+"="+values[name])
	}
	return variables, nil
}

// refused returns why a config does not become a variable, "" when it does.
func refused(name string, e fileformat.Entry, mapped map[string]string) string {
	_, chosen := mapped[name]
	switch why, is := Reserved(e.Key); {
	case strings.HasPrefix(e.Key, own):
		return fmt.Sprintf("makes %s, which no program gets: variables with %s are for configapi; give it another one with --map %s=VARIABLE", e.Key, own, name)
	case is && !chosen:
		return fmt.Sprintf("makes %s, which %s; give it another one with --map %s=VARIABLE, or that one with --map %s=%s", e.Key, why, name, name, e.Key)
	case strings.IndexByte(e.Value, 0) >= 0:
		return "has a value with a NUL character, which no variable can hold"
	}
	return ""
}
