package graph

import (
	"context"
	"errors"

	"configapi/graph/generated"
	"configapi/internal/audit"
	"configapi/internal/auth"
	"configapi/internal/configstore"
)

// resolver resolves the fields of the schema. Its methods turn arguments into what the config store
// takes, and what it returns into objects.
type resolver struct {
	store   *configstore.Store
	refused func(context.Context, audit.Refusal)
}

var _ generated.ResolverRoot = (*resolver)(nil)

// The resolvers of the object types. Each is a single pointer, so that gqlgen gets it without an
// allocation: it asks for one at every field.
type (
	queryResolver          struct{ *resolver }
	mutationResolver       struct{ *resolver }
	subscriptionResolver   struct{ *resolver }
	configResolver         struct{ *resolver }
	configRevisionResolver struct{ *resolver }
	configSnapshotResolver struct{ *resolver }
	viewerResolver         struct{ *resolver }
)

func (r *resolver) Query() generated.QueryResolver               { return queryResolver{r} }
func (r *resolver) Mutation() generated.MutationResolver         { return mutationResolver{r} }
func (r *resolver) Subscription() generated.SubscriptionResolver { return subscriptionResolver{r} }
func (r *resolver) Config() generated.ConfigResolver             { return configResolver{r} }
func (r *resolver) ConfigRevision() generated.ConfigRevisionResolver {
	return configRevisionResolver{r}
}
func (r *resolver) ConfigSnapshot() generated.ConfigSnapshotResolver {
	return configSnapshotResolver{r}
}

func (r *resolver) Viewer() generated.ViewerResolver { return viewerResolver{r} }

// denied records an error if it says that the caller lacks a right.
func (r *resolver) denied(ctx context.Context, err error) {
	if isForbidden(err) && !errors.Is(err, auth.ErrChanged) {
		r.refused(ctx, audit.OfDenied(r.caller(ctx), err))
	}
}

// caller returns the caller that sent the operation of a context.
func (r *resolver) caller(ctx context.Context) auth.Caller { return auth.FromContext(ctx) }
