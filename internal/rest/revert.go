package rest

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

const (
	revertRule    = `must be a JSON object such as {"to":"2024-01-15T10:30:00Z","prefix":"payments/"}: `
	revertSetRule = `must be empty, or a JSON object such as {"onConflict":"SKIP","dryRun":true}: `
)

// revertBody is the body of a revert to a moment.
type revertBody struct {
	To       *string `json:"to"`
	Prefix   *string `json:"prefix"`
	AsSeenAt *string `json:"asSeenAt"`
	DryRun   bool    `json:"dryRun"`
	Reason   *string `json:"reason"`
}

// revert brings configs back to the values of a moment.
func (h *Handler) revert(w http.ResponseWriter, r *http.Request) {
	var body revertBody
	given, err := readJSON(w, r, revertRule, &body)
	if err == nil && (!given || body.To == nil) {
		err = &config.InvalidError{Field: "body", Rule: revertRule + `member "to" is missing or null`}
	}
	if err != nil {
		h.failBody(w, r, err)
		return
	}
	wanted, failures, err := parseRevert(r.Header, &body)
	if err != nil || len(failures) > 0 {
		h.failRevert(w, r, failures, err)
		return
	}
	h.changeAll(w, r, nil, h.mostBytes, func(ctx context.Context) (configstore.SetOutcome, error) {
		outcome, err := h.store.Revert(ctx, auth.FromContext(ctx), wanted)
		return outcome, aboutPrefix(err)
	})
}

// aboutPrefix has failures that are about a filter be about the prefix, which is all that a body
// says of it.
func aboutPrefix(err error) error {
	rejection, is := errors.AsType[*fault.Rejection](err)
	if !is {
		return err
	}
	for i, failure := range rejection.Failures {
		if invalid, is := errors.AsType[*config.InvalidError](failure.Err); is && failure.Field == "filter" {
			own := *invalid
			own.Field = "prefix"
			rejection.Failures[i].Field, rejection.Failures[i].Err = own.Field, &own
		}
	}
	return err
}

// parseRevert returns what a request asks for, and what is wrong with its body. The error is about
// a header.
func parseRevert(header http.Header, body *revertBody) (wanted configstore.Revert, wrong failures, err error) {
	wanted.DryRun = body.DryRun
	wanted.To, err = parseMoment("to", *body.To)
	wrong.add("to", err)
	if body.Prefix != nil {
		wanted.Filter, err = config.ParseFilter(*body.Prefix, nil)
		wrong.add("prefix", err)
	}
	if body.AsSeenAt != nil {
		at, err := eventstore.ParsePosition(*body.AsSeenAt)
		if err != nil {
			wrong.add("asSeenAt", fault.ErrPositionUnknown)
		}
		wanted.AsSeenAt = &at
	}
	wanted.Reason, wanted.IdempotencyKey, err = wrong.fields(header, body.Reason)
	return wanted, wrong, err
}

// failures are what is wrong with the body of a revert, which no change is made of yet.
type failures []fault.Failure

func (f *failures) add(field string, err error) {
	if err != nil {
		*f = append(*f, fault.Failure{Change: -1, Field: field, Err: err})
	}
}

// fields is [fieldsOfSet] for a revert. What is wrong with the reason in the body is added.
func (f *failures) fields(header http.Header, inBody *string) (reason config.Reason, key config.IdempotencyKey, err error) {
	why, with, err := fieldsOfSet(header, inBody)
	if err == nil && with != nil {
		key, err = config.ParseIdempotencyKey(*with)
	}
	if err == nil && why != nil {
		var invalid error
		reason, invalid = config.ParseReason(*why)
		f.add("reason", invalid)
	}
	return reason, key, err
}

// failRevert answers with an error that is about a header, or else with all that is wrong with the
// body.
func (h *Handler) failRevert(w http.ResponseWriter, r *http.Request, wrong failures, err error) {
	reader, unready := h.store.Reader(auth.FromContext(r.Context()))
	if err = cmp.Or(err, unready); err != nil {
		h.fail(w, r, err)
		return
	}
	held := newReservation(h.answers, w, r)
	defer held.release()
	h.reject(w, r, nil, &fault.Rejection{Failures: wrong, Position: reader.Head().Position()}, held)
}

// revertSetBody is the body of the revert of one change set.
type revertSetBody struct {
	OnConflict *string `json:"onConflict"`
	DryRun     bool    `json:"dryRun"`
	Reason     *string `json:"reason"`
}

// revertSet undoes the change set at a position, which is not checked yet.
func (h *Handler) revertSet(w http.ResponseWriter, r *http.Request, position string) {
	var body revertSetBody
	if _, err := readJSON(w, r, revertSetRule, &body); err != nil {
		h.failBody(w, r, err)
		return
	}
	wanted := configstore.RevertSet{DryRun: body.DryRun}
	var wrong failures
	var err error
	if wanted.ChangeSet, err = eventstore.ParsePosition(position); err != nil {
		wrong.add("changeSet", fault.ErrPositionUnknown)
	}
	wanted.OnConflict, err = parseOnConflict(body.OnConflict)
	wrong.add("onConflict", err)
	wanted.Reason, wanted.IdempotencyKey, err = wrong.fields(r.Header, body.Reason)
	if err != nil || len(wrong) > 0 {
		h.failRevert(w, r, wrong, err)
		return
	}
	h.changeAll(w, r, nil, h.mostBytes, func(ctx context.Context) (configstore.SetOutcome, error) {
		return h.store.RevertChangeSet(ctx, auth.FromContext(ctx), wanted)
	})
}

func parseOnConflict(text *string) (configstore.OnConflict, error) {
	if text == nil {
		return configstore.FailOnConflict, nil
	}
	switch *text {
	case "FAIL":
		return configstore.FailOnConflict, nil
	case "SKIP":
		return configstore.SkipConflicts, nil
	case "OVERWRITE":
		return configstore.OverwriteConflicts, nil
	}
	return 0, &config.InvalidError{Field: "onConflict", Rule: "must be FAIL, SKIP or OVERWRITE"}
}

// mostBytes returns the most that the outcome of any change set can hold: new values, and those
// that they replace.
func (h *Handler) mostBytes(*configstore.Reader) int {
	return 2 * max(config.MaxChangeSetBytes, h.store.MaxValueBytes())
}
