package rest

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-json-experiment/json"

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
		h.problem(w, problem.Problem{Status: http.StatusNotAcceptable, Code: problem.InvalidInput,
			Detail: "the answer can be " + eventstream.ContentType})
		return
	}
	filter, after, err := parseWatch(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if _, err := h.reader(r); err != nil { // Config-At-Least is waited for, as by any other read
		h.fail(w, r, err)
		return
	}
	ctx, end, err := h.streams.BeginFrom(r.Context(), h.limit, eventstream.ClientOf(r.RemoteAddr))
	if err != nil {
		h.refuseStream(w, err)
		return
	}
	defer end()
	changes, err := h.store.Watch(ctx, auth.Anonymous, filter, after)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	locate(w.Header(), changes.Offset().Head.Position())
	if r.Method == http.MethodHead { // there is no end of a stream to wait for
		eventstream.SetHeader(w.Header())
		return
	}
	stream, ctx := eventstream.Open(ctx, w, h.commentInterval)
	defer stream.Close()
	err = h.follow(ctx, stream, changes, after != nil)
	if ctx.Err() == nil { // somebody is there to be told
		_ = stream.Send(eventstream.Event{Type: "error", Data: h.problemOf(r, err).JSON()})
	}
}

// refuseStream says why a stream may not begin.
func (h *Handler) refuseStream(w http.ResponseWriter, err error) {
	p := problem.Problem{Status: http.StatusServiceUnavailable, Code: problem.Unavailable, Detail: err.Error()}
	if errors.Is(err, eventstream.ErrTooManyOfAddress) {
		p.Status, p.Code = http.StatusTooManyRequests, problem.LimitExceeded
	}
	h.problem(w, p)
}

// parseWatch reads which changes a stream is to have, and where it begins: at Last-Event-ID, which clients send when they come
// back to the same address, else at the parameter after. nil: now.
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

// follow sends changes until no more can be read or written, and returns why. The next ones are
// read when the last ones have been sent. Streams that are behind take turns, so that all of them
// together hold a bounded part of the history.
func (h *Handler) follow(ctx context.Context, stream *eventstream.Stream, watch *configstore.Watch, behind bool) error {
	turn := budget.NewTurn(h.messages)
	defer turn.End()
	for {
		if err := turn.Begin(ctx, behind); err != nil {
			return withoutRoom(err)
		}
		changes, err := watch.Next(ctx)
		if err != nil {
			return err
		}
		bytes := int64(bytesOfRevisions(changes.Revisions))
		if err := turn.Read(ctx, bytes); err != nil {
			return withoutRoom(err)
		}
		turn.Sending(stream.Cut)
		for _, batch := range changeSets(changes) {
			if err := sendBatch(stream, turn, batch, bytes); err != nil {
				return err
			}
		}
		turn.End()
		behind = !changes.CaughtUp
	}
}

// sendBatch sends a change set of a page, whose bytes are held meanwhile.
func sendBatch(stream *eventstream.Stream, turn *budget.Turn, batch changeBatch, page int64) error {
	data, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	turn.Hold(page + int64(len(data)))
	return stream.Send(eventstream.Event{Type: "changes", ID: batch.Position, Data: data, Sent: turn.Sent})
}

// changeBatch is one event, as GraphQL has it in ConfigChangeBatch.
type changeBatch struct {
	Changes  []change `json:"changes"`
	Position string   `json:"position"`
	CaughtUp bool     `json:"caughtUp"`
}

// change is one change, as GraphQL has it in ConfigRevision, but for the id, which only GraphQL takes.
type change struct {
	Name        string           `json:"name"`
	Operation   config.Operation `json:"operation"`
	Value       *string          `json:"value"`
	OldValue    *string          `json:"oldValue"`
	Version     config.Version   `json:"version"`
	Position    string           `json:"position"`
	ChangeSet   string           `json:"changeSet"`
	CommittedAt string           `json:"committedAt"`
	Actor       *string          `json:"actor"`
	Reason      *string          `json:"reason"`
}

// changeSets makes an event of each change set. The last one goes as far as all of them, so that what a filter has left out after it
// is not looked at again; without changes it does only that.
func changeSets(all configstore.Changes) []changeBatch {
	var batches []changeBatch
	var set eventstore.Seq // that the last batch is of
	for _, r := range all.Revisions {
		if r.ChangeSet.Seq != set {
			set = r.ChangeSet.Seq
			batches = append(batches, changeBatch{Position: r.ChangeSet.String()})
		}
		last := &batches[len(batches)-1]
		last.Changes = append(last.Changes, newChange(r))
	}
	if len(batches) == 0 {
		batches = []changeBatch{{Changes: []change{}}}
	}
	last := &batches[len(batches)-1]
	last.Position, last.CaughtUp = all.Position.String(), all.CaughtUp
	return batches
}

func newChange(r *eventstore.Revision) change {
	c := change{
		Name:        r.Name.String(),
		Operation:   r.Operation(),
		Version:     r.Version,
		Position:    r.Position().String(),
		ChangeSet:   r.ChangeSet.String(),
		CommittedAt: config.FormatInstant(r.At),
		Actor:       r.Actor,
		Reason:      r.Reason,
	}
	if r.HasValue() {
		value := r.Value.String()
		c.Value = &value
	}
	if r.HasOldValue() {
		old := r.OldValue.String()
		c.OldValue = &old
	}
	return c
}
