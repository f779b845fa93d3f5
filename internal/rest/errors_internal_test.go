package rest

import (
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/edgetest"
)

// TestAllKinds walks over the whole table with an error of each kind.
func TestAllKinds(t *testing.T) {
	h := &Handler{store: configstoretest.New(t, configstore.Options{}).Store, log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	statuses := map[configstore.Kind]int{
		configstore.Internal:            500,
		configstore.InvalidInput:        400,
		configstore.TooLarge:            413,
		configstore.NotFound:            404,
		configstore.Deleted:             410,
		configstore.NotDeleted:          409,
		configstore.VersionConflict:     412,
		configstore.PositionUnknown:     400,
		configstore.PositionNotReached:  504,
		configstore.IdempotencyMismatch: 422,
		configstore.Unavailable:         503,
	}
	for _, failure := range edgetest.Errors() {
		w := httptest.NewRecorder()
		h.fail(w, httptest.NewRequest("GET", "/config/a", nil), fmt.Errorf("wrapped: %w", failure.Err))
		if code, want := answers[failure.Kind].code, statuses[failure.Kind]; w.Code != want || code != failure.Code {
			t.Errorf("%v: got %d %s, want %d %s", failure.Err, w.Code, code, want, failure.Code)
		}
	}
	if len(answers) != len(edgetest.Errors()) {
		t.Errorf("the table has %d rows, want %d", len(answers), len(edgetest.Errors()))
	}
}
