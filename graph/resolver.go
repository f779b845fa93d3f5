package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/generated"
	"configapi/internal/auth"
	"configapi/internal/configstore"
)

// resolver answers the fields of the schema. It holds no rule: it turns arguments into what the config store takes, and its
// answers into objects.
type resolver struct {
	store *configstore.Store
}

var _ generated.ResolverRoot = (*resolver)(nil)

// Pointers alone, so that gqlgen, which asks for them at every field, gets them without an allocation.
type (
	queryResolver          struct{ *resolver }
	mutationResolver       struct{ *resolver }
	subscriptionResolver   struct{ *resolver }
	configResolver         struct{ *resolver }
	configSnapshotResolver struct{ *resolver }
)

func (r *resolver) Query() generated.QueryResolver               { return queryResolver{r} }
func (r *resolver) Mutation() generated.MutationResolver         { return mutationResolver{r} }
func (r *resolver) Subscription() generated.SubscriptionResolver { return subscriptionResolver{r} }
func (r *resolver) Config() generated.ConfigResolver             { return configResolver{r} }
func (r *resolver) ConfigSnapshot() generated.ConfigSnapshotResolver {
	return configSnapshotResolver{r}
}

// caller is who sent the operation.
func (r *resolver) caller(context.Context) auth.Caller { return auth.Anonymous }

// readerKey is the context key of the reader that a query is pinned to.
type readerKey struct{}

// pin makes all fields of a query read at one position. Mutations and subscriptions are not pinned: what they answer is newer
// than their beginning.
func (r *resolver) pin(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if op := graphql.GetOperationContext(ctx).Operation; op != nil && op.Operation == ast.Query {
		ctx = context.WithValue(ctx, readerKey{}, r.store.Reader(r.caller(ctx)))
	}
	return next(ctx)
}

// reader is the one that the query is pinned to, else one of the newest state.
func (r *resolver) reader(ctx context.Context) *configstore.Reader {
	if pinned, ok := ctx.Value(readerKey{}).(*configstore.Reader); ok {
		return pinned
	}
	return r.store.Reader(r.caller(ctx))
}
