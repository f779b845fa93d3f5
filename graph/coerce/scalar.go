package coerce

import (
	"fmt"
	"math"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// builtIn checks a value for a built-in scalar. It returns the rule that the value breaks, "" for
// none.
func builtIn(name string, value any) string {
	switch name {
	case "Int":
		if n, ok := value.(int64); !ok || n < math.MinInt32 || n > math.MaxInt32 {
			return "must be a whole number of at most 32 bits"
		}
	case "Float":
		switch value.(type) {
		case int64, float64:
		default:
			return "must be a number"
		}
	case "String":
		if _, ok := value.(string); !ok {
			return "must be a string"
		}
	case "Boolean":
		if _, ok := value.(bool); !ok {
			return "must be true or false"
		}
	case "ID":
		switch value.(type) {
		case string, int64:
		default:
			return "must be a string or a whole number"
		}
	}
	return ""
}

// scalar checks a value for any scalar.
func (c *checker) scalar(definition *ast.Definition, value any, p path) {
	if definition.BuiltIn {
		if rule := builtIn(definition.Name, value); rule != "" {
			c.refuse(p, rule)
		}
		return
	}
	if check, ours := c.Scalars[definition.Name]; ours {
		if err := check(value); err != nil {
			c.refuseScalar(p, err)
		}
	}
}

func (c *checker) enum(definition *ast.Definition, name string, isName bool, p path) {
	if !isName || definition.EnumValues.ForName(name) == nil {
		c.refuse(p, fmt.Sprintf("must be a value of the enum %s", definition.Name))
	}
}

func isOneOf(definition *ast.Definition) bool { return definition.Directives.ForName("oneOf") != nil }

func oneOfRule(definition *ast.Definition) string {
	names := make([]string, len(definition.Fields))
	for i, field := range definition.Fields {
		names[i] = field.Name
	}
	last := len(names) - 1
	return "must have exactly one of " + strings.Join(names[:last], ", ") + " and " + names[last] + ", and not null"
}
