package rest

import (
	"net/http"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/problem"
	"configapi/internal/projection"
)

func (h *Handler) read(w http.ResponseWriter, r *http.Request, name config.Name) {
	reader, err := h.reader(r)
	if err != nil {
		h.fail(w, r, err)
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

// config adds a config as an object.
func (s *jsonStream) config(c *projection.Config) *jsonStream {
	s.put(`{"name":`).plain(c.Name.String()).put(`,"value":`).text(c.Value.String())
	s.put(`,"version":`).number(int64(c.Version)).put(`,"position":`).position(c.Position())
	s.put(`,"createdAt":`).instant(c.CreatedAt()).put(`,"updatedAt":`).instant(c.UpdatedAt())
	return s.put(`,"actor":`).nullable(c.Actor()).put(`,"reason":`).nullable(c.Reason()).put(`}`)
}

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
	snapshot, err := reader.AsOfTime(r.Context(), instant)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	c, err := snapshot.Config(r.Context(), name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if c == nil {
		locate(w.Header(), snapshot.At().Position())
		answerText(w, http.StatusNotFound, notFound)
		return
	}
	if c.Erased() {
		locate(w.Header(), snapshot.At().Position())
		h.fail(w, r, fault.ErrErased)
		return
	}
	describe(w.Header(), tagOf(c), textForm, snapshot.At().Position())
	answerValue(w, r, c)
}

func answerValue(w http.ResponseWriter, r *http.Request, c *projection.Config) {
	if isKnown(r.Header, w.Header()) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	answerText(w, http.StatusOK, c.Value.String())
}
