package graph

import (
	"context"

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
