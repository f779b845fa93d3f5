package graph

import (
	"cmp"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/graph/transport"
)

// Limits bound what one document may ask for, so that a few hundred bytes do not keep the server busy for long. What goes
// beyond them is refused before anything is executed, with the code LIMIT_EXCEEDED. Zero fields have the defaults named.
type Limits struct {
	// Tokens of the document. 0: 2000.
	Tokens int
	// NameBytes is how long a name or a number in the document may be, in bytes. 0: 128.
	NameBytes int
	// Operations of the document. 0: 10.
	Operations int
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
	// Cost of an operation: 1 for each field, 20 for asOf, history and the fields of a snapshot,
	// which read the event store, and what is below a list as often as the list may have items. 0:
	// 50,000.
	Cost int
}

func (l *Limits) setDefaults() {
	l.Tokens = cmp.Or(l.Tokens, 2000)
	l.NameBytes = cmp.Or(l.NameBytes, 128)
	l.Operations = cmp.Or(l.Operations, 10)
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

// checkCost returns an error when an operation costs too much with its variables.
func checkCost(op *graphql.OperationContext, most int) *gqlerror.Error {
	b := bill{variables: op.Variables}
	if b.of(op.Operation.SelectionSet) > most {
		return limitExceeded("the operation costs more than %d: 1 for each field, 20 for each asOf and history, and what is below a list as often as the list may have items", most)
	}
	return nil
}
