package graph

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"configapi/graph/coerce"
)

// documents parses and checks documents, and caches the small ones. gqlgen's executor would
// validate a document before its limits can be checked.
type documents struct {
	schema *ast.Schema
	limits Limits
	cache  graphql.Cache[*ast.QueryDocument]
}

// parse returns the document of a text when it keeps the limits and is valid, else at most
// maxDocumentErrors errors. It takes time in proportion to the text.
func (d *documents) parse(ctx context.Context, text string) (*ast.QueryDocument, gqlerror.List) {
	if doc, known := d.cache.Get(ctx, text); known {
		return doc, nil
	}
	if err := scan(text, d.limits.NameBytes); err != nil {
		return nil, gqlerror.List{err}
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, d.limits.Tokens)
	if err != nil {
		errcode.Set(err, errcode.ParseFailed)
		return nil, gqlerror.List{gqlerror.WrapIfUnwrapped(err)}
	}
	if len(doc.Operations) == 0 {
		return nil, gqlerror.List{invalidDocument("the document has no operation")}
	}
	if err := d.limits.check(doc); err != nil {
		return nil, gqlerror.List{err}
	}
	if errs := validate(d.schema, doc); len(errs) > 0 {
		return nil, errs
	}
	if len(text) <= maxCachedDocument {
		d.cache.Add(ctx, text, doc)
	}
	return doc, nil
}

// maxCachedDocument is the longest document that is cached, in bytes. Longer ones hold large
// values, and seldom come twice.
const maxCachedDocument = 16 << 10

func invalidDocument(message string) *gqlerror.Error {
	err := gqlerror.Errorf("%s", message)
	errcode.Set(err, errcode.ValidationFailed)
	return err
}

// checking is a transport that checks a whole operation before gqlgen's executor gets it.
type checking struct {
	graphql.Transport
	documents *documents
	values    map[ast.Operation]*coerce.Schema
}

// Do answers the request.
func (t checking) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	t.Transport.Do(w, r, checkingExecutor{exec.(*executor.Executor), t.documents, t.values})
}

// checkingExecutor is an executor that refuses an invalid operation before any of its fields is
// executed.
type checkingExecutor struct {
	*executor.Executor
	documents *documents
	values    map[ast.Operation]*coerce.Schema
}

// CreateOperationContext checks the document, the variables and the literals of a request.
func (e checkingExecutor) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	doc, errs := e.documents.parse(ctx, params.Query)
	if len(errs) > 0 {
		return e.refused(params, doc), errs
	}
	if operation := doc.Operations.ForName(params.OperationName); operation != nil {
		variables, errs := e.values[operation.Operation].Operation(operation, params.Variables)
		if len(errs) > 0 {
			for _, err := range errs {
				if err.Err == nil {
					errcode.Set(err, errcode.ValidationFailed)
				}
			}
			return e.refused(params, doc), errs
		}
		params.Variables = variables
	}
	return e.Executor.CreateOperationContext(context.WithValue(ctx, parsedKey{}, doc), params)
}

// refused returns the context of an operation that is not executed. It has what the log and the
// errors need.
func (checkingExecutor) refused(params *graphql.RawParams, doc *ast.QueryDocument) *graphql.OperationContext {
	op := &graphql.OperationContext{RawQuery: params.Query, OperationName: params.OperationName, Doc: doc, Headers: params.Headers}
	if doc != nil {
		op.Operation = doc.Operations.ForName(params.OperationName)
	}
	return op
}

// parsedKey is the key of the request's document in a context.
type parsedKey struct{}

// parsed is a cache of documents for gqlgen's executor. It holds the document of the request alone,
// so the executor neither parses nor validates again.
type parsed struct{}

var _ graphql.Cache[*ast.QueryDocument] = parsed{}

// Get returns the document of the request.
func (parsed) Get(ctx context.Context, _ string) (*ast.QueryDocument, bool) {
	doc, ok := ctx.Value(parsedKey{}).(*ast.QueryDocument)
	return doc, ok
}

// Add keeps nothing.
func (parsed) Add(context.Context, string, *ast.QueryDocument) {}
