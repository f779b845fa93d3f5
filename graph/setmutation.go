package graph

import (
	"io"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/encode"
	"configapi/graph/input"
	"configapi/graph/model"
	"configapi/graph/transport/bounds"
)

// setOutcome is what [mutationResolver.SetConfig] has returned.
type setOutcome struct {
	result model.SetConfigResult
	err    error
}

// set carries out a mutation that sets one config, and encodes the change. It returns nil when
// gqlgen must execute the mutation. If it was carried out, the field then takes the outcome from
// the operation.
func (r *resolver) set(ctx *operationContext, op *graphql.OperationContext, mutation *encode.SetMutation) *graphql.Response {
	given, err := input.ReadSetConfig(inputOf(op, mutation.Field))
	if err != nil {
		return nil // gqlgen says so
	}
	result, err := mutationResolver{r}.SetConfig(ctx, given)
	changed, is := result.(model.ConfigChanged)
	if err == nil && is {
		size := mutation.Size(&changed)
		if bounds.AnswerOf(ctx).CountWithin(size) == nil {
			return &graphql.Response{Data: encoded(size, func(w io.Writer) { mutation.Write(w, &changed) })}
		}
	}
	ctx.operation.set = &setOutcome{result, err}
	return nil
}
