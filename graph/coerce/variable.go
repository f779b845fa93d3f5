package coerce

import "github.com/vektah/gqlparser/v2/ast"

// variable coerces what was sent for a variable, or its default.
func (j *judge) variable(definition *ast.VariableDefinition) {
	p := &j.variableAt
	p.definition, p.steps = definition, p.steps[:0]
	value, given := j.variables[definition.Variable]
	switch {
	case given:
		if coerced := j.value(definition.Type, value, p); definition.Type.Elem != nil {
			j.variables[definition.Variable] = coerced
		}
	case definition.DefaultValue != nil:
		if j.literal(definition.Type, definition.DefaultValue, p); len(j.errs) == 0 {
			j.variables[definition.Variable], _ = definition.DefaultValue.Value(nil)
		}
	case definition.Type.NonNull:
		j.refuse(p, "must be given")
	}
}

// value coerces JSON for a type. It changes lists and objects in place.
func (j *judge) value(t *ast.Type, value any, p *variablePlace) any {
	if value == nil {
		if t.NonNull {
			j.refuse(p, notNull)
		}
		return nil
	}
	if t.Elem != nil {
		return j.list(t, value, p)
	}
	switch definition := j.Types[t.NamedType]; definition.Kind {
	case ast.Enum:
		name, isName := value.(string)
		j.enum(definition, name, isName, p)
	case ast.InputObject:
		if object, ok := value.(map[string]any); ok {
			j.object(definition, object, p)
		} else {
			j.refuse(p, "must be an object, of the type "+definition.Name)
		}
	default:
		j.scalar(definition, value, p)
	}
	return value
}

// list coerces JSON for a list. What is no list is one of a single item.
func (j *judge) list(t *ast.Type, value any, p *variablePlace) any {
	items, ok := value.([]any)
	if !ok {
		return []any{j.value(t.Elem, value, p)}
	}
	last := len(p.steps)
	p.steps = append(p.steps, step{})
	for i, item := range items {
		if j.enough() {
			break
		}
		p.steps[last] = step{index: i}
		items[i] = j.value(t.Elem, item, p)
	}
	p.steps = p.steps[:last]
	return items
}

func (j *judge) object(definition *ast.Definition, object map[string]any, p *variablePlace) {
	last := len(p.steps)
	p.steps = append(p.steps, step{})
	known := 0
	for _, field := range definition.Fields {
		p.steps[last] = step{field: field.Name}
		value, given := object[field.Name]
		switch {
		case given:
			known++
			object[field.Name] = j.value(field.Type, value, p)
		case field.Type.NonNull && field.DefaultValue == nil:
			j.refuse(p, "must be given")
		}
	}
	if known < len(object) {
		j.unknownFields(definition, object, p)
	}
	p.steps = p.steps[:last]
	if isOneOf(definition) && !isOneValue(object) {
		j.refuse(p, oneOfRule(definition))
	}
}

// unknownFields refuses members that the type does not have, the first of them by name.
func (j *judge) unknownFields(definition *ast.Definition, object map[string]any, p *variablePlace) {
	last := len(p.steps) - 1
	first := ""
	for name := range object {
		if definition.Fields.ForName(name) == nil && (first == "" || name < first) {
			first = name
		}
	}
	p.steps[last] = step{field: first}
	j.refuse(p, "is not known: the type "+definition.Name+" has no such field")
}

func isOneValue(object map[string]any) bool {
	if len(object) != 1 {
		return false
	}
	for _, value := range object {
		return value != nil
	}
	return false
}
