package coerce

import "github.com/vektah/gqlparser/v2/ast"

// variable coerces the value that was sent for a variable, or its default.
func (c *checker) variable(definition *ast.VariableDefinition) {
	p := &c.inVariable
	p.definition, p.steps = definition, p.steps[:0]
	value, given := c.variables[definition.Variable]
	switch {
	case given:
		if coerced := c.value(definition.Type, value, p); definition.Type.Elem != nil {
			c.variables[definition.Variable] = coerced
		}
	case definition.DefaultValue != nil:
		if c.literal(definition.Type, definition.DefaultValue, p); len(c.errs) == 0 {
			c.variables[definition.Variable], _ = definition.DefaultValue.Value(nil)
		}
	case definition.Type.NonNull:
		c.refuse(p, "must be given")
	}
}

// value coerces a JSON value to a type. It changes lists and objects in place: only for the type of
// a list it may return another value than it was given.
func (c *checker) value(t *ast.Type, value any, p *variablePath) any {
	if value == nil {
		if t.NonNull {
			c.refuse(p, notNull)
		}
		return nil
	}
	if t.Elem != nil {
		return c.list(t, value, p)
	}
	switch definition := c.Types[t.NamedType]; definition.Kind {
	case ast.Enum:
		name, isName := value.(string)
		c.enum(definition, name, isName, p)
	case ast.InputObject:
		if object, ok := value.(map[string]any); ok {
			c.object(definition, object, p)
		} else {
			c.refuse(p, "must be an object, of the type "+definition.Name)
		}
	default:
		c.scalar(definition, value, p)
	}
	return value
}

// list coerces a JSON value to a list. A value that is no list becomes a list of one item.
func (c *checker) list(t *ast.Type, value any, p *variablePath) any {
	items, ok := value.([]any)
	if !ok {
		return []any{c.value(t.Elem, value, p)}
	}
	last := len(p.steps)
	p.steps = append(p.steps, step{})
	for i, item := range items {
		if c.enough() {
			break
		}
		p.steps[last] = step{index: i}
		items[i] = c.value(t.Elem, item, p)
	}
	p.steps = p.steps[:last]
	return items
}

func (c *checker) object(definition *ast.Definition, object map[string]any, p *variablePath) {
	last := len(p.steps)
	p.steps = append(p.steps, step{})
	known := 0
	for _, field := range definition.Fields {
		p.steps[last] = step{field: field.Name}
		var value any
		given := false
		if known < len(object) { // else all that are given were found
			value, given = object[field.Name]
		}
		switch {
		case given:
			known++
			if coerced := c.value(field.Type, value, p); field.Type.Elem != nil {
				object[field.Name] = coerced
			}
		case field.Type.NonNull && field.DefaultValue == nil:
			c.refuse(p, "must be given")
		}
	}
	if known < len(object) {
		c.unknownFields(definition, object, p)
	}
	p.steps = p.steps[:last]
	if isOneOf(definition) && !isOneValue(object) {
		c.refuse(p, oneOfRule(definition))
	}
}

// unknownFields refuses the members that the type does not have: it names the first by name.
func (c *checker) unknownFields(definition *ast.Definition, object map[string]any, p *variablePath) {
	last := len(p.steps) - 1
	first := ""
	for name := range object {
		if definition.Fields.ForName(name) == nil && (first == "" || name < first) {
			first = name
		}
	}
	p.steps[last] = step{field: first}
	c.refuse(p, "is not known: the type "+definition.Name+" has no such field")
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
