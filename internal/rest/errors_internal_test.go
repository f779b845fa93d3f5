package rest

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/edgetest"
)

// TestAllKinds answers with an error of each kind that the config store can return.
func TestAllKinds(t *testing.T) {
	h := New(configstoretest.New(t, configstore.Options{}).Store, Options{})
	for _, failure := range edgetest.Errors() {
		w := httptest.NewRecorder()
		h.fail(w, httptest.NewRequest("GET", "/config/a", nil), fmt.Errorf("wrapped: %w", failure.Err))
		var answer struct{ Code string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if kind := failure.Kind; w.Code != kind.Status() || answer.Code != kind.Code() {
			t.Errorf("%v: got %d %s, want %d %s", failure.Err, w.Code, answer.Code, kind.Status(), kind.Code())
		}
	}
}
