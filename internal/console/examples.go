package console

import (
	"path"
	"strings"
)

// Example is an operation to try, as a tab of the playground opens with it.
type Example struct {
	// Name is the operation's own name, and the title of its tab.
	Name string `json:"name"`
	// Query is the document, with a comment on top that says what it shows.
	Query string `json:"query"`
	// Variables is a JSON object, empty when the operation takes none.
	Variables string `json:"variables,omitempty"`
}

// Examples returns the examples in the order of their tabs, which tells a story: watch, set, read, travel in time, delete,
// restore. Run in this order on an empty store, or each alone after SetConfig, none of them ends in an error.
func Examples() []Example {
	var examples []Example
	for _, name := range mustGlob("examples/*.graphql") {
		query := strings.TrimSpace(string(mustRead(name)))
		examples = append(examples, Example{
			Name:      operationName(path.Base(name)),
			Query:     query,
			Variables: variablesOf(name),
		})
	}
	return examples
}

// operationName turns 03-set-config.graphql into SetConfig.
func operationName(fileName string) string {
	_, words, _ := strings.Cut(strings.TrimSuffix(fileName, ".graphql"), "-")
	var name strings.Builder
	for word := range strings.SplitSeq(words, "-") {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}

func variablesOf(queryFile string) string {
	data, err := files.ReadFile(strings.TrimSuffix(queryFile, ".graphql") + ".json")
	if err != nil {
		return "" // most operations take none
	}
	return strings.TrimSpace(string(data))
}
