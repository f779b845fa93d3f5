package rest

import (
	"net/http"
	"net/url"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/projection"
)

func (h *Handler) read(w http.ResponseWriter, r *http.Request, name config.Name) {
	reader, err := h.reader(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	c := reader.Config(name)
	if c == nil {
		locate(w.Header(), reader.Head().Bookmark())
		answerText(w, http.StatusNotFound, notFound)
		return
	}
	describe(w.Header(), c.Version, reader.Head().Bookmark())
	answerValue(w, r, c)
}

func (h *Handler) readAt(w http.ResponseWriter, r *http.Request, name config.Name, text string) {
	reader, err := h.reader(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
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
	describe(w.Header(), c.Version, snapshot.At().Bookmark())
	answerValue(w, r, c)
}

func answerValue(w http.ResponseWriter, r *http.Request, c *projection.Config) {
	if known(r.Header, c.Version) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	answerText(w, http.StatusOK, c.Value.String())
}

func (h *Handler) list(w http.ResponseWriter, r *http.Request) {
	filter, err := parseFilter(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reader, err := h.reader(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
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
			after = c.Name.String()
			array.addConfig(c)
		}
	}
	array.finish()
}

var errBadQuery = &config.InvalidError{Field: "query", Rule: "must be name=value, separated by &, with % before two hex digits"}

// parseFilter reads what a list is to hold.
func parseFilter(query string) (config.Filter, error) {
	prefix, given, err := parameter(query, "prefix")
	if err != nil || !given {
		return config.Filter{}, err
	}
	return config.ParseFilter(prefix, nil)
}

// parameter reads one parameter of a query. Those that are not known are left alone, as the old system did.
func parameter(query, name string) (value string, given bool, err error) {
	if query == "" {
		return "", false, nil
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return "", false, errBadQuery
	}
	values := params[name]
	switch len(values) {
	case 0:
		return "", false, nil
	case 1:
		return values[0], true, nil
	}
	return "", false, &config.InvalidError{Field: name, Rule: "is given more than once"}
}
