package coerce

import (
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/internal/excerpt"
)

// path leads to a value within a variable or an argument, for the error about the value. It is
// written out only for an error.
type path interface {
	String() string
	position() *ast.Position // of the variable or the argument
	push(step)               // goes down to a part of the value
	pop()                    // goes back up
}

// steps are the input fields and the indexes that lead from a variable or an argument to a value
// within it.
type steps []step

// step is an input field, or an index if field is "".
type step struct {
	field string
	index int
}

func (s *steps) push(next step) { *s = append(*s, next) }
func (s *steps) pop()           { *s = (*s)[:len(*s)-1] }

func (s steps) String() string {
	var b strings.Builder
	for _, step := range s {
		if step.field == "" {
			b.WriteString("[" + strconv.Itoa(step.index) + "]")
		} else {
			b.WriteString("." + excerpt.Of(step.field, maxQuoted))
		}
	}
	return b.String()
}

// variablePath leads to a value within a variable.
type variablePath struct {
	definition *ast.VariableDefinition
	steps
}

func (p *variablePath) String() string { return "$" + p.definition.Variable + p.steps.String() }

func (p *variablePath) position() *ast.Position { return p.definition.Position }

// literalPath leads to a value within an argument in the document.
type literalPath struct {
	at          *ast.Position
	kind, owner string // of the argument: "field " or "directive @", and its name
	argument    string
	steps
}

func (p *literalPath) String() string {
	return "argument " + p.argument + p.steps.String() + " of " + p.kind + p.owner
}

func (p *literalPath) position() *ast.Position { return p.at }

// refuse adds an error about the value at a path.
func (c *checker) refuse(p path, rule string) {
	if c.enough() {
		return
	}
	err := gqlerror.ErrorPosf(p.position(), "%s %s", p, rule)
	err.Rule = Rule
	c.errs = append(c.errs, err)
}

// refuseScalar adds the error of a [Scalar].
func (c *checker) refuseScalar(p path, cause error) {
	if c.enough() {
		return
	}
	err := gqlerror.ErrorPosf(p.position(), "%s: %s", p, cause)
	err.Err, err.Rule = cause, Rule
	c.errs = append(c.errs, err)
}

// Rule is the rule of all errors of this package.
const Rule = "Coercion"

const notNull = "must not be null"

// maxQuoted is how many bytes of a name an error quotes that is not in the schema.
const maxQuoted = 40
