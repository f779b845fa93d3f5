package graphqlws

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
)

// TestRead takes what servers send apart, and refuses what none may send.
func TestRead(t *testing.T) {
	text := func(payload string) string { return fmt.Sprintf("\x81%c%s", len(payload), payload) }
	for _, row := range []struct{ name, raw, want, says string }{
		{"message", text(`{"id":"1","type":"next","payload":{"data":null}}`), `next "1" {"data":null}`, ""},
		{"message in fragments", "\x01\x01{\x80\x0e" + `"type":"pong"}`, `pong "" `, ""},
		{"message of 126 bytes", "\x81\x7e\x00\x7e" + `{"type":"pong"}` + strings.Repeat(" ", 111), `pong "" `, ""},
		{"ping", "\x89\x02hi", `ping frame "hi"`, ""},
		{"ping between fragments", "\x01\x01{\x89\x00", `ping frame ""`, ""},
		{"pong", "\x8a\x02hi", `pong frame "hi"`, ""},
		{"close", "\x88\x05\x11\x30bye", `close with 4400 "bye"`, ""},
		{"close without a code", "\x88\x00", `close with 0 ""`, ""},

		{"nothing", "", "", "the connection has ended: EOF"},
		{"half a header", "\x81\x7e\x00", "", "ended within a frame"},
		{"half a payload", "\x81\x02{", "", "ended within a frame"},
		{"masked", "\x81\x80\x00\x00\x00\x00", "", "begins with 8180"},
		{"compressed", "\xc1\x02{}", "", "begins with c102"},
		{"long ping", "\x89\x7e\x00\x7e" + strings.Repeat("x", 126), "", "begins with 897e"},
		{"ping in fragments", "\x09\x00", "", "begins with 0900"},
		{"length of 16 bits that fits into 7", "\x81\x7e\x00\x02{}", "", "not in its shortest form"},
		{"length of 64 bits that fits into 16", "\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x7e", "", "not in its shortest form"},
		{"endless", "\x81\x7f\x00\x00\x01\x00\x00\x00\x00\x00", "", "got a frame of 1099511627776 bytes"},
		{"binary", "\x82\x02{}", "", "opcode 2"},
		{"continuation of nothing", "\x80\x02{}", "", "out of order"},
		{"text within text", "\x01\x01{\x81\x02{}", "", "out of order"},
		{"half a close code", "\x88\x01\x11", "", "broken close frame"},
		{"close reason that is not UTF-8", "\x88\x03\x11\x30\xff", "", "broken close frame"},

		{"not UTF-8", text("{\"type\":\"pong\",\"\xff\":1}"), "", "want UTF-8"},
		{"not JSON", text("pong"), "", "want a JSON object"},
		{"type in other letters", text(`{"Type":"pong"}`), "", "want a type"},
		{"type of a client", text(`{"type":"subscribe","id":"1"}`), "", "want a type that servers may send"},
		{"acknowledgement with a list", text(`{"type":"connection_ack","payload":[]}`), "", "want a payload that is an object"},
		{"result without an id", text(`{"type":"next","payload":{"data":null}}`), "", "want an id"},
		{"result without data and errors", text(`{"type":"next","id":"1","payload":{}}`), "", "data or errors"},
		{"error with an object", text(`{"type":"error","id":"1","payload":{"message":"x"}}`), "", "list of errors"},
		{"error with nothing", text(`{"type":"error","id":"1","payload":[]}`), "", "list of errors"},
		{"error without a message", text(`{"type":"error","id":"1","payload":[{}]}`), "", "list of errors"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := wire{in: bufio.NewReader(strings.NewReader(row.raw))}
			m, err := w.read()
			if row.says == "" && (err != nil || m.String() != row.want) {
				t.Errorf("got %q, %v; want %q", m, err, row.want)
			}
			if row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says)) {
				t.Errorf("got %q, %v; want an error that says %q", m, err, row.says)
			}
		})
	}
}
