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

// documents parses and judges documents, and keeps the small ones. gqlgen's executor would do so in another order: it
// validates before the limits can be looked at.
type documents struct {
	schema *ast.Schema
	limits Limits
	cache  graphql.Cache[*ast.QueryDocument]
}

// admit returns the document of a text, or at most maxDocumentErrors errors. It takes time in proportion to the text.
func (d *documents) admit(ctx context.Context, text string) (*ast.QueryDocument, gqlerror.List) {
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
	if err := d.limits.judge(doc); err != nil {
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

// maxCachedDocument is the longest document that is kept, in bytes: those that hold a large value are not worth it.
const maxCachedDocument = 16 << 10

func invalidDocument(message string) *gqlerror.Error {
	err := gqlerror.Errorf("%s", message)
	errcode.Set(err, errcode.ValidationFailed)
	return err
}

// judged is a transport whose operations are judged whole before gqlgen's executor gets them.
type judged struct {
	graphql.Transport
	documents *documents
	values    map[ast.Operation]*coerce.Schema
}

// Do answers the request.
func (t judged) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	t.Transport.Do(w, r, judgedExecutor{exec.(*executor.Executor), t.documents, t.values})
}

// judgedExecutor is an executor that refuses an operation before anything of it is executed.
type judgedExecutor struct {
	*executor.Executor
	documents *documents
	values    map[ast.Operation]*coerce.Schema
}

// CreateOperationContext judges the document, the variables and the literals of a request.
func (e judgedExecutor) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	doc, errs := e.documents.admit(ctx, params.Query)
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
	return e.Executor.CreateOperationContext(context.WithValue(ctx, admittedKey{}, doc), params)
}

// refused is the context of an operation that will not be executed: enough of it for the log and for the errors.
func (judgedExecutor) refused(params *graphql.RawParams, doc *ast.QueryDocument) *graphql.OperationContext {
	op := &graphql.OperationContext{RawQuery: params.Query, OperationName: params.OperationName, Doc: doc, Headers: params.Headers}
	if doc != nil {
		op.Operation = doc.Operations.ForName(params.OperationName)
	}
	return op
}

// admittedKey is where a context has the document that was admitted.
type admittedKey struct{}

// admitted is gqlgen's cache of documents: it has exactly the one that was admitted for the request.
type admitted struct{}

var _ graphql.Cache[*ast.QueryDocument] = admitted{}

// Get returns the document that was admitted for the request.
func (admitted) Get(ctx context.Context, _ string) (*ast.QueryDocument, bool) {
	doc, ok := ctx.Value(admittedKey{}).(*ast.QueryDocument)
	return doc, ok
}

// Add keeps nothing.
func (admitted) Add(context.Context, string, *ast.QueryDocument) {}
