package httpd

import (
	"context"

	"configapi/internal/audit"
	"configapi/internal/requestid"
)

// CallerRefused returns a function that counts and logs the refusal of a caller. It is for edges
// that refuse some themselves, such as websockets, and adds the id and the address of the request
// that the context belongs to. A nil log is left out.
func CallerRefused(metrics *Metrics, log *audit.Refusals) func(context.Context, audit.Refusal) {
	refused := callerRefused(metrics, log)
	return func(ctx context.Context, refusal audit.Refusal) { refused(ctx, refusal) }
}

// callerRefused is CallerRefused with a function that reports whether the refusal has a line of its
// own.
func callerRefused(metrics *Metrics, log *audit.Refusals) func(context.Context, audit.Refusal) (hasLine bool) {
	return func(ctx context.Context, refusal audit.Refusal) bool {
		if refusal.WithToken {
			metrics.refused(refusedToken)
		}
		refusal.RequestID = requestid.From(ctx)
		if conn := connInfoOf(ctx); conn != nil {
			refusal.Remote = *conn.remote.Load()
		}
		return log.Record(refusal)
	}
}
