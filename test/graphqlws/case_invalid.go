package graphqlws

// invalidMessages are messages that the protocol does not have.
var invalidMessages = []struct{ name, what, message string }{
	{"not-json", "A message that is not JSON", "hello"},
	{"empty", "An empty message", ""},
	{"trailing-bytes", "A message with more after it", pingMessage + "}"},
	{"array", "A message that is an array", "[" + pingMessage + "]"},
	{"null", "A message that is null", "null"},
	{"no-type", "A message without a type", `{"id":"1"}`},
	{"type-not-string", "A message whose type is not a string", `{"type":1}`},
	{"unknown-type", "A message of an unknown type", `{"type":"start","id":"1","payload":{"query":"{__typename}"}}`},
	{"type-of-server", "A message that only servers send", `{"type":"next","id":"1","payload":{"data":null}}`},
	{"ping-payload", "A ping whose payload is not an object", `{"type":"ping","payload":[]}`},
	{"pong-payload", "A pong whose payload is not an object", `{"type":"pong","payload":"x"}`},
	{"subscribe-no-id", "subscribe without an id", `{"type":"subscribe","payload":{"query":"{__typename}"}}`},
	{"subscribe-empty-id", "subscribe with an empty id", `{"type":"subscribe","id":"","payload":{"query":"{__typename}"}}`},
	{"subscribe-id-not-string", "subscribe with an id that is not a string", `{"type":"subscribe","id":1,"payload":{"query":"{__typename}"}}`},
	{"complete-no-id", "complete without an id", `{"type":"complete"}`},
	{"complete-id-not-string", "complete with an id that is not a string", `{"type":"complete","id":{}}`},
}

// unreadablePayloads are payloads of subscribe without an operation.
var unreadablePayloads = []struct{ name, what, payload string }{
	{"null", "null", `null`},
	{"text", "a text", `"{__typename}"`},
	{"no-query", "an object without a query", `{}`},
	{"query-not-string", "an object whose query is not a string", `{"query":{}}`},
	{"operation-name", "an object whose operationName is not a string", `{"query":"{__typename}","operationName":1}`},
	{"variables", "an object whose variables are not an object", `{"query":"{__typename}","variables":[]}`},
	{"extensions", "an object whose extensions are not an object", `{"query":"{__typename}","extensions":""}`},
	{"persisted", "a document's hash without the document", `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}`},
	{"half-pair", "half of a surrogate pair in it", `{"query":"{__typename}","variables":{"v":"half an emoji \ud83d"}}`},
	{"number-range", "a number in it that no float64 holds", `{"query":"{__typename}","variables":{"v":1e400}}`},
	{"duplicate-member", "a member in it twice", `{"query":"{__typename}","variables":{"v":1,"v":2}}`},
}

// payloadCases run a subscription beside each bad payload. The protocol lets a server close the
// socket with 4400, but that would end operations of other parts of the client.
func payloadCases() []Case {
	var cases []Case
	for _, bad := range unreadablePayloads {
		cases = append(cases, Case{
			Name: "payload/" + bad.name, Source: Hardening, Needs: []string{"Subscription", "Query"},
			Rule: "subscribe with " + bad.what + " for its payload gets error; the id stays free, and other operations go on.",
			try: func(t *trial) {
				s := t.open()
				s.subscribe("live", t.target.Subscription)
				s.await("next", "live")
				s.sendMessage(`{"type":"subscribe","id":"bad","payload":` + bad.payload + `}`)
				s.await("error", "bad")
				s.await("next", "live")
				s.complete("live")
				s.sync()
				s.subscribe("bad", t.target.Query)
				s.wantAnswer("bad")
			},
		})
	}
	return cases
}

func invalidCases() []Case {
	cases := []Case{
		{Name: "invalid/before-init", Source: Protocol,
			Rule: "An invalid message closes the socket with 4400 also before connection_init.",
			try: func(t *trial) {
				for _, message := range []string{"hello", `{"type":"start"}`} {
					s := t.dial(offer)
					s.sendMessage(message)
					s.wantClose("", 4400)
				}
			}},
		{Name: "invalid/init-payload", Source: Protocol,
			Rule: "connection_init whose payload is not an object closes the socket with 4400.",
			try: func(t *trial) {
				for _, payload := range []string{"[]", `"token"`, "1", "true"} {
					s := t.dial(offer)
					s.sendMessage(`{"type":"connection_init","payload":` + payload + `}`)
					s.wantClose("", 4400)
				}
			}},
		{Name: "invalid/bad-utf8", Source: Websocket,
			Rule: "Text that is not UTF-8 closes the socket with 1007, or with 4400 as it is not JSON either.",
			try: func(t *trial) {
				s := t.open()
				s.sendMessage("{\"type\":\"ping\",\"payload\":{\"a\":\"\xff\"}}")
				s.wantClose("", 1007, 4400)
			}},
	}
	for _, invalid := range invalidMessages {
		cases = append(cases, Case{
			Name: "invalid/" + invalid.name, Source: Protocol, Rule: invalid.what + " closes the socket with 4400.",
			try: func(t *trial) {
				s := t.open()
				s.sendMessage(invalid.message)
				s.wantClose("", 4400)
			},
		})
	}
	return cases
}
