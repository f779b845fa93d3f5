package input_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"configapi/graph/input"
	"configapi/graph/model"
	"configapi/internal/eventstore"
)

func TestSetConfig(t *testing.T) {
	position := eventstore.Position{Seq: 7, Prefix: [4]byte{0xab, 0xcd, 1, 2}}
	all := object{"name": "a", "value": "secret", "expectedVersion": int64(2), "expectedRevision": position.String(),
		"onlyIfChanged": true, "reason": "why", "idempotencyKey": "key"}
	got, err := input.ReadSetConfig(all)
	if err != nil {
		t.Fatal(err)
	}
	mustHaveAll(t, got)
	if diff := cmp.Diff(model.SetConfigInput{Name: "a", Value: "secret", ExpectedVersion: new(int32(2)), ExpectedRevision: &position,
		OnlyIfChanged: new(true), Reason: new("why"), IdempotencyKey: new("key")}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for field := range all {
		given := object{"name": "a", "value": "secret"}
		given[field] = []any{"secret"}
		if _, err := input.ReadSetConfig(given); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s is a list: got the error %v, want one without a value", field, err)
		}
	}
}
