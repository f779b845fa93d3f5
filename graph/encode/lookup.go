package encode

import (
	"io"

	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/object"
)

// Lookups are the root fields of a query that selects nothing but configs by name, with fields that
// are in memory:
//
//	query($name: ConfigName!) { config(name: $name) { value version } }
//
// Most clients read with such queries.
type Lookups []Lookup

// Lookup is one root field.
type Lookup struct {
	Field   *ast.Field // its only argument is name
	before  string     // what is written before the config: see [beforeValue]
	encoder objectEncoder[object.Config]
}

// LookupsOf returns the look-ups that a valid operation consists of, nil when gqlgen must execute
// it.
func LookupsOf(op *ast.OperationDefinition) Lookups {
	if op.Operation != ast.Query {
		return nil
	}
	fields, ok := collect(op.SelectionSet, []string{"Query"})
	if !ok {
		return nil
	}
	lookups := make(Lookups, len(fields))
	for i, selection := range fields {
		field := selection.(*ast.Field)
		if field.Name != "config" || len(field.Arguments) != 1 {
			return nil
		}
		if lookups[i] = (Lookup{field, beforeValue(i, field.Alias), configType.compile(field.SelectionSet)}); lookups[i].encoder == nil {
			return nil
		}
	}
	return lookups
}

// Size returns the length of the query's data as JSON in bytes, or a little more. It takes the
// config that each look-up has found, nil for none.
func (l Lookups) Size(found []*object.Config) int64 {
	size := int64(len(`{}`))
	for i, lookup := range l {
		size += int64(len(lookup.before)) + lookup.encoder.size(found[i])
	}
	return size
}

// Write writes the query's data as JSON. It takes the config that each look-up has found, nil for
// none. Errors of the writer are ignored: it must be a buffer.
func (l Lookups) Write(w io.Writer, found []*object.Config) {
	for i, lookup := range l {
		_, _ = io.WriteString(w, lookup.before)
		lookup.encoder.write(w, found[i])
	}
	_, _ = io.WriteString(w, "}")
}
