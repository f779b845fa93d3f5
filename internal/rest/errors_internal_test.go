package rest

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

// TestAllKinds walks over the whole table with an error of each kind.
func TestAllKinds(t *testing.T) {
	h := &handler{store: configstoretest.New(t, configstore.Options{}).Store, log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for kind, row := range map[configstore.Kind]struct {
		err    error
		status int
		code   string
	}{
		configstore.Internal:           {errors.New("x"), 500, "INTERNAL"},
		configstore.InvalidInput:       {&config.InvalidError{}, 400, "INVALID_INPUT"},
		configstore.TooLarge:           {&config.InvalidError{TooLarge: true}, 413, "INVALID_INPUT"},
		configstore.NotFound:           {config.ErrNotFound, 404, "NOT_FOUND"},
		configstore.Deleted:            {config.ErrDeleted, 410, "DELETED"},
		configstore.NotDeleted:         {config.ErrNotDeleted, 409, "VERSION_CONFLICT"},
		configstore.VersionConflict:    {&config.VersionConflictError{}, 412, "VERSION_CONFLICT"},
		configstore.PositionUnknown:    {configstore.ErrPositionUnknown, 400, "POSITION_UNKNOWN"},
		configstore.PositionNotReached: {configstore.ErrPositionNotReached, 504, "POSITION_NOT_REACHED"},
		configstore.Unavailable:        {configstore.ErrNotReady, 503, "UNAVAILABLE"},
	} {
		err := fmt.Errorf("wrapped: %w", row.err)
		if got := configstore.KindOf(err); got != kind {
			t.Errorf("%v is of kind %d, want %d", err, got, kind)
		}
		w := httptest.NewRecorder()
		h.fail(w, httptest.NewRequest("GET", "/config/a", nil), err)
		if w.Code != row.status || answers[kind].code != row.code {
			t.Errorf("%v: got %d %s, want %d %s", err, w.Code, answers[kind].code, row.status, row.code)
		}
	}
	if len(answers) != int(configstore.Unavailable)+1 {
		t.Errorf("the table has %d rows", len(answers))
	}
	for kind, row := range answers {
		if row.status == 0 || row.code == "" {
			t.Errorf("kind %d has no answer", kind)
		}
	}
}
