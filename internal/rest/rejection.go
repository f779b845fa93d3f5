package rest

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"

	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/problem"
	"configapi/internal/projection"
)

// reject answers a change set that was not carried out: a problem with all of its failures. kinds
// are what the body calls its changes.
func (h *Handler) reject(w http.ResponseWriter, r *http.Request, kinds []string, rejection *fault.Rejection) {
	p := problem.Problem{Kind: fault.KindOf(rejection), Status: statusOf(rejection), Detail: rejection.Error()}
	locate(w.Header(), rejection.Position)
	s := newJSON(w, r)
	defer s.release()
	s.status, s.contentType = p.Status, []string{problem.ContentType}
	s.put(string(bytes.TrimSuffix(p.JSON(), []byte(`}`))))
	s.put(`,"position":`).text(rejection.Position.String()).put(`,"errors":`)
	room := pageBytes
	s.each(len(rejection.Failures), func(i int) { room -= s.failure(&rejection.Failures[i], kinds, room) })
	s.put(`}`).finish()
}

// statusOf returns the status of a rejection. A size or a count over its limit, and what is wrong
// with the set as a whole, have the status of their kind; failures of changes are a conflict.
func statusOf(rejection *fault.Rejection) int {
	status := http.StatusConflict
	for _, failure := range rejection.Failures {
		switch kind := fault.KindOf(failure.Err); {
		case kind == fault.TooLarge:
			return kind.Status()
		case failure.Change >= 0:
		case kind == fault.InvalidInput, kind == fault.PositionUnknown, kind == fault.IdempotencyMismatch:
			status = kind.Status()
		}
	}
	return status
}

// failure adds one failure, as GraphQL has it in UserError, and returns how many bytes its
// revisions hold. Revisions that hold more than room are left out.
func (s *jsonStream) failure(f *fault.Failure, kinds []string, room int) (bytes int) {
	s.put(`{"code":`).text(fault.KindOf(f.Err).Code()).put(`,"message":`).text(fault.Message(f.Err))
	s.put(`,"path":`).path(f, kinds)
	change, current := revisionsOf(f.Err)
	bytes = bytesOfState(current)
	if change != nil {
		bytes += change.Bytes()
	}
	if bytes > room {
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
func (s *jsonStream) path(f *fault.Failure, kinds []string) *jsonStream {
	var path []string
	if f.Change >= 0 && f.Change < len(kinds) {
		path = []string{"changes", strconv.Itoa(f.Change), kinds[f.Change]}
	}
	if f.Field != "" {
		path = append(path, f.Field)
	}
	if path == nil {
		return s.put(`null`)
	}
	return s.each(len(path), func(i int) { s.text(path[i]) })
}
