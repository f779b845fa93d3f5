package rest

import (
	"context"
	"errors"
	"net/http"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/fault"
)

// apply carries out a change set.
func (h *Handler) apply(w http.ResponseWriter, r *http.Request) {
	var body applyBody
	given, err := readJSON(w, r, applyRule, &body)
	if err == nil && !given {
		err = errNoChanges("it is empty")
	}
	if err == nil && body.Changes == nil {
		err = errNoChanges(`member "changes" is missing or null`)
	}
	if err != nil {
		h.failBody(w, r, err)
		return
	}
	set, err := h.changesOf(*body.Changes)
	if err == nil {
		set.Reason, set.IdempotencyKey, err = setFields(r.Header, body.Reason)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	set.DryRun = body.DryRun
	if body.AsSeenAt != nil {
		set.AsSeenAt = revisionID(positionOf(*body.AsSeenAt))
	}
	h.changeAll(w, r, set.kinds, h.bytesOfSet(set.Changes), func(ctx context.Context) (configstore.SetOutcome, error) {
		return h.store.Apply(ctx, auth.Anonymous, set.ChangeSet)
	})
}

// setFields returns the reason and the idempotency key of a change set, and refuses headers that
// are for a single config. The error is a [*config.InvalidError] that names the header or the
// member.
func setFields(header http.Header, reason *string) (why config.Reason, key config.IdempotencyKey, err error) {
	for _, condition := range []string{ifMatch, ifNoneMatch} {
		if len(header[condition]) > 0 {
			return why, key, &config.InvalidError{Field: condition,
				Rule: "is about one config; expectedVersion and expectedRevision are the conditions of a change in a set"}
		}
	}
	for _, name := range []string{configOnlyIfChanged, configRestore} {
		if _, err := readSwitch(apply, header, name); err != nil {
			return why, key, err
		}
	}
	text, err := single(header, idempotencyKey)
	if err != nil {
		return why, key, err
	}
	if text != nil {
		if key, err = config.ParseIdempotencyKey(*text); err != nil {
			return why, key, inHeader(err)
		}
	}
	inHead, err := readReason(header)
	switch {
	case err != nil:
		return why, key, err
	case inHead != nil && reason != nil && *inHead != *reason:
		return why, key, &config.InvalidError{Field: configReason, Rule: "differs from the reason in the body; give one of them"}
	case inHead != nil:
		why, err = config.ParseReason(*inHead)
		return why, key, inHeader(err)
	case reason != nil:
		why, err = config.ParseReason(*reason)
	}
	return why, key, err
}

// changeAll carries out a change set and answers. kinds are what the body calls its changes; bytes
// are the most that the outcome can hold. They are reserved before anything is written, so that no
// limit takes the position of what was written away.
func (h *Handler) changeAll(w http.ResponseWriter, r *http.Request, kinds []string, bytes int, change func(context.Context) (configstore.SetOutcome, error)) {
	held := newReservation(h.answers, w, r)
	defer held.release()
	if err := held.hold(bytes); err != nil {
		if fault.KindOf(err) == fault.Unavailable && !errors.Is(err, context.Canceled) {
			err = fault.NotWritten(err)
		}
		h.fail(w, r, err)
		return
	}
	outcome, err := change(r.Context())
	if rejection, is := errors.AsType[*fault.Rejection](err); is {
		h.reject(w, r, kinds, rejection)
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	locate(w.Header(), outcome.Position)
	s := newJSON(w, r)
	defer s.release()
	s.reservation = held
	s.outcome(outcome)
	s.finish()
}

// outcome adds what a change set came to, as GraphQL has it in ConfigsChanged.
func (s *jsonStream) outcome(o configstore.SetOutcome) {
	s.put(`{"revisions":`).revisions(o.Revisions)
	s.put(`,"unchanged":`).each(len(o.Unchanged), func(i int) { s.text(o.Unchanged[i].String()) })
	s.put(`,"position":`).text(o.Position.String()).put(`,"dryRun":`).bool(o.DryRun).put(`}`)
}

// bytesOfSet returns the most that the outcome of a change set can hold: the new values and those
// that they replace, each within the bound of a set.
func (h *Handler) bytesOfSet(changes []config.Change) int {
	reader, err := h.store.Reader(auth.Anonymous)
	if err != nil {
		return 0 // the change meets the same error
	}
	given, replaced := 0, 0
	for _, c := range changes {
		if c.Command == nil {
			continue
		}
		switch cmd := c.Command.(type) {
		case config.Set:
			given += len(cmd.Value.String())
		case config.Restore:
			if cmd.Value != nil {
				given += len(cmd.Value.String())
			} else {
				given += h.store.MaxValueBytes() // the value that comes back is read later
			}
		}
		if present := reader.Config(c.Command.Target()); present != nil {
			replaced += len(present.Value.String())
		}
	}
	most := max(config.MaxChangeSetBytes, h.store.MaxValueBytes())
	return min(given, most) + min(replaced, most)
}
