package coerce

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// place is where a value stands, for the error about it. It is only written out when there is one.
type place interface {
	String() string
	position() *ast.Position
}

// steps are the input fields and the indexes that lead from a variable or an argument to a value
// within it.
type steps []step

type step struct {
	field string
	index int // when field is ""
}

func (s steps) String() string {
	var b strings.Builder
	for _, step := range s {
		if step.field == "" {
			b.WriteString("[" + strconv.Itoa(step.index) + "]")
		} else {
			b.WriteString("." + cut(step.field))
		}
	}
	return b.String()
}

// variablePlace is a value within a variable.
type variablePlace struct {
	definition *ast.VariableDefinition
	steps      steps
}

func (p *variablePlace) String() string { return "$" + p.definition.Variable + p.steps.String() }

func (p *variablePlace) position() *ast.Position { return p.definition.Position }

// literalPlace is a value within an argument in the document.
type literalPlace struct {
	at          *ast.Position
	kind, owner string // of what has the argument
	argument    string
	steps       steps
}

func (p *literalPlace) String() string {
	return "argument " + p.argument + p.steps.String() + " of " + p.kind + p.owner
}

func (p *literalPlace) position() *ast.Position { return p.at }

// refuse adds an error about a value.
func (c *checker) refuse(p place, rule string) {
	if c.enough() {
		return
	}
	err := gqlerror.ErrorPosf(p.position(), "%s %s", p, rule)
	err.Rule = Rule
	c.errs = append(c.errs, err)
}

// refuseScalar adds the error of a scalar of the schema's own.
func (c *checker) refuseScalar(p place, cause error) {
	if c.enough() {
		return
	}
	err := gqlerror.ErrorPosf(p.position(), "%s: %s", p, cause)
	err.Err, err.Rule = cause, Rule
	c.errs = append(c.errs, err)
}

// Rule is the name that the errors of this package have as their rule.
const Rule = "Coercion"

const notNull = "must not be null"

// maxQuoted is how many bytes of a value or of a name that the schema does not have an error
// quotes.
const maxQuoted = 40

func cut(text string) string {
	if len(text) <= maxQuoted {
		return text
	}
	return strings.ToValidUTF8(text[:maxQuoted], "") + "…"
}

// builtIn checks a value for a scalar of GraphQL's own. It returns the rule that the value breaks,
// "" when there is none.
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
func (c *checker) scalar(definition *ast.Definition, value any, p place) {
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

func (c *checker) enum(definition *ast.Definition, name string, isName bool, p place) {
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
	return "must have exactly one of " + strings.Join(names, " and ") + ", and not null"
}
