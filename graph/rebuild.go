package graph

import (
	"context"
	"strconv"

	"configapi/graph/transport/gqlws"
)

// closeStreams ends all streams because what they have told is of a history that is lost. The store calls it before it ends
// its own side of them, so that clients see a restart and not an error. They come back and say where they were, and that is
// judged then.
func (h *Handler) closeStreams() {
	h.websocket.CloseAll(gqlws.CloseRestart, "the history is not the one that this server had applied")
	h.sse.EndAll()
}

// rights names what a caller may see. Subscribers from before a rebuild never share anything with those from after it.
func (r *resolver) rights(ctx context.Context) string {
	return strconv.FormatInt(r.store.Rebuilds(), 10) + " " + r.caller(ctx).Name
}
