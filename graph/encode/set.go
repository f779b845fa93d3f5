package encode

import (
	"io"

	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/model"
)

// SetMutation is a mutation that sets one config and does nothing else, and that selects nothing of
// the change but fields that are in memory:
//
//	mutation($i: SetConfigInput!) { setConfig(input: $i) { ... on ConfigChanged { position } } }
//
// Most clients write with such mutations.
type SetMutation struct {
	Field   *ast.Field // its only argument is input
	before  string     // what is written before the change: see [beforeValue]
	encoder objectEncoder[model.ConfigChanged]
}

// SetMutationOf returns the mutation that a valid operation is, nil when gqlgen must execute it.
func SetMutationOf(op *ast.OperationDefinition) *SetMutation {
	if op.Operation != ast.Mutation {
		return nil
	}
	fields, ok := collect(op.SelectionSet, []string{"Mutation"})
	if !ok || len(fields) != 1 {
		return nil
	}
	field := fields[0].(*ast.Field)
	if field.Name != "setConfig" {
		return nil
	}
	encoder := changedType.compile(field.SelectionSet)
	if encoder == nil {
		return nil
	}
	return &SetMutation{field, beforeValue(0, field.Alias), encoder}
}

// Size returns the length of the mutation's data as JSON in bytes, or a little more.
func (m *SetMutation) Size(changed *model.ConfigChanged) int64 {
	return int64(len(m.before)+len(`}`)) + m.encoder.size(changed)
}

// Write writes the mutation's data as JSON. Errors of the writer are ignored: it must be a buffer.
func (m *SetMutation) Write(w io.Writer, changed *model.ConfigChanged) {
	_, _ = io.WriteString(w, m.before)
	m.encoder.write(w, changed)
	_, _ = io.WriteString(w, "}")
}
