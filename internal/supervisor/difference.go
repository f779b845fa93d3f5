package supervisor

import (
	"fmt"
	"strings"
)

// maxShown is how many variables a line names.
const maxShown = 10

// difference says in words which variables two sorted environments have otherwise, without values.
func difference(old, next []string) string {
	var changed, added, removed []string
	for len(old) > 0 || len(next) > 0 {
		switch was, is := first(old), first(next); {
		case is == "" || was != "" && was < is:
			removed, old = append(removed, was), old[1:]
		case was == "" || is < was:
			added, next = append(added, is), next[1:]
		default:
			if old[0] != next[0] {
				changed = append(changed, is)
			}
			old, next = old[1:], next[1:]
		}
	}
	var parts []string
	for _, part := range []struct {
		what  string
		names []string
	}{{"changed", changed}, {"added", added}, {"removed", removed}} {
		if len(part.names) > 0 {
			parts = append(parts, listed(part.names)+" "+part.what)
		}
	}
	return strings.Join(parts, ", ")
}

// first returns the name of the first variable, "" when there is none.
func first(variables []string) string {
	if len(variables) == 0 {
		return ""
	}
	name, _, _ := strings.Cut(variables[0], "=")
	return name
}

func listed(names []string) string {
	if len(names) <= maxShown {
		return strings.Join(names, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxShown], " "), len(names)-maxShown)
}
