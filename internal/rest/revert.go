package rest

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
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
	wanted, err := parseRevert(r.Header, &body)
	if err != nil {
		h.failRevert(w, r, err)
		return
	}
	h.changeAll(w, r, nil, h.mostBytes, func(ctx context.Context) (configstore.SetOutcome, error) {
		outcome, err := h.store.Revert(ctx, auth.Anonymous, wanted)
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

func parseRevert(header http.Header, body *revertBody) (wanted configstore.Revert, err error) {
	if wanted.To, err = parseMoment("to", *body.To); fault.KindOf(err) == fault.PositionUnknown {
		wanted.To.Position, err = noPosition, nil
	}
	if err != nil {
		return wanted, err
	}
	if body.Prefix != nil {
		if wanted.Filter, err = config.ParseFilter(*body.Prefix, nil); err != nil {
			return wanted, err
		}
	}
	if body.AsSeenAt != nil {
		at := positionOf(*body.AsSeenAt)
		wanted.AsSeenAt = &at
	}
	wanted.DryRun = body.DryRun
	wanted.Reason, wanted.IdempotencyKey, err = parseFieldsOfSet(header, body.Reason)
	return wanted, err
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
	wanted := configstore.RevertSet{ChangeSet: positionOf(position), DryRun: body.DryRun}
	var err error
	if wanted.OnConflict, err = parseOnConflict(body.OnConflict); err == nil {
		wanted.Reason, wanted.IdempotencyKey, err = parseFieldsOfSet(r.Header, body.Reason)
	}
	if err != nil {
		h.failRevert(w, r, err)
		return
	}
	h.changeAll(w, r, nil, h.mostBytes, func(ctx context.Context) (configstore.SetOutcome, error) {
		return h.store.RevertChangeSet(ctx, auth.Anonymous, wanted)
	})
}

// failRevert answers with an error of the parsing of a revert: a rejection when it is about a
// member of the body, as a change set gets for its reason.
func (h *Handler) failRevert(w http.ResponseWriter, r *http.Request, err error) {
	invalid, is := errors.AsType[*config.InvalidError](err)
	reader, noReader := h.store.Reader(auth.Anonymous)
	if !is || noReader != nil || !slices.Contains([]string{"to", "prefix", "onConflict", "reason"}, invalid.Field) {
		h.fail(w, r, err)
		return
	}
	failure := fault.Failure{Change: -1, Field: invalid.Field, Err: invalid}
	held := newReservation(h.answers, w, r)
	defer held.release()
	h.reject(w, r, reader, nil, &fault.Rejection{Failures: []fault.Failure{failure}, Position: reader.Head().Position()}, held)
}

// parseFieldsOfSet is [fieldsOfSet] with a check of what it returns.
func parseFieldsOfSet(header http.Header, inBody *string) (reason config.Reason, key config.IdempotencyKey, err error) {
	why, with, err := fieldsOfSet(header, inBody)
	if err == nil && why != nil {
		reason, err = config.ParseReason(*why)
	}
	if err == nil && with != nil {
		key, err = config.ParseIdempotencyKey(*with)
	}
	return reason, key, err
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
