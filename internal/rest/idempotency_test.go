package rest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/configstore"
)

// TestTheSameKeyHasTheSameAnswer sends each change twice, with others in between, and then another
// change with its key.
func TestTheSameKeyHasTheSameAnswer(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for _, step := range []struct{ key, request, body, condition, other, otherBody string }{
		{"put", "PUT /config/a", `{"value":"1"}`, "", "PUT /config/a", `{"value":"2"}`},
		{"if match", "PUT /config/a", `{"value":"2"}`, `If-Match: "1"`, "PUT /config/a", `{"value":"2"}`},
		{"delete", "DELETE /config/a", "", "", "DELETE /config/b", ""},
		{"restore", "POST /config/a/restore", "", "", "POST /config/a/restore", `{"value":"2"}`},
	} {
		key := "Idempotency-Key: " + step.key
		first := s.MustDo(t, step.request, step.body, key, step.condition)
		if first.status != 200 || first.header.Get("ETag") == "" {
			t.Fatalf("%s: got %+v", step.request, first)
		}
		s.MustSet(t, "b", step.key)
		s.MustSet(t, "c", step.key)
		before := s.head()
		if diff := cmp.Diff(first, s.MustDo(t, step.request, step.body, key, step.condition), cmp.AllowUnexported(answer{})); diff != "" {
			t.Errorf("%s, the second time (-first +second)\n%s", step.request, diff)
		}
		p := MustBeProblem(t, step.other, s.MustDo(t, step.other, step.otherBody, key), 422, "IDEMPOTENCY_MISMATCH")
		if !strings.Contains(p.Detail, "used for another request") {
			t.Errorf("%s: %q", step.other, p.Detail)
		}
		if after := s.head(); after != before {
			t.Errorf("%s: the position went from %s to %s", step.request, before, after)
		}
	}
}

// TestARefusalIsNotKept sends a change that is refused at first.
func TestARefusalIsNotKept(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for _, status := range []int{404, 200, 200} {
		if got := s.MustDo(t, "DELETE /config/a", "", "Idempotency-Key: k"); got.status != status {
			t.Errorf("got %d, want %d", got.status, status)
		}
		if status == 404 {
			s.MustSet(t, "a", "1")
		}
	}
	MustBeProblem(t, "two keys", s.MustDo(t, "DELETE /config/a", "", "Idempotency-Key: k & l"), 400, "INVALID_INPUT")
}
