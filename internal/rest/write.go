package rest

import (
	"errors"
	"net/http"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

func (h *Handler) set(w http.ResponseWriter, r *http.Request, name config.Name) {
	terms, err := parseTerms(set, r.Header)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	value, given, err := h.readValue(w, r, set)
	if err == nil && !given {
		err = errNoValue("it is empty")
	}
	if err != nil {
		h.failBody(w, r, err)
		return
	}
	cmd := config.Set{Name: name, Value: value, ExpectedVersion: terms.version, Conditions: terms.conditions,
		OnlyIfChanged: terms.onlyIfChanged, RestoreDeleted: terms.restoreDeleted, Reason: terms.reason, IdempotencyKey: terms.key}
	if terms.mustNotExist() && !cmd.RestoreDeleted { // a deleted config has a version, but is refused before
		cmd.ExpectedVersion, cmd.Conditions = new(config.Version), nil
	}
	h.change(w, r, cmd)
}

func (h *Handler) remove(w http.ResponseWriter, r *http.Request, name config.Name) {
	terms, err := parseTerms(remove, r.Header)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	cmd := config.Delete{Name: name, ExpectedVersion: terms.version, Conditions: terms.conditions, Reason: terms.reason, IdempotencyKey: terms.key}
	if terms.mustNotExist() {
		cmd.ExpectedVersion, cmd.Conditions = new(config.Version), nil
	}
	h.change(w, r, cmd)
}

func (h *Handler) restore(w http.ResponseWriter, r *http.Request, name config.Name) {
	terms, err := parseTerms(restore, r.Header)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	cmd := config.Restore{Name: name, ExpectedVersion: terms.version, Conditions: terms.conditions, Reason: terms.reason, IdempotencyKey: terms.key}
	if terms.mustNotExist() { // what is restored never exists
		cmd.Conditions = nil
	}
	value, given, err := h.readValue(w, r, restore)
	if err != nil {
		h.failBody(w, r, err)
		return
	}
	if given {
		cmd.Value = &value
	}
	h.change(w, r, cmd)
}

// change carries a command out and answers.
func (h *Handler) change(w http.ResponseWriter, r *http.Request, cmd config.Command) {
	reader, err := h.store.Reader(auth.Anonymous)
	if err != nil {
		h.fail(w, r, &fault.UnavailableError{Cause: err}) // nothing was written
		return
	}
	before := reader.Head().Position()
	outcome, err := h.store.Do(r.Context(), auth.Anonymous, cmd)
	if err != nil {
		h.refuse(w, r, cmd, before, err)
		return
	}
	describe(w.Header(), tagOf(outcome.Config), textForm, outcome.Position)
	answerText(w, http.StatusOK, okText)
}

// refuse answers a command that was not carried out. The routes of the old system have fixed texts for what was missing or
// deleted, the latter for clients that do not prefer a problem; a restore is new.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, cmd config.Command, before eventstore.Position, err error) {
	describeRefusal(w.Header(), before, err)
	if _, isRestore := cmd.(config.Restore); !isRestore {
		switch fault.KindOf(err) {
		case fault.NotFound:
			answerText(w, http.StatusNotFound, notFound)
			return
		case fault.Deleted:
			if prefersProblem(r.Header) {
				h.problem(w, deletedProblem(cmd.Target()))
				return
			}
			answerText(w, http.StatusGone, gone)
			return
		}
	}
	h.fail(w, r, err)
}

// describeRefusal sets the headers about the state that a refusal rests on: the config's newest revision. That state is the
// same at the position before the command was judged, unless the revision is newer. The later of the two is what to
// answer, for a position must not go back.
func describeRefusal(h http.Header, before eventstore.Position, err error) {
	var refusal *fault.Refusal
	if !errors.As(err, &refusal) || refusal.Current == nil {
		locate(h, before)
		return
	}
	if refusal.Current.Seq > before.Seq {
		before = refusal.Current.Position()
	}
	describe(h, tagOf(refusal.Current), textForm, before)
}
