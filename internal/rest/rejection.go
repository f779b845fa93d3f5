package rest

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/problem"
	"configapi/internal/projection"
)

// reject answers a change set that was not carried out: a problem with all of its failures. changes
// are those of the body.
func (h *Handler) reject(w http.ResponseWriter, r *http.Request, held *reservation, changes []config.ChangeFields, rejection *fault.Rejection) {
	p := problem.Problem{Detail: rejection.Error()}
	p.Kind, p.Status = judgement(rejection)
	locate(w.Header(), rejection.Position)
	s := newJSON(w, r)
	defer s.release()
	s.status, s.contentType, s.reservation = p.Status, []string{problem.ContentType}, held
	s.put(string(bytes.TrimSuffix(p.JSON(), []byte(`}`))))
	s.put(`,"position":`).text(rejection.Position.String()).put(`,"errors":`)
	left := pageBytes
	s.each(len(rejection.Failures), func(i int) { left -= s.failure(&rejection.Failures[i], changes, left) })
	s.put(`}`).finish()
}

// judgement returns the kind and the status of a rejection. A size or a count over its limit, and
// what is wrong with the set as a whole, have the status of their kind. All else is a conflict.
func judgement(rejection *fault.Rejection) (fault.Kind, int) {
	for _, failure := range rejection.Failures {
		if kind := fault.KindOf(failure.Err); kind == fault.TooLarge {
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

// failure adds one failure, as GraphQL has it in UserError, and returns how many bytes its
// revisions hold. Revisions that hold more than most are left out.
func (s *jsonStream) failure(f *fault.Failure, changes []config.ChangeFields, most int) (bytes int) {
	s.put(`{"code":`).text(fault.KindOf(f.Err).Code()).put(`,"message":`).text(fault.Message(f.Err))
	s.put(`,"path":`).path(f, changes)
	change, current := revisionsOf(f.Err)
	bytes = bytesOfState(current)
	if change != nil {
		bytes += change.Bytes()
	}
	if bytes > most {
		s.put(`}`)
		return 0
	}
	if change != nil {
		s.put(`,"change":`).revision(change)
	}
	s.put(`,"current":`).state(current).put(`}`)
	return bytes
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

func bytesOfState(c *projection.Config) int {
	if c == nil {
		return 0
	}
	return bytesOfConfigs([]*projection.Config{c})
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
