package rest

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"configapi/internal/auth"
	"configapi/internal/budget"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/eventstream"
	"configapi/internal/fault"
	"configapi/internal/problem"
)

// watch streams changes as they happen.
func (h *Handler) watch(w http.ResponseWriter, r *http.Request) {
	if !acceptsEvents(r.Header["Accept"]) {
		h.problem(w, r, problem.Problem{Kind: fault.NotAcceptable,
			Detail: "the answer can be " + eventstream.ContentType})
		return
	}
	filter, after, err := parseWatch(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if _, err := h.reader(r); err != nil { // wait for Config-At-Least, as any other read does
		h.fail(w, r, err)
		return
	}
	ctx, end, err := h.streams.BeginFrom(r.Context(), h.limit, eventstream.ClientOf(r.RemoteAddr))
	if err != nil {
		h.refuseStream(w, r, err)
		return
	}
	defer end()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	session, err := h.store.Session(auth.FromContext(ctx), cancel)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer session.End()
	changes, err := h.store.Watch(ctx, auth.FromContext(ctx), filter, after)
	if err != nil {
		h.fail(w, r, cmp.Or(session.Err(), err))
		return
	}
	locate(w.Header(), changes.Offset().Head.Position())
	if r.Method == http.MethodHead { // a stream has no end to wait for
		eventstream.SetHeader(w.Header())
		return
	}
	stream, ctx := eventstream.Open(ctx, w, h.commentInterval)
	defer stream.Close()
	err = h.follow(ctx, stream, session, changes, after != nil)
	if ended := session.Err(); ended != nil || ctx.Err() == nil { // the client is still connected
		err = cmp.Or(ended, err)
		_ = stream.Send(eventstream.Event{Type: "error", Data: h.problemOf(r, err).JSON()})
	}
}

// refuseStream answers with the reason why a stream may not begin.
func (h *Handler) refuseStream(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.Problem{Kind: fault.Unavailable, Detail: err.Error()}
	if errors.Is(err, eventstream.ErrTooManyOfAddress) {
		p.Kind = fault.TooManyStreams
	}
	h.problem(w, r, p)
}

// parseWatch returns which changes a stream has, and the position after which it begins:
// Last-Event-ID, which clients send when they reconnect, or else the parameter after. A nil
// position means the newest one.
func parseWatch(r *http.Request) (config.Filter, *eventstore.Position, error) {
	filter, err := parseFilter(r.URL.RawQuery)
	if err != nil {
		return config.Filter{}, nil, err
	}
	after := r.Header.Get("Last-Event-ID")
	if after == "" {
		var given bool
		if after, given, err = parameter(r.URL.RawQuery, "after"); err != nil || !given {
			return filter, nil, err
		}
	}
	position, err := eventstore.ParsePosition(after)
	if err != nil {
		return config.Filter{}, nil, fault.ErrPositionUnknown
	}
	return filter, &position, nil
}

// follow sends changes until it cannot read or write any more, and returns why. It reads the next
// ones when the last ones have been sent. Streams that are behind take turns, so that the memory of
// all of them together is bounded. No event is begun after the session has ended.
func (h *Handler) follow(ctx context.Context, stream *eventstream.Stream, session *configstore.Session, watch *configstore.Watch, behind bool) error {
	turn := budget.NewStream(h.messages)
	defer turn.Release()
	for {
		if err := turn.ReservePage(ctx, behind); err != nil {
			return asUnavailable(err)
		}
		changes, err := watch.Next(ctx)
		if err != nil {
			return err
		}
		bytes := int64(bytesOfRevisions(changes.Revisions))
		if err := turn.ReserveMessage(ctx, bytes); err != nil {
			return asUnavailable(err)
		}
		turn.Sending(stream.Cut)
		for _, batch := range changeSets(changes) {
			err := session.Err()
			if err == nil {
				err = sendBatch(stream, turn, batch, bytes)
			}
			if err != nil {
				return err
			}
		}
		turn.Release()
		behind = !changes.CaughtUp
	}
}

// sendBatch sends a change set. Until it is sent, the turn holds the bytes of the page that it is
// from, and its own.
func sendBatch(stream *eventstream.Stream, turn *budget.Stream, batch configstore.Changes, page int64) error {
	s := jsonStream{buf: make([]byte, 0, (1+len(batch.Revisions))*revisionFrame+bytesOfRevisions(batch.Revisions))}
	s.changes(batch)
	turn.Resize(page + int64(len(s.buf)))
	return stream.Send(eventstream.Event{Type: "changes", ID: batch.Position.String(), Data: s.buf, Sent: turn.Sent})
}

// changeSets makes an event of each change set. The last event has the position of the whole page,
// so that changes that the filter leaves out after it are not read again. A page without changes is
// one event without changes.
func changeSets(all configstore.Changes) []configstore.Changes {
	var batches []configstore.Changes
	for rest := all.Revisions; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].ChangeSet.Seq == rest[0].ChangeSet.Seq {
			n++
		}
		batches = append(batches, configstore.Changes{Revisions: rest[:n], Position: rest[0].ChangeSet})
		rest = rest[n:]
	}
	if len(batches) == 0 {
		batches = []configstore.Changes{{}}
	}
	last := &batches[len(batches)-1]
	last.Position, last.CaughtUp = all.Position, all.CaughtUp
	return batches
}
