package rest

import (
	"context"
	"errors"
	"net/http"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// apply carries out a change set.
func (h *Handler) apply(w http.ResponseWriter, r *http.Request) {
	var body applyBody
	given, err := readJSON(w, r, applyRule, &body)
	if err == nil && !given {
		err = errBadChanges("it is empty")
	}
	if err == nil && body.Changes == nil {
		err = errBadChanges(`member "changes" is missing or null`)
	}
	if err != nil {
		h.failBody(w, r, err)
		return
	}
	fields := config.ChangeSetFields{DryRun: body.DryRun}
	fields.Changes, err = fieldsOfChanges(*body.Changes, h.store.MaxValueBytes())
	if err == nil {
		fields.Reason, fields.IdempotencyKey, err = fieldsOfSet(r.Header, body.Reason)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if body.AsSeenAt != nil {
		fields.AsSeenAt = revisionOf(*body.AsSeenAt)
	}
	set := fields.Parse()
	h.changeAll(w, r, fields.Changes, func(reader *configstore.Reader) int { return h.bytesOfSet(reader, set.Changes) }, func(ctx context.Context) (configstore.SetOutcome, error) {
		return h.store.Apply(ctx, auth.FromContext(ctx), set)
	})
}

// revisionOf returns the revision at a position. For a text that is no position it is one that no
// history has: the store then refuses it along with all that is wrong besides.
func revisionOf(position string) *config.RevisionID {
	at, err := eventstore.ParsePosition(position)
	if err != nil {
		return &config.RevisionID{Seq: -1}
	}
	return &config.RevisionID{Seq: int64(at.Seq), Hash: config.HashPrefix(at.Prefix)}
}

// fieldsOfSet returns the reason and the idempotency key of a change set, not checked yet unless
// they come in a header. It refuses headers that are about a single config. The error is a
// [*config.InvalidError] that names the header.
func fieldsOfSet(header http.Header, inBody *string) (reason, key *string, err error) {
	for _, condition := range []string{ifMatch, ifNoneMatch} {
		if len(header[condition]) > 0 {
			return nil, nil, &config.InvalidError{Field: condition,
				Rule: "is about one config; expectedVersion and expectedRevision are the conditions of a change in a set"}
		}
	}
	if err := refuseSwitches(header); err != nil {
		return nil, nil, err
	}
	if key, err = single(header, idempotencyKey); err != nil {
		return nil, nil, err
	}
	if key != nil {
		if _, err := config.ParseIdempotencyKey(*key); err != nil {
			return nil, nil, inHeader(err)
		}
	}
	reason, err = reasonText(header, inBody)
	return reason, key, err
}

// refuseSwitches refuses the switches of a PUT of a single config.
func refuseSwitches(header http.Header) error {
	for _, name := range []string{configOnlyIfChanged, configRestore} {
		if _, err := readSwitch(apply, header, name); err != nil {
			return err
		}
	}
	return nil
}

// reasonText returns the reason from the header or from the body, nil for none. Only one from the
// header is checked.
func reasonText(header http.Header, inBody *string) (*string, error) {
	reason, err := readReason(header)
	switch {
	case err != nil:
		return nil, err
	case reason == nil:
		return inBody, nil
	case inBody != nil && *inBody != *reason:
		return nil, &config.InvalidError{Field: configReason, Rule: "differs from the reason in the body; give one of them"}
	}
	_, err = config.ParseReason(*reason)
	return reason, inHeader(err)
}

// changeAll carries out a change set and answers. changes are those of the body; most returns how
// many bytes the outcome can hold at most. They are reserved before anything is written, so that no
// limit can keep the client from learning what was written.
func (h *Handler) changeAll(w http.ResponseWriter, r *http.Request, changes []config.ChangeFields,
	most func(*configstore.Reader) int, change func(context.Context) (configstore.SetOutcome, error)) {
	reader, err := h.store.Reader(auth.FromContext(r.Context()))
	if err != nil {
		h.fail(w, r, fault.BeforeWrite(err))
		return
	}
	held := newReservation(h.answers, w, r)
	defer held.release()
	if err := held.reserve(most(reader)); err != nil {
		if !errors.Is(err, context.Canceled) {
			err = fault.NotWritten(err)
		}
		h.fail(w, r, err)
		return
	}
	outcome, err := change(r.Context())
	if rejection, is := errors.AsType[*fault.Rejection](err); is {
		h.reject(w, r, changes, rejection, held)
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	locate(w.Header(), outcome.Position)
	held.send() // not before: what is being written must not be cut
	s := newJSON(w, r)
	defer s.release()
	s.reservation = held
	s.outcome(outcome)
	s.finish()
}

// outcome adds what a change set came to, as GraphQL has it in ConfigsChanged.
func (s *jsonStream) outcome(o configstore.SetOutcome) {
	s.put(`{"revisions":`).revisions(o.Revisions)
	s.put(`,"unchanged":`).each(len(o.Unchanged), func(i int) { s.plain(o.Unchanged[i].String()) })
	s.put(`,"position":`).position(o.Position).put(`,"dryRun":`).bool(o.DryRun).put(`}`)
}

// bytesOfSet returns the most that the outcome of a change set can hold: the new values and those
// that they replace, each within the bound of a set.
func (h *Handler) bytesOfSet(reader *configstore.Reader, changes []config.Change) int {
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
