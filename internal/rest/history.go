package rest

import (
	"context"
	"net/http"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

func (h *Handler) history(w http.ResponseWriter, r *http.Request, name config.Name) {
	reader, err := h.reader(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	newest, err := newestVersion(r.Context(), reader, name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if newest == 0 {
		locate(w.Header(), reader.Head().Bookmark())
	} else {
		describe(w.Header(), newest, reader.Head().Bookmark())
		if known(r.Header, newest) { // up to one version there is one history
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	array := newArray(w)
	defer array.release()
	err = reader.EachRevision(r.Context(), name, func(revision *eventstore.Revision) error {
		array.addRevision(revision)
		return nil
	})
	if err != nil {
		h.failArray(array, r, err)
		return
	}
	array.finish()
}

// newestVersion is 0 when nothing ever happened to the name.
func newestVersion(ctx context.Context, reader *configstore.Reader, name config.Name) (config.Version, error) {
	if c := reader.Config(name); c != nil {
		return c.Version, nil
	}
	deletion, _, err := reader.History(ctx, name, 0, 1)
	if err != nil || len(deletion) == 0 {
		return 0, err
	}
	return deletion[0].Version, nil
}
