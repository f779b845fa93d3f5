package rest

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http/httptest"
	"testing"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/edgetest"
	"configapi/internal/fault"
	"configapi/internal/problem"
)

// TestAllKinds walks over the whole table with an error of each kind.
func TestAllKinds(t *testing.T) {
	h := &Handler{store: configstoretest.New(t, configstore.Options{}).Store, log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	statuses := map[fault.Kind]int{
		fault.Internal:            500,
		fault.InvalidInput:        400,
		fault.TooLarge:            413,
		fault.NotFound:            404,
		fault.Deleted:             410,
		fault.NotDeleted:          409,
		fault.VersionConflict:     412,
		fault.PositionUnknown:     400,
		fault.PositionNotReached:  504,
		fault.IdempotencyMismatch: 422,
		fault.Unavailable:         503,
	}
	untried := maps.Clone(statuses)
	for _, failure := range edgetest.Errors() {
		w := httptest.NewRecorder()
		h.fail(w, httptest.NewRequest("GET", "/config/a", nil), fmt.Errorf("wrapped: %w", failure.Err))
		wantCode := failure.Code
		if failure.Kind == fault.NotDeleted { // GraphQL's schema has no code of its own for it
			wantCode = problem.NotDeleted
		}
		if code, want := answers[failure.Kind].code, statuses[failure.Kind]; w.Code != want || code != wantCode {
			t.Errorf("%v: got %d %s, want %d %s", failure.Err, w.Code, code, want, wantCode)
		}
		delete(untried, failure.Kind)
	}
	if len(answers) != len(statuses) || len(untried) > 0 {
		t.Errorf("the table has %d rows, want %d; without an error are %v", len(answers), len(statuses), untried)
	}
}
