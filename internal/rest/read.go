package rest

import (
	"net/http"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/problem"
	"configapi/internal/projection"
)

func (h *Handler) read(w http.ResponseWriter, r *http.Request, name config.Name) {
	at, err := parseAt(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reader, err := h.reader(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if at != nil {
		h.readPast(w, r, reader, *at, name)
		return
	}
	position := reader.Head().Position()
	c := reader.Config(name)
	switch {
	case c == nil:
		h.answerNone(w, r, name, reader.State(name), position)
	case prefersJSON(r.Header):
		describe(w.Header(), tagOf(c), jsonForm, position)
		answerObject(w, r, c)
	default:
		describe(w.Header(), tagOf(c), textForm, position)
		answerValue(w, r, c)
	}
}

// answerNone answers for a config that does not exist. Clients that prefer a problem learn that the
// config is deleted and how to restore it; others get one text. state is the deleted config, nil
// when there never was one.
func (h *Handler) answerNone(w http.ResponseWriter, r *http.Request, name config.Name, state *projection.Config, position eventstore.Position) {
	if state != nil && prefersProblem(r.Header) {
		describe(w.Header(), tagOf(state), textForm, position)
		h.problem(w, r, deletedProblem(name))
		return
	}
	locate(w.Header(), position)
	answerText(w, http.StatusNotFound, notFound)
}

func deletedProblem(name config.Name) problem.Problem {
	return problem.Problem{Kind: fault.Deleted,
		Detail: "the config is deleted; POST " + pathOf(name) + "/restore brings it back, and so does a PUT with Config-Restore: true"}
}

// answerObject answers with a config as a JSON object.
func answerObject(w http.ResponseWriter, r *http.Request, c *projection.Config) {
	if isKnown(r.Header, w.Header()) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	s := newJSON(w, r)
	defer s.release()
	s.config(c).finish()
}

// config adds a config as an object. A value that was erased is null.
func (s *jsonStream) config(c *projection.Config) *jsonStream {
	s.put(`{"name":`).plain(c.Name.String()).put(`,"value":`).textIf(!c.Erased(), c.Value.String())
	s.put(`,"version":`).number(int64(c.Version)).put(`,"position":`).position(c.Position())
	s.put(`,"createdAt":`).instant(c.CreatedAt()).put(`,"updatedAt":`).instant(c.UpdatedAt())
	return s.put(`,"actor":`).nullable(c.Actor()).put(`,"reason":`).nullable(c.Reason()).put(`}`)
}

// readAt answers with a value at an instant, always as plain text.
func (h *Handler) readAt(w http.ResponseWriter, r *http.Request, name config.Name, text string) {
	reader, err := h.reader(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	instant, err := config.ParseInstant(text)
	if err != nil {
		locate(w.Header(), reader.Head().Position())
		answerText(w, http.StatusBadRequest, badInstant)
		return
	}
	if c, at := h.past(w, r, reader, configstore.PointInTime{Instant: instant.UTC()}, name); c != nil {
		describe(w.Header(), tagOf(c), textForm, at)
		answerValue(w, r, c)
	}
}

// readPast answers with a config at a moment, as plain text or as an object.
func (h *Handler) readPast(w http.ResponseWriter, r *http.Request, reader *configstore.Reader, moment configstore.PointInTime, name config.Name) {
	c, at := h.past(w, r, reader, moment, name)
	switch {
	case c == nil:
	case prefersJSON(r.Header):
		describe(w.Header(), tagOf(c), jsonForm, at)
		answerObject(w, r, c)
	default:
		describe(w.Header(), tagOf(c), textForm, at)
		answerValue(w, r, c)
	}
}

// past returns a config at a moment, and the position that the moment came to. When there is none
// that can be shown, past has answered, and returns nil.
func (h *Handler) past(w http.ResponseWriter, r *http.Request, reader *configstore.Reader, moment configstore.PointInTime, name config.Name) (*projection.Config, eventstore.Position) {
	snapshot, err := reader.AsOfPoint(r.Context(), moment)
	if err != nil {
		h.fail(w, r, err)
		return nil, eventstore.Position{}
	}
	c, err := snapshot.Config(r.Context(), name)
	if err != nil {
		h.fail(w, r, err)
		return nil, eventstore.Position{}
	}
	at := snapshot.At().Position()
	switch {
	case c == nil:
		locate(w.Header(), at)
		answerText(w, http.StatusNotFound, notFound)
		return nil, at
	case c.Erased():
		locate(w.Header(), at)
		h.fail(w, r, fault.ErrErased)
		return nil, at
	}
	return c, at
}

func answerValue(w http.ResponseWriter, r *http.Request, c *projection.Config) {
	if isKnown(r.Header, w.Header()) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	answerText(w, http.StatusOK, c.Value.String())
}
