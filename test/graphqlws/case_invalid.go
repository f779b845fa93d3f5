package graphqlws

// invalidMessages are messages that the protocol does not have, by the names of their cases.
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
	{"subscribe-no-payload", "subscribe without a payload", `{"type":"subscribe","id":"1"}`},
	{"subscribe-payload-null", "subscribe with null for its payload", `{"type":"subscribe","id":"1","payload":null}`},
	{"subscribe-payload-text", "subscribe with a text for its payload", `{"type":"subscribe","id":"1","payload":"{__typename}"}`},
	{"subscribe-no-query", "subscribe without a query", `{"type":"subscribe","id":"1","payload":{}}`},
	{"subscribe-query-not-string", "subscribe with a query that is not a string", `{"type":"subscribe","id":"1","payload":{"query":{}}}`},
	{"subscribe-operation-name", "subscribe with an operationName that is not a string", `{"type":"subscribe","id":"1","payload":{"query":"{__typename}","operationName":1}}`},
	{"subscribe-variables", "subscribe with variables that are not an object", `{"type":"subscribe","id":"1","payload":{"query":"{__typename}","variables":[]}}`},
	{"subscribe-extensions", "subscribe with extensions that are not an object", `{"type":"subscribe","id":"1","payload":{"query":"{__typename}","extensions":""}}`},
	{"complete-no-id", "complete without an id", `{"type":"complete"}`},
	{"complete-id-not-string", "complete with an id that is not a string", `{"type":"complete","id":{}}`},
}

func invalidCases() []Case {
	cases := []Case{
		{Name: "invalid/before-init", Source: Protocol,
			Rule: "An invalid message closes the socket with 4400 also before connection_init.",
			try: func(t *trial) {
				for _, message := range []string{"hello", `{"type":"start"}`} {
					s := t.dial(offer)
					s.say(message)
					s.wantClose("", 4400)
				}
			}},
		{Name: "invalid/init-payload", Source: Protocol,
			Rule: "connection_init whose payload is not an object closes the socket with 4400.",
			try: func(t *trial) {
				for _, payload := range []string{"[]", `"token"`, "1", "true"} {
					s := t.dial(offer)
					s.say(`{"type":"connection_init","payload":` + payload + `}`)
					s.wantClose("", 4400)
				}
			}},
		{Name: "invalid/bad-utf8", Source: Websocket,
			Rule: "Text that is not UTF-8 closes the socket with 1007, or with 4400 as it is not JSON either.",
			try: func(t *trial) {
				s := t.open()
				s.say("{\"type\":\"ping\",\"payload\":{\"a\":\"\xff\"}}")
				s.wantClose("", 1007, 4400)
			}},
	}
	for _, invalid := range invalidMessages {
		cases = append(cases, Case{
			Name: "invalid/" + invalid.name, Source: Protocol, Rule: invalid.what + " closes the socket with 4400.",
			try: func(t *trial) {
				s := t.open()
				s.say(invalid.message)
				s.wantClose("", 4400)
			},
		})
	}
	return cases
}
