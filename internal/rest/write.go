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
	cmd, alone, err := command(set, name, r.Header, config.Fields.Set)
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
	cmd.Value = value
	h.change(w, r, alone.Of(cmd))
}

func (h *Handler) remove(w http.ResponseWriter, r *http.Request, name config.Name) {
	_, alone, err := command(remove, name, r.Header, config.Fields.Delete)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.change(w, r, alone)
}

func (h *Handler) restore(w http.ResponseWriter, r *http.Request, name config.Name) {
	cmd, alone, err := command(restore, name, r.Header, config.Fields.Restore)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	value, given, err := h.readValue(w, r, restore)
	if err != nil {
		h.failBody(w, r, err)
		return
	}
	if given {
		cmd.Value = &value
	}
	h.change(w, r, alone.Of(cmd))
}

// command returns the command that the headers of a change describe, without the value, which is in
// the body, and the set of this command alone. The error is a [*config.InvalidError] that names the
// header.
func command[C config.Command](op operation, name config.Name, h http.Header, parse func(config.Fields) (C, error)) (cmd C, alone config.ChangeSet, err error) {
	fields, err := fieldsOf(op, name, h)
	if err == nil {
		cmd, err = parse(fields)
	}
	if err == nil {
		alone, err = fields.ChangeSet(cmd)
	}
	return cmd, alone, inHeader(err)
}

// change carries out a set of one and answers.
func (h *Handler) change(w http.ResponseWriter, r *http.Request, alone config.ChangeSet) {
	caller := auth.FromContext(r.Context())
	reader, err := h.store.Reader(caller)
	if err != nil {
		h.fail(w, r, fault.BeforeWrite(err))
		return
	}
	before := reader.Head().Position()
	outcome, err := h.store.Do(r.Context(), caller, alone)
	if err != nil {
		h.refuse(w, r, alone.Changes[0].Command, before, err)
		return
	}
	describe(w.Header(), tagOfOutcome(&outcome), textForm, outcome.Position)
	answerText(w, http.StatusOK, okText)
}

// refuse answers a command that was not carried out. A set and a deletion, which the system before
// this one had, have a fixed text when the config was missing, and one when it was deleted, unless
// the client prefers a problem.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, cmd config.Command, before eventstore.Position, err error) {
	describeRefusal(w.Header(), before, err)
	if _, isRestore := cmd.(config.Restore); !isRestore {
		switch fault.KindOf(err) {
		case fault.NotFound:
			answerText(w, http.StatusNotFound, notFound)
			return
		case fault.Deleted:
			if prefersProblem(r.Header) {
				h.problem(w, r, deletedProblem(cmd.Target()))
				return
			}
			answerText(w, http.StatusGone, gone)
			return
		}
	}
	h.fail(w, r, err)
}

// describeRefusal sets the headers about the state that a refusal is based on: the config's newest
// revision. The config has that state at the position before the command was decided, unless the
// revision is newer. The later of the two is the position of the answer, since positions on a
// connection must not go back.
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
