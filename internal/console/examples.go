package console

import (
	"path"
	"strings"
)

// Example is an example operation, which the playground shows in a tab.
type Example struct {
	// Name is the name of the operation and the title of the tab.
	Name string `json:"name"`
	// Query is the document. It begins with a comment that explains it.
	Query string `json:"query"`
	// Variables is a JSON object, empty if the operation has no variables.
	Variables string `json:"variables,omitempty"`
}

// Examples returns the examples in the order of their tabs: watch, set, read, time travel, delete,
// restore, change sets, lists for people, tokens. None of them fails when they run in this order on
// an empty store, or each alone after SetConfig.
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
		return "" // most operations have no variables
	}
	return strings.TrimSpace(string(data))
}
