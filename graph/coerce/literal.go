package coerce

import (
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// literal checks a value in the document for a type. A variable in it has been coerced already, but
// its own type may take null where this one does not.
func (c *checker) literal(t *ast.Type, value *ast.Value, p path) {
	if c.enough() {
		return
	}
	switch {
	case value.Kind == ast.Variable:
		if given, has := c.variables[value.Raw]; t.NonNull && has && given == nil {
			c.refuse(p, notNull+", as $"+value.Raw+" is")
		} else if t.NonNull && !has {
			c.refuse(p, "must be given, as $"+value.Raw+" is not")
		}
	case value.Kind == ast.NullValue:
		if t.NonNull {
			c.refuse(p, notNull)
		}
	case t.Elem != nil && value.Kind == ast.ListValue:
		for i, child := range value.Children {
			p.push(step{index: i})
			c.literal(t.Elem, child.Value, p)
			p.pop()
		}
	case t.Elem != nil:
		c.literal(t.Elem, value, p)
	default:
		c.named(c.Types[t.NamedType], value, p)
	}
}

func (c *checker) named(definition *ast.Definition, value *ast.Value, p path) {
	switch {
	case definition.Kind == ast.Enum:
		c.enum(definition, value.Raw, value.Kind == ast.EnumValue, p)
	case definition.Kind == ast.InputObject && value.Kind == ast.ObjectValue:
		c.objectLiteral(definition, value, p)
	case definition.Kind == ast.InputObject:
		c.refuse(p, "must be an object, of the type "+definition.Name)
	default:
		c.scalar(definition, scalarValue(value), p)
	}
}

func (c *checker) objectLiteral(definition *ast.Definition, value *ast.Value, p path) {
	present := 0
	for _, field := range definition.Fields {
		child := value.Children.ForName(field.Name)
		p.push(step{field: field.Name})
		switch {
		case child != nil && !c.isAbsent(child):
			present++
			c.literal(field.Type, child, p)
		case field.Type.NonNull && field.DefaultValue == nil:
			c.refuse(p, "must be given")
		}
		p.pop()
	}
	if isOneOf(definition) && (present != 1 || len(value.Children) != 1 || c.isNull(value.Children[0].Value)) {
		c.refuse(p, oneOfRule(definition))
	}
}

func (c *checker) isNull(value *ast.Value) bool {
	if value.Kind == ast.Variable {
		return c.variables[value.Raw] == nil
	}
	return value.Kind == ast.NullValue
}

// scalarValue returns a literal as a [Scalar] takes it. A number that does not fit an int64 or a
// float64 is its text as a [Name], which no scalar takes for a number.
func scalarValue(value *ast.Value) any {
	switch value.Kind {
	case ast.IntValue:
		if n, err := strconv.ParseInt(value.Raw, 10, 64); err == nil {
			return n
		}
		return Name(value.Raw)
	case ast.FloatValue:
		if n, err := strconv.ParseFloat(value.Raw, 64); err == nil {
			return n
		}
		return Name(value.Raw)
	case ast.StringValue, ast.BlockValue:
		return value.Raw
	case ast.BooleanValue:
		return value.Raw == "true"
	case ast.ListValue:
		return []any{}
	case ast.ObjectValue:
		return map[string]any{}
	}
	return Name(value.Raw)
}
