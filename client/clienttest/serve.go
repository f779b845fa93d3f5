package clienttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"configapi/client"
	"configapi/client/rest"
)

// positionInterval is how often a stream without changes has a position.
const positionInterval = 10 * time.Second

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	t, ok := s.caller(w, r)
	if !ok {
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /config":
		s.list(w, r, t)
	case "GET /events":
		s.events(w, r, t)
	case "POST /changes":
		s.change(w, r, t)
	default:
		fail(w, http.StatusNotFound, rest.CodeNotFound, "the server of clienttest does not know the request "+r.Method+" "+r.URL.Path)
	}
}

// list answers with all configs of one position.
func (s *Server) list(w http.ResponseWriter, r *http.Request, t *token) {
	s.mu.Lock()
	upTo, known := int64(len(s.history.revisions)), true
	if least := r.Header.Get("Config-At-Least"); least != "" {
		_, known = s.history.parse(least)
	}
	if at := r.URL.Query().Get("at"); known && at != "" {
		upTo, known = s.history.parse(at)
	}
	if !known {
		s.mu.Unlock()
		failUnknown(w)
		return
	}
	configs, position := s.history.configs(upTo, r.URL.Query().Get("prefix"), t), s.history.at(upTo)
	s.mu.Unlock()
	answer(w, http.StatusOK, "application/json", position, configs)
}

// change makes a change set.
func (s *Server) change(w http.ResponseWriter, r *http.Request, t *token) {
	var set client.ChangeSet
	if err := json.NewDecoder(r.Body).Decode(&set); err != nil {
		fail(w, http.StatusBadRequest, rest.CodeInvalidInput, "the body is no change set")
		return
	}
	for _, c := range set.Changes {
		if r, _ := decide(nil, c); !t.may(r.Name) {
			fail(w, http.StatusForbidden, rest.CodeForbidden, "WRITE is needed on "+r.Name)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	result, failures := s.history.apply(set, r.Header.Get("Idempotency-Key"))
	if len(failures) > 0 {
		answer(w, http.StatusConflict, problemType, result.Position, problem{Detail: "nothing was written: " + failures[0].Message,
			Code: failures[0].Code, Errors: failures})
		return
	}
	s.move()
	answer(w, http.StatusOK, "application/json", result.Position, result)
}

// events sends changes after a position as they are made.
func (s *Server) events(w http.ResponseWriter, r *http.Request, t *token) {
	query := r.URL.Query()
	s.mu.Lock()
	sent, known := int64(len(s.history.revisions)), true
	if after := query.Get("after"); after != "" {
		sent, known = s.history.parse(after)
	}
	allowed := t == nil || !query.Has("after") || sent == 0 || sent >= t.since
	position := s.history.head()
	salt := s.history.salt
	s.mu.Unlock()
	switch {
	case !known:
		failUnknown(w)
		return
	case !allowed:
		fail(w, http.StatusForbidden, rest.CodeForbidden, "what you may read has changed; read it anew, and drop what is no longer there")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Config-Position", position)
	fmt.Fprint(w, ":\n\n")
	for {
		messages, moved, ended := s.after(&sent, salt, query.Get("prefix"), t)
		if ended != "" {
			text, _ := json.Marshal(problem{Detail: "the stream has ended", Code: ended})
			fmt.Fprintf(w, "event: error\ndata: %s\n\n", text)
			return
		}
		for _, m := range messages {
			text, _ := json.Marshal(m)
			fmt.Fprintf(w, "event: changes\nid: %s\ndata: %s\n\n", m.Position, text)
		}
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		timer := time.NewTimer(positionInterval)
		select {
		case <-moved:
		case <-timer.C:
		case <-r.Context().Done():
		}
		timer.Stop()
		if r.Context().Err() != nil {
			return
		}
	}
}

// after returns a message for each change set after a number, and at least one, moves the number
// on, and returns a channel that is closed when there is more. ended is the code with which the
// stream has to end, "" for none.
func (s *Server) after(sent *int64, salt int, prefix string, t *token) (messages []rest.Changes, moved <-chan struct{}, ended string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case t != nil && s.tokens[t.secret] == nil:
		return nil, nil, rest.CodeUnauthenticated
	case t != nil && s.tokens[t.secret] != t:
		return nil, nil, rest.CodeForbidden
	case s.history.salt != salt:
		return nil, nil, rest.CodePositionUnknown
	}
	for _, r := range s.history.revisions[*sent:] {
		if r.Operation == tokenChanged || !within(r.Name, prefix) || !t.may(r.Name) {
			continue
		}
		if n := len(messages); n == 0 || messages[n-1].Position != r.ChangeSet {
			messages = append(messages, rest.Changes{Position: r.ChangeSet})
		}
		last := &messages[len(messages)-1]
		last.Changes = append(last.Changes, r)
	}
	if len(messages) == 0 {
		messages = append(messages, rest.Changes{Changes: []rest.Revision{}})
	}
	last := &messages[len(messages)-1]
	last.Position, last.CaughtUp = s.history.head(), true
	*sent = int64(len(s.history.revisions))
	return messages, s.moved, ""
}

const problemType = "application/problem+json"

// problem is the body of a refusal.
type problem struct {
	Detail string         `json:"detail"`
	Code   string         `json:"code"`
	Errors []rest.Failure `json:"errors,omitempty"`
}

func fail(w http.ResponseWriter, status int, code, detail string) {
	answer(w, status, problemType, "", problem{Detail: detail, Code: code})
}

func failUnknown(w http.ResponseWriter) {
	fail(w, http.StatusBadRequest, rest.CodePositionUnknown, "this history never handed out that position")
}

func answer(w http.ResponseWriter, status int, contentType, position string, body any) {
	if position != "" {
		w.Header().Set("Config-Position", position)
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
