package rest

import (
	"net/http"
	"net/url"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/projection"
)

func (h *Handler) read(w http.ResponseWriter, r *http.Request, name config.Name) {
	reader := h.store.Reader(auth.Anonymous)
	c := reader.Config(name)
	if c == nil {
		locate(w.Header(), reader.Head().Bookmark())
		answerText(w, http.StatusNotFound, notFound)
		return
	}
	describe(w.Header(), c.Revision.Version, reader.Head().Bookmark())
	answerValue(w, r, c)
}

func (h *Handler) readAt(w http.ResponseWriter, r *http.Request, name config.Name, text string) {
	reader := h.store.Reader(auth.Anonymous)
	instant, err := config.ParseInstant(text)
	if err != nil {
		locate(w.Header(), reader.Head().Bookmark())
		answerText(w, http.StatusBadRequest, badInstant)
		return
	}
	snapshot, err := reader.AsOfTime(r.Context(), instant)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	c, err := snapshot.Config(r.Context(), name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if c == nil {
		locate(w.Header(), snapshot.At().Bookmark())
		answerText(w, http.StatusNotFound, notFound)
		return
	}
	describe(w.Header(), c.Revision.Version, snapshot.At().Bookmark())
	answerValue(w, r, c)
}

func answerValue(w http.ResponseWriter, r *http.Request, c *projection.Config) {
	if known(r.Header, c.Revision.Version) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	answerText(w, http.StatusOK, c.Revision.Value.String())
}

func (h *Handler) list(w http.ResponseWriter, r *http.Request) {
	filter, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reader := h.store.Reader(auth.Anonymous)
	snapshot := reader.Now()
	locate(w.Header(), snapshot.At().Bookmark())
	array := newArray(w)
	defer array.release()
	for after, more := "", true; more; {
		var configs []*projection.Config
		configs, more, err = snapshot.Configs(r.Context(), filter, after, configstore.MaxPageSize)
		if err != nil {
			h.failArray(array, r, err)
			return
		}
		for _, c := range configs {
			after = c.Revision.Name.String()
			array.addConfig(c)
		}
	}
	array.finish()
}

var errBadQuery = &config.InvalidError{Field: "query", Rule: "must be name=value, separated by &, with % before two hex digits"}

// parseQuery reads what a list is to hold. Parameters that are not known are left alone, as the old system did.
func parseQuery(query string) (config.Filter, error) {
	if query == "" {
		return config.Filter{}, nil
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return config.Filter{}, errBadQuery
	}
	prefix := params["prefix"]
	switch len(prefix) {
	case 0:
		return config.Filter{}, nil
	case 1:
		return config.ParseFilter(prefix[0], nil)
	}
	return config.Filter{}, &config.InvalidError{Field: "prefix", Rule: "is given more than once"}
}
