package graph

import (
	"cmp"
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"configapi/graph/transport"
)

// Limits bound what one document may ask for, so that a few hundred bytes do not keep the server busy for long. What goes
// beyond them is refused before anything is executed, with the code LIMIT_EXCEEDED. Zero fields have the defaults named.
type Limits struct {
	// Tokens of the document. 0: 2000.
	Tokens int
	// Repeats are those fields of the document that have the response name of one before them in the same selection set,
	// inline fragments included: validation compares each of them with all others. 0: 200.
	Repeats int
	// Depth is how many fields of an operation stand within one another. What is within __schema and __type is not
	// counted: tools ask for more, and gqlparser has a rule of its own for it. 0: 12.
	Depth int
	// Aliases of an operation. 0: 30.
	Aliases int
	// RootFields of an operation. 0: 10.
	RootFields int
	// Cost of an operation: 1 for each field, and what is below a list as often as the list may have items. 0: 50,000.
	Cost int
}

func (l *Limits) setDefaults() {
	l.Tokens = cmp.Or(l.Tokens, 2000)
	l.Repeats = cmp.Or(l.Repeats, 200)
	l.Depth = cmp.Or(l.Depth, 12)
	l.Aliases = cmp.Or(l.Aliases, 30)
	l.RootFields = cmp.Or(l.RootFields, 10)
	l.Cost = cmp.Or(l.Cost, 50_000)
}

// limitsRule is the name that the limits have among the rules of validation.
const limitsRule = "Limits"

func limitExceeded(format string, limit int) *gqlerror.Error {
	err := gqlerror.Errorf(format, limit)
	err.Rule = limitsRule
	err.Extensions = map[string]any{"code": transport.CodeLimitExceeded}
	return err
}

// rules are those of GraphQL, behind one that judges the document by its syntax alone: some of GraphQL's rules take time that
// grows with the square of the document, so they do not get to see one that is beyond the limits. All this happens once
// for a document that is then cached.
func (l Limits) rules() *rules.Rules {
	return rules.NewRules(validator.Rule{Name: limitsRule, RuleFunc: func(observers *validator.Events, addError validator.AddErrFunc) {
		judged := false
		judge := func(w *validator.Walker) {
			if judged {
				return
			}
			judged = true
			errs := gqlerror.List{l.judge(w.Document)}
			if errs[0] == nil {
				errs = validator.ValidateWithRules(w.Schema, w.Document, inner())
			}
			for _, err := range errs {
				addError(func(e *gqlerror.Error) { *e = *err })
			}
		}
		// Whichever comes first: a document without any field that is known to the walk has operations.
		observers.OnField(func(w *validator.Walker, _ *ast.Field) { judge(w) })
		observers.OnOperation(func(w *validator.Walker, _ *ast.OperationDefinition) { judge(w) })
	}})
}

// inner are the rules of GraphQL but for two that gqlgen's executor adds to any set by itself.
func inner() *rules.Rules {
	set := rules.NewDefaultRules()
	set.RemoveRule(rules.FieldsOnCorrectTypeRule.Name)
	set.RemoveRule(rules.ScalarLeafsRule.Name)
	return set
}

// costLimit judges operations by what they cost with their variables. It is an extension of gqlgen's handler.
type costLimit struct{ most int }

var _ graphql.OperationContextMutator = costLimit{}

// ExtensionName is for gqlgen.
func (costLimit) ExtensionName() string { return limitsRule }

// Validate is for gqlgen.
func (costLimit) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses an operation that costs too much. It changes nothing.
func (c costLimit) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	b := bill{variables: op.Variables}
	if b.of(op.Operation.SelectionSet) > c.most {
		return limitExceeded("the operation costs more than %d: 1 for each field, and what is below a list as often as the list may have items", c.most)
	}
	return nil
}
