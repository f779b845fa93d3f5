package rest

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/problem"
	"configapi/internal/projection"
	"configapi/internal/requestid"
)

// reject answers a change set that was not carried out: a problem with all of its failures. changes
// are those of the body.
func (h *Handler) reject(w http.ResponseWriter, r *http.Request, changes []config.ChangeFields, rejection *fault.Rejection, held *reservation) {
	p := problem.Problem{Detail: rejection.Error()}
	if p.Kind, p.Status = kindAndStatus(rejection); p.Kind == fault.Denied {
		h.denied(r, rejection)
	}
	locate(w.Header(), rejection.Position)
	s := newJSON(w, r)
	defer s.release()
	s.status, s.contentType, s.reservation = p.Status, []string{problem.ContentType}, held
	s.put(string(bytes.TrimSuffix(p.JSON(), []byte(`}`))))
	s.put(`,"position":`).position(rejection.Position).put(`,"errors":`)
	current := h.currentOf(r, rejection, held)
	held.send()
	s.each(len(rejection.Failures), func(i int) { s.failure(&rejection.Failures[i], changes, current) })
	s.put(`}`).finish()
}

// currentOf returns the newest revisions of the configs for which a set was rejected, as many as an
// answer may show. None are shown when they cannot be read, or when there is no memory for them:
// the rejection is certain.
func (h *Handler) currentOf(r *http.Request, rejection *fault.Rejection, held *reservation) map[*projection.Config]*eventstore.Revision {
	var states []*projection.Config
	for _, failure := range rejection.Failures {
		if _, state := revisionsOf(failure.Err); state != nil {
			states = append(states, state)
		}
	}
	if len(states) == 0 {
		return nil
	}
	ctx, end := context.WithTimeout(r.Context(), readTime)
	defer end()
	revisions, err := readPage(held,
		func() ([]*eventstore.Revision, error) { return withOldValues(ctx, states, h.store.OldValuesOf(states)) }, bytesOfRevisions)
	if err != nil {
		h.log.Warn("a rejection lacks the newest revisions of its configs", "error", err, "request_id", requestid.From(r.Context()))
	}
	current := make(map[*projection.Config]*eventstore.Revision, len(revisions))
	for i, revision := range revisions {
		current[states[i]] = revision
	}
	return current
}

// kindAndStatus returns the kind and the status of a rejection. A size or a count over its limit,
// what is wrong with the set as a whole, and what the client may not do have the status of their
// kind. All else is a conflict.
func kindAndStatus(rejection *fault.Rejection) (fault.Kind, int) {
	for _, failure := range rejection.Failures {
		if kind := fault.KindOf(failure.Err); kind == fault.TooLarge || kind == fault.Denied {
			return kind, kind.Status()
		}
	}
	for _, failure := range rejection.Failures {
		if failure.Change >= 0 {
			continue
		}
		switch kind := fault.KindOf(failure.Err); kind {
		case fault.InvalidInput, fault.PositionUnknown, fault.IdempotencyMismatch:
			return kind, kind.Status()
		}
	}
	return fault.KindOf(rejection.Failures[0].Err), http.StatusConflict
}

// failure adds one failure, as GraphQL has it in UserError. A state that current does not have is
// left out.
func (s *jsonStream) failure(f *fault.Failure, changes []config.ChangeFields, current map[*projection.Config]*eventstore.Revision) {
	s.put(`{"code":`).text(fault.KindOf(f.Err).Code()).put(`,"message":`).text(fault.Message(f.Err))
	s.put(`,"path":`).path(f, changes)
	change, state := revisionsOf(f.Err)
	if change != nil {
		s.put(`,"change":`).revision(change)
	}
	if state == nil {
		s.put(`,"current":null`)
	} else if revision := current[state]; revision != nil {
		s.put(`,"current":`).revision(revision)
	}
	if action := actionOf(f.Err); action != "" {
		s.put(`,"action":`).plain(action)
	}
	s.put(`}`)
}

// revisionsOf returns the change that could not be undone, and the state that a failure is about,
// nil where there is none.
func revisionsOf(err error) (change *eventstore.Revision, current *projection.Config) {
	if conflict, is := errors.AsType[*fault.RevertConflict](err); is {
		return conflict.Change, conflict.Current
	}
	if refusal, is := errors.AsType[*fault.Refusal](err); is {
		return nil, refusal.Current
	}
	return nil, nil
}

// path adds the part of the body that a failure is about, null when it is about none.
func (s *jsonStream) path(f *fault.Failure, changes []config.ChangeFields) *jsonStream {
	var path []string
	if f.Change >= 0 && f.Change < len(changes) {
		path = []string{"changes", strconv.Itoa(f.Change), kinds[changes[f.Change].Kind]}
	}
	if f.Field != "" {
		path = append(path, f.Field)
	}
	if path == nil {
		return s.put(`null`)
	}
	return s.each(len(path), func(i int) { s.text(path[i]) })
}
