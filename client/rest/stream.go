package rest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// Follow says which changes are followed.
type Follow struct {
	Prefix string // "": those of all configs
	After  string // the position after which to begin; "": from now on
	// Lost is called when the stream was lost and is to be begun again after a pause. nil: nothing
	// is called.
	Lost func(*Error, time.Duration)
}

// Pauses before a stream is begun again: they double from one to the other until a message comes.
const (
	firstStreamPause = 100 * time.Millisecond
	maxStreamPause   = 15 * time.Second
)

// Stream calls each with every change set after a position, as one, in order and once, and now and
// then with a position up to which nothing else has changed. The first call has the position where
// the stream begins, and no changes. When the connection breaks later, the stream goes on after the
// position of the last call that has returned nil.
//
// Stream returns the error of each, or that of ctx, or an [*Error] when the stream cannot begin or
// the server refuses to go on: the code is POSITION_UNKNOWN when its history does not have the
// position, and FORBIDDEN when what the caller may read has changed since.
func (c *Client) Stream(ctx context.Context, f Follow, each func(Changes) error) error {
	s := &stream{client: c, follow: f, each: each, last: f.After, pause: firstStreamPause}
	for {
		lost := s.once(ctx)
		switch {
		case s.ended != nil:
			return s.ended
		case ctx.Err() != nil:
			return ctx.Err()
		case !s.begun || !lost.Passes():
			return lost
		}
		pause := max(s.pause/2+rand.N(s.pause), lost.RetryAfter)
		s.pause = min(2*s.pause, maxStreamPause)
		if f.Lost != nil {
			f.Lost(lost, pause)
		}
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

// Passes reports whether the same request may succeed later: there was no connection or no whole
// answer, or the server is overloaded or not ready.
func (e *Error) Passes() bool {
	return e.Outcome != Refused || e.Status == http.StatusTooManyRequests || e.Status >= http.StatusInternalServerError
}

// stream is a stream of changes over several connections.
type stream struct {
	client *Client
	follow Follow
	each   func(Changes) error
	last   string        // the position to go on after
	begun  bool          // each was called
	ended  error         // of each
	pause  time.Duration // before the next connection
}

// once follows changes over one connection, and returns why it has ended.
func (s *stream) once(ctx context.Context) *Error {
	q := &request{method: http.MethodGet, path: "/events" + query("prefix", s.follow.Prefix, "after", s.last), accept: acceptEvents}
	answer, failed := s.client.sendOnce(ctx, q)
	if failed != nil {
		return failed
	}
	defer answer.Body.Close()
	begin := answer.Header.Get(configPosition)
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") || begin == "" {
		return q.foreign(&Error{Outcome: Failed, Status: answer.StatusCode}, answer, nil)
	}
	if s.last == "" {
		s.last = begin
	}
	if !s.begun {
		s.begun = true
		if s.ended = s.each(Changes{Position: s.last}); s.ended != nil {
			return nil
		}
	}
	limit := &limited{inner: answer.Body}
	in := bufio.NewReader(limit)
	for {
		limit.read = 0
		event, err := readEvent(in)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // a stream has no end
			}
			return q.broken(err, true)
		}
		if failed := s.take(event); failed != nil || s.ended != nil {
			return failed
		}
	}
}

// take takes a message. The error is that which ends the connection.
func (s *stream) take(e event) *Error {
	switch e.kind {
	case "changes":
		var changes Changes
		if err := json.Unmarshal(e.data, &changes); err != nil || changes.Position == "" {
			return &Error{Outcome: Failed, Message: "the server sent an event that is none of ConfigApi: check the address", Err: err}
		}
		if s.ended = s.each(changes); s.ended == nil {
			s.last, s.pause = changes.Position, firstStreamPause
		}
	case "error":
		var p struct{ Detail, Code string }
		_ = json.Unmarshal(e.data, &p) // without it, the error says less
		return &Error{Outcome: Failed, Code: p.Code, Message: "the server has ended the stream: " + p.Detail}
	}
	return nil
}

// event is one server-sent event.
type event struct {
	kind string // "": none was named
	data []byte
}

// readEvent reads the next event. What a connection breaks off in the middle is no event.
func readEvent(in *bufio.Reader) (e event, err error) {
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return event{}, err
		}
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(line) == 0 && (e.kind != "" || e.data != nil):
			return e, nil
		case string(field) == "event":
			e.kind = string(value)
		case string(field) == "data" && e.data == nil:
			e.data = value
		case string(field) == "data":
			e.data = append(append(e.data, '\n'), value...)
		}
	}
}
