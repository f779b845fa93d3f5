package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// documents parses and checks documents, and caches the small ones.
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
