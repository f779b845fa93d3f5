package rest

import (
	"errors"
	"net/http"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// errEnough ends the reading of a history when the rest is not needed.
var errEnough = errors.New("the answer is complete")

func (h *Handler) history(w http.ResponseWriter, r *http.Request, name config.Name) {
	reader, err := h.reader(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if newest := reader.State(name); newest == nil {
		locate(w.Header(), reader.Head().Position())
	} else {
		describe(w.Header(), tagOf(newest), textForm, reader.Head().Position())
		if isKnown(r.Header, w.Header()) { // up to one revision there is one history
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	array := newArray(w, r)
	defer array.release()
	array.reservation = newReservation(h.answers, w, r)
	defer array.reservation.release()
	err = reader.EachPage(r.Context(), name, func(page []*eventstore.Revision) error { return writeRevisions(array, page) })
	if err != nil && !errors.Is(err, errEnough) {
		h.failArray(array, r, err)
		return
	}
	array.finish()
}

func writeRevisions(array *array, page []*eventstore.Revision) error {
	if err := array.reservation.hold(bytesOfRevisions(page)); err != nil {
		return err
	}
	for _, revision := range page {
		array.addRevision(revision)
	}
	if array.isEnough() {
		return errEnough
	}
	return nil
}
