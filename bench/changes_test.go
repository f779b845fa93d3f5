package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// changeText returns a numbered change at a position, as in a message.
func changeText(change, position int) string {
	return fmt.Sprintf(`{"name":"bench-000007","operation":"UPDATED","value":"%s","version":3,"position":"%d-9f3a21c0"}`,
		newTemplate(valuePattern(64)).fill(0, change), position)
}

// batchText returns the data of a message with changes, which ends at a position.
func batchText(end int, changes ...string) string {
	return fmt.Sprintf(`{"data":{"configChanges":{"changes":[%s],"position":"%d-9f3a21c0"}}}`, strings.Join(changes, ","), end)
}

func TestChangesAreFoundInMessages(t *testing.T) {
	for _, test := range []struct {
		message string
		changes []string
		end     int64
	}{
		{batchText(41), nil, 41},
		{batchText(42, changeText(5, 42)), []string{"5@42"}, 42},
		{batchText(44, changeText(6, 43), changeText(8, 44)), []string{"6@43", "8@44"}, 44},
	} {
		for _, envelope := range []string{`{"id":"1","type":"next","payload":%s}`, `{"payload":%s,"id":"1","type":"next"}`} {
			message := fmt.Appendf(nil, envelope, test.message)
			var got []string
			end, err := scanBatch(message, func(change int, position int64) error {
				got = append(got, fmt.Sprintf("%d@%d", change, position))
				return nil
			})
			if err != nil || !isBatch(message) || end != test.end || !slices.Equal(got, test.changes) {
				t.Errorf("%s: got %v up to %d, %v", message, got, end, err)
			}
		}
	}
}

func TestMessagesThatCannotBeReadAreErrors(t *testing.T) {
	for name, message := range map[string]string{
		"no position":              `{"data":{"configChanges":{"changes":[]}}}`,
		"change without position":  `{"configChanges":{"changes":[{"value":"000000000001"}]`,
		"position without change":  batchText(2, `{"position":"1-9f3a21c0"}`),
		"value that is no number":  batchText(2, `{"value":"eleven and more","position":"1-9f3a21c0"}`),
		"value that is too short":  `{"configChanges":{"changes":[{"value":"0001`,
		"position without a value": batchText(2, `{"value":"000000000001","position":""}`),
	} {
		if end, err := scanBatch([]byte(message), func(int, int64) error { return nil }); err == nil {
			t.Errorf("%s: got %d, want an error", name, end)
		}
	}
}

func TestOtherMessagesAreNoBatches(t *testing.T) {
	for _, message := range []string{
		`{"type":"connection_ack"}`, `{"type":"ping"}`,
		`{"id":"1","type":"next","payload":{"errors":[{"message":"no"}],"data":null}}`,
	} {
		if isBatch([]byte(message)) {
			t.Errorf("%s is taken for a batch", message)
		}
	}
}
