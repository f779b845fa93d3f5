package graphqlws

import (
	"strings"
	"testing"
)

// TestTake takes what servers send apart, and refuses what none may send.
func TestTake(t *testing.T) {
	for _, row := range []struct {
		name    string
		opcode  byte
		payload string
		want    string
		says    string
	}{
		{"message", opText, `{"id":"1","type":"next","payload":{"data":null}}`, `next "1" {"data":null}`, ""},
		{"ping", opPing, "hi", `ping frame "hi"`, ""},
		{"pong", opPong, "hi", `pong frame "hi"`, ""},
		{"close", opClose, "\x11\x30bye", `close with 4400 "bye"`, ""},
		{"close without a code", opClose, "", `close with 0 ""`, ""},

		{"binary", opBinary, "{}", "", "opcode 2"},
		{"half a close code", opClose, "\x11", "", "broken close frame"},
		{"close reason that is not UTF-8", opClose, "\x11\x30\xff", "", "broken close frame"},

		{"not UTF-8", opText, "{\"type\":\"pong\",\"\xff\":1}", "", "want UTF-8"},
		{"not JSON", opText, "pong", "", "want a JSON object"},
		{"type in other letters", opText, `{"Type":"pong"}`, "", "want a type"},
		{"type of a client", opText, `{"type":"subscribe","id":"1"}`, "", "want a type that servers may send"},
		{"acknowledgement with a list", opText, `{"type":"connection_ack","payload":[]}`, "", "want a payload that is an object"},
		{"result without an id", opText, `{"type":"next","payload":{"data":null}}`, "", "want an id"},
		{"result without data and errors", opText, `{"type":"next","id":"1","payload":{}}`, "", "data or errors"},
		{"error with an object", opText, `{"type":"error","id":"1","payload":{"message":"x"}}`, "", "list of errors"},
		{"error with nothing", opText, `{"type":"error","id":"1","payload":[]}`, "", "list of errors"},
		{"error without a message", opText, `{"type":"error","id":"1","payload":[{}]}`, "", "list of errors"},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, err := take(row.opcode, []byte(row.payload))
			if row.says == "" && (err != nil || m.String() != row.want) {
				t.Errorf("got %q, %v; want %q", m, err, row.want)
			}
			if row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says)) {
				t.Errorf("got %q, %v; want an error that says %q", m, err, row.says)
			}
		})
	}
}
