// Package document decides whether the operation of a request may be executed, before its first
// field is resolved.
//
// [Checker.Check] takes these steps in this order, and stops at the first that finds an error:
//
//  1. text.go scans the text: no names or numbers beyond the limit, no half surrogate pairs.
//  2. gqlparser parses it, up to a limit of tokens.
//  3. limits.go counts fields, aliases, depth and repeated fields.
//  4. rules.go validates the document against GraphQL's rules and the schema.
//  5. values.go coerces the variables and checks the literals, by package coerce.
//  6. cost.go adds up what the operation costs with its variables.
//
// Steps 1 to 4 depend on the text alone, so their result is cached, up to 16 MiB in all. So is
// whether an operation passes step 6 with any variables. Each step takes time in proportion to the
// text and the variables, whatever fragments do, and reports at most 10 errors.
// The limits protect the server: a few hundred bytes cannot keep it busy for long. An operation
// beyond them is refused with the code LIMIT_EXCEEDED.
//
// The package executes nothing, and knows no resolver. It checks no rule of the domain: a config
// name that is malformed is found by its resolver.
package document

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"configapi/graph/coerce"
)

// Options of a [Checker].
type Options struct {
	// Prepare returns what [Checker.Prepared] is to return for an operation. It is called once for
	// an operation that stays in the cache. nil: nothing is prepared.
	Prepare func(*ast.OperationDefinition) any
}

// Checker checks the documents and the variables of requests for one schema. It is safe for
// concurrent use.
type Checker struct {
	schema *ast.Schema
	limits limits
	opts   Options
	cache  *cache                           // documents that passed steps 1 to 4
	values map[ast.Operation]*coerce.Schema // :: kind of operation → what its values may be
}

// New returns a checker for a schema.
func New(schema *ast.Schema, opts Options) *Checker {
	if opts.Prepare == nil {
		opts.Prepare = func(*ast.OperationDefinition) any { return nil }
	}
	return &Checker{
		opts:   opts,
		schema: schema,
		limits: defaultLimits,
		cache:  newCache(cacheBytes),
		values: values(schema),
	}
}

// Check checks the operation that op.RawQuery and op.OperationName stand for, with the variables
// that the client sent. It sets op.Doc, op.Operation and op.Variables: the variables are coerced in
// place and have their defaults. When it returns errors, the operation must not be executed, and
// those of the three that could not be found are nil.
//
// Each error has an extensions.code or wraps the error of a scalar, which has one.
func (c *Checker) Check(op *graphql.OperationContext, variables map[string]any) gqlerror.List {
	found, errs := c.document(op.RawQuery)
	if len(errs) > 0 {
		return errs
	}
	op.Doc = found.document
	if op.Operation = op.Doc.Operations.ForName(op.OperationName); op.Operation == nil {
		return gqlerror.List{invalid("operation " + op.OperationName + " not found")}
	}
	if op.Variables, errs = c.values[op.Operation.Operation].Operation(op.Operation, variables); len(errs) > 0 {
		for _, err := range errs {
			if err.Err == nil { // no scalar's error, which has a code of its own
				errcode.Set(err, errcode.ValidationFailed)
			}
		}
		return errs
	}
	if !found.operations[op.Operation].affordable {
		if err := c.limits.checkCost(c.schema, op); err != nil {
			return gqlerror.List{err}
		}
	}
	return nil
}

// Prepared returns what was prepared for an operation that Check has found: from the cache if its
// document is still there.
func (c *Checker) Prepared(operation *ast.OperationDefinition) any {
	if found, has := c.cache.operation(operation); has {
		return found.prepared
	}
	return c.opts.Prepare(operation)
}

// document returns the document of a text when it is within the limits and valid, else at most
// maxErrors errors.
func (c *Checker) document(text string) (*checked, gqlerror.List) {
	if found := c.cache.get(text); found != nil {
		return found, nil
	}
	if err := checkText(text, c.limits.nameBytes); err != nil {
		return nil, gqlerror.List{err}
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, c.limits.tokens)
	if err != nil {
		errcode.Set(err, errcode.ParseFailed)
		return nil, gqlerror.List{gqlerror.WrapIfUnwrapped(err)}
	}
	if len(doc.Operations) == 0 {
		return nil, gqlerror.List{invalid("the document has no operation")}
	}
	if err := c.limits.check(doc); err != nil {
		return nil, gqlerror.List{err}
	}
	if errs := validate(c.schema, doc); len(errs) > 0 {
		return nil, errs
	}
	found := &checked{doc, make(map[*ast.OperationDefinition]known, len(doc.Operations))}
	for _, operation := range doc.Operations {
		found.operations[operation] = known{c.limits.isAffordable(c.schema, operation), c.opts.Prepare(operation)}
	}
	c.cache.add(text, found)
	return found, nil
}

// maxErrors is how many errors of one request are looked for.
const maxErrors = 10

func invalid(message string) *gqlerror.Error {
	err := gqlerror.Errorf("%s", message)
	errcode.Set(err, errcode.ValidationFailed)
	return err
}
