package rest

import (
	"fmt"
	"net/http"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// configAtLeast is the header with the position that a read must include.
const configAtLeast = "Config-At-Least"

// reader returns a reader that is as fresh as the request asks for.
func (h *Handler) reader(r *http.Request) (*configstore.Reader, error) {
	if r.URL.RawQuery == "" && r.Header[configAtLeast] == nil { // the fast path
		return h.store.Reader(auth.FromContext(r.Context()))
	}
	fresh, err := parseFreshness(r)
	if err != nil {
		return nil, err
	}
	return h.store.FreshReader(r.Context(), auth.FromContext(r.Context()), fresh)
}

// parseFreshness returns how fresh an answer must be: at least Config-At-Least, after a wait of at
// most the parameter wait, and linearizable if the parameter consistency says so.
func parseFreshness(r *http.Request) (f configstore.Freshness, err error) {
	if f.AtLeast, err = parseAtLeast(r.Header); err != nil {
		return f, err
	}
	wait, given, err := parameter(r.URL.RawQuery, "wait")
	if err != nil {
		return f, err
	}
	if given {
		f.Wait, err = time.ParseDuration(wait)
		if err != nil || f.Wait <= 0 || f.Wait > configstore.MaxPositionWait {
			return f, &config.InvalidError{Field: "wait", Rule: fmt.Sprintf("must be a time such as 500ms or 5s, at most %v", configstore.MaxPositionWait)}
		}
	}
	consistency, given, err := parameter(r.URL.RawQuery, "consistency")
	if err != nil {
		return f, err
	}
	f.Linearizable = consistency == "linearizable"
	if given && !f.Linearizable && consistency != "local" {
		return f, &config.InvalidError{Field: "consistency", Rule: "must be local or linearizable"}
	}
	return f, nil
}

func parseAtLeast(h http.Header) (*eventstore.Position, error) {
	positions := h[configAtLeast]
	switch len(positions) {
	case 0:
		return nil, nil
	case 1:
		at, err := eventstore.ParsePosition(positions[0])
		if err != nil {
			return nil, fault.ErrPositionUnknown
		}
		return &at, nil
	}
	return nil, &config.InvalidError{Field: configAtLeast, Rule: "is given more than once"}
}
