package rest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
	"configapi/internal/requestid"
)

// array is a JSON array that is streamed.
type array struct {
	*jsonStream
	elements int
}

func newArray(w http.ResponseWriter, r *http.Request) *array {
	a := &array{jsonStream: newJSON(w, r)}
	a.put(`[`)
	return a
}

// addConfigs adds states of configs: all that is known of each when they are full, else the name
// and the value.
func (a *array) addConfigs(configs []*projection.Config, full bool) {
	for _, c := range configs {
		a.separate()
		if full {
			a.config(c)
		} else {
			a.put(`{"name":`).plain(c.Name.String()).put(`,"value":`).textIf(!c.Erased(), c.Value.String()).put(`}`)
		}
		a.sendIfFull()
	}
}

// addRevision adds a revision, in the form that the system before this one gave its events.
func (a *array) addRevision(r *eventstore.Revision) {
	a.separate()
	a.put(`{"event_type":`).plain(string(r.Type)).put(`,"data":{"config_name":`).plain(r.Name.String())
	if r.Type == config.ValueDeleted {
		a.put(`,"deleted_value":`).textIf(r.HasOldValue(), r.OldValue.String())
	} else {
		a.put(`,"value":`).textIf(r.HasValue(), r.Value.String())
		a.put(`,"old_value":`).textIf(r.HasOldValue(), r.OldValue.String())
	}
	a.put(`,"timestamp":`).instant(r.At).put(`},"metadata":{"position":`).position(r.Position())
	a.put(`,"actor":`).nullable(r.Actor).put(`,"reason":`).nullable(r.Reason)
	a.put(`},"created_at":`).instant(r.At).put(`,"stream_version":`).number(int64(r.Version)).put(`}`)
	a.sendIfFull()
}

func (a *array) finish() {
	a.put(`]`)
	a.jsonStream.finish()
}

func (a *array) separate() {
	if a.elements++; a.elements > 1 {
		a.put(`,`)
	}
}

// failArray ends an array that cannot be finished. While nothing has been sent, it answers with the
// error. After that it closes the connection, so that a part is not taken for the whole.
func (h *Handler) failArray(a *array, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		panic(http.ErrAbortHandler) // the client has disconnected, or was cut off
	}
	if a.started {
		level := slog.LevelError
		if fault.KindOf(err) == fault.Unavailable {
			level = slog.LevelWarn
		}
		h.log.Log(r.Context(), level, "an answer was cut short", "error", err, "cause", errors.Unwrap(err), "request_id", requestid.From(r.Context()))
		panic(http.ErrAbortHandler)
	}
	for _, name := range []string{etag, configVersion, link} { // they describe the array
		delete(a.w.Header(), name)
	}
	h.fail(a.w, r, err)
}
